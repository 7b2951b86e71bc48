//! Experiments: the loop, its durable log, and what is made of it.
