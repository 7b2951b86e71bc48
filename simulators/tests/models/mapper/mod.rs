//! The mapper against the proven optimum, against an enumeration of its own, and its laws.

mod gap;
mod laws;
mod pairs;
