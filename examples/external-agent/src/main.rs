//! An agent in a crate of its own.
fn main() {}
