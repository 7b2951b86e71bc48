//! Kernels from their source to their measured time: compiled, run without a GPU, measured in processes, kept in tables.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "in a test a panic is the report, and what is skipped is said"
)]

mod compile;
mod emulation;
mod golden;
mod ptx;
mod sample;
mod station;
mod table;
