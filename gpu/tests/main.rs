//! Kernels from their source to their measured time: compiled, run without a GPU, measured in processes, kept in tables.

mod compile;
mod emulation;
mod golden;
mod ptx;
mod sample;
mod station;
mod table;
