//! Analytical cost models of hardware: a machine and a workload in, a report out.

pub mod architectures;
pub mod edge;
pub mod gpu_gemm;
pub mod loop_nest;
pub mod mapper;
pub mod networks;
pub mod row_stationary;
pub mod technology;
