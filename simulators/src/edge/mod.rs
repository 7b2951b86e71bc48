//! An edge accelerator from ten numbers: an array of processing elements with cores, lanes and four kinds of memory.
//!
//! Source: Seshadri, Akin, Laudon, Narayanaswami & Yazdanbakhsh (2022), "An Evaluation of Edge TPU Accelerators for
//! Convolutional Neural Networks", arXiv 2102.10423 (the template), and Kumar et al. (2022), "Data-Driven Offline
//! Optimization for Architecting Hardware Accelerators", arXiv 2110.11346 (the ten numbers). What is said of the template
//! is recalled from the first paper, not re-read; its published peak rates bear it out.
//!
//! A [`EdgeTemplate`] in a [`EdgeSetting`] becomes a [`Chip`], or an [`Infeasible`] names the memory that cannot be made. A chip
//! runs a [`PreparedWorkload`]: [`crate::mapper`] finds the best mapping of each layer that the template allows
//! (`constraints.rs`), and [`crate::loop_nest`] costs it on the whole hierarchy.
//!
//! ```text
//! DRAM -> staging -> [ PE: PE memory (inputs, sums) -> [ core: core memory (weights) -> lanes x 4 units ] ]
//! ```
//!
//! ```
//! use tapeout_simulators::edge::{Chip, EdgeDataflow, PreparedWorkload, EdgeSetting, EdgeTemplate};
//! use tapeout_simulators::networks::Workload;
//! use tapeout_simulators::technology::{DramKind, Node};
//!
//! let template = EdgeTemplate {
//!     pes_x: 4, pes_y: 4, cores: 4, lanes: 64,
//!     pe_memory_bytes: 2 << 20, core_memory_bytes: 32 << 10,
//!     activation_memory_bytes: 1024, parameter_memory_bytes: 16384,
//!     instruction_entries: 16384, dram_bandwidth_byte_per_s: 17e9,
//! };
//! let setting = EdgeSetting {
//!     node: Node::new(22)?, clock_hz: 0.8e9, dram: DramKind::Lpddr4,
//!     dram_latency_s: 110e-9, dataflow: EdgeDataflow::OutputStationary,
//! };
//! let chip = Chip::new(template, setting)?;
//! let cost = chip.run(&PreparedWorkload::new(&Workload::of(&[("resnet50", 1.0)])?))?;
//! // 4.1 G multiply-accumulates at 16,384 per cycle take at least 0.31 ms.
//! let latency_s = cost.latency_s(setting.clock_hz);
//! assert!(latency_s > 0.31e-3 && latency_s < 10e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chip;
mod constraints;
mod hierarchy;
mod infeasible;
mod key;
mod layer;
mod mapping;
mod network;
mod parts;
mod simulated;
mod template;

pub use chip::{Area, Chip};
pub use infeasible::{EdgeRule, Infeasible};
pub use layer::{PreparedLayer, PreparedWorkload};
pub use network::LayerReport;
pub use simulated::SimulatedMemory;
pub use template::{EdgeDataflow, EdgeSetting, EdgeTemplate, LANE_WAYS};

#[cfg(test)]
mod tests;
