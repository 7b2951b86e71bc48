//! Analytical cost models of hardware: a machine and a workload in, a report out.

pub mod architectures;
pub mod dram;
pub mod edge;
pub mod eyeriss;
pub mod gemmini;
pub mod gpu_gemm;
pub mod loop_nest;
pub mod mapped;
pub mod mapper;
pub mod memory;
pub mod networks;
pub mod row_stationary;
pub mod technology;
