//! The mapper against optima found by other searches, against an enumeration of its own, and its laws.

mod gap;
mod golden;
mod laws;
mod pairs;
mod real;
