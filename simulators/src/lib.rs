//! Analytical cost models of hardware: a machine and a workload in, a report out.

pub mod accelerator_file;
pub mod architectures;
pub mod attention;
mod dataflow;
pub mod dram;
pub mod edge;
pub mod eyeriss;
pub mod fusion;
pub mod gemmini;
pub mod gpu_gemm;
mod levels;
pub mod llm_system;
pub mod loop_nest;
pub mod mapped;
pub mod mapped_trace;
pub mod mapper;
pub mod memory;
mod names;
pub mod network_cost;
pub mod networks;
pub mod precision;
pub mod row_stationary;
pub mod scratchpad;
mod synthesis;
pub mod task_graph;
pub mod technology;
pub mod transformer;
