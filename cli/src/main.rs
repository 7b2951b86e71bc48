//! The `tapeout` program.
fn main() {}
