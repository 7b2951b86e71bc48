//! The gym from outside: the built-in catalog, the shipped data set, the environment `proxy`, the Gymnasium view, the order of the crates.

#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in the functions they share")]

mod architecture;
mod builtin;
mod dataset;
mod gymnasium;
mod narrowed;
mod own_simulators;
mod proxy;
