//! Attention against the tables of FuseMax's artifact, and its laws.

mod artifact;
mod energy;
mod laws;
mod table;
mod transformers;
