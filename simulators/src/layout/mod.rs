//! Layouts of tensors: which one each is kept in, so that operators and the copies between layouts take the least time.
//!
//! An operator has kernels, each of which wants its tensors in certain layouts; it runs the one that is fastest with the copies it needs.
//! [`LayoutGraph::optimum`] finds the best assignment by eliminating one tensor after the other, which on chains and trees is dynamic programming.
//!
//! Sources: Phothilimthana et al. (NeurIPS 2023), arXiv 2308.13490, "TpuGraphs", for the question; Dechter (1999), "Bucket elimination",
//! doi:10.1016/S0004-3702(99)00059-4.

mod eliminate;
mod file;
mod graph;
mod matrix_unit;
#[cfg(test)]
mod tests;

pub use graph::{
    AssignmentReport, LaidOutTensor, LayoutGraph, LayoutGraphError, LayoutKernel, LayoutOperator,
    MAX_KERNELS, MAX_LAYOUTS, MAX_OPERATORS, MAX_TENSORS,
};
