//! Cascades of layers, and which of them to run together: tiles of rows that stay on the chip between producer and consumer.
//!
//! A [`Cascade`] is a graph of stages with names for their tensors. A mapping cuts it into groups. In a group, tiles of rows go through all
//! stages before the next tile does: tensors in between never leave the chip, windows overlap, and what overlaps is retained or computed again.
//! [`best_fusion`] finds the best mapping of this form and proves it; a group of one stage is the layer by itself, whose cost is
//! whatever the layer-by-layer model says, to the last bit.
//!
//! Sources of the choices: Alwani et al. (MICRO 2016), "Fused-layer CNN accelerators", doi:10.1109/MICRO.2016.7783725 (pyramids, retain or
//! recompute); Mei et al. (HPCA 2023), "DeFiNES", arXiv 2212.05344 (tile size, overlap, where weights are). Departs from them: tiles are whole rows.

mod cascade;
mod cost;
mod search;
mod stage;

pub use cascade::{Cascade, CascadeError};
pub use cost::{FusionMachine, GroupCost, GroupMapping, Overlap};
pub use search::{Fusion, FusionGoal, FusionGroup, MAX_GROUP, alone_by_rows, best_fusion};
pub use stage::{CascadeStage, StageOperand};
