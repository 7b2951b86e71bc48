//! Agents: algorithms that search a design space.
