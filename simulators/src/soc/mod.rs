//! Systems on chip: processors, memories and buses, a graph of tasks on them, and what they take together.
//!
//! A task computes, reads what its parents wrote and writes what its children read, all at once and at one rate: the least that its processor, and each bus and memory
//! on its ways, leaves to it. Between two events (a task ends, others begin) all rates are constant: a phase. Power is the largest mean over windows of phases.
//!
//! Source: Boroujerdian et al. (ACM TECS 2023), "FARSI", doi:10.1145/3544016, and its program, facebookresearch/Project_FARSI @ ce59c96, for what the
//! article leaves open. Memories are CACTI's, as there. Checked against: `tests/golden/soc/designs.jsonl`.

mod blocks;
mod library;
mod readers;
mod routes;
mod simulation;
#[cfg(test)]
mod tests;
mod workload;
mod workloads;

pub use blocks::{Block, Soc, SocBus, SocFault, SocMemory, SocMemoryKind, SocProcessor};
pub use library::{ACCELERATOR_CLOCKS_HZ, BLOCK_WIDTHS_BYTE, MAX_MEMORY_BYTE, unrollings};
pub use readers::SocWorkloadError;
pub use simulation::{SocPhase, SocReport, simulate};
pub use workload::{SocAccelerator, SocBudget, SocTask, SocTransfer, SocWorkload};
pub use workloads::{SOC_WORKLOADS, SocWorkloadRow, soc_workload};
