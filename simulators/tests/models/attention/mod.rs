//! Attention against the tables of FuseMax's artifact, and its laws.

#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in the functions they share")]

mod artifact;
mod energy;
mod laws;
mod table;
mod transformers;
