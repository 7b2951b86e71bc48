//! Analytical cost models of hardware: a machine and a workload in, a report out.

pub mod loop_nest;
pub mod networks;
pub mod technology;
