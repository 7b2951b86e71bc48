//! Files of Timeloop runs: read, and held against the model.
//!
//! A file is JSON: `cases`, each with the inputs of a run in full and what Timeloop said; docs/concepts/loop-nest.md lists
//! the fields. [`read`] makes layers, machines and mappings of them, and [`check`] compares what the model says of these
//! with what the file holds: cycles and counts must be equal, energies agree to 1e-6 relative; of a rejected mapping, the
//! reason. Not compared: `achieved_*_bw`, which Timeloop rounds to two decimals, and energy per hop and instance, which
//! are inputs.

mod check;
mod constraints;
mod design;
mod file;
mod mapping;
mod problem;
mod tags;
mod template;
mod write;
mod yaml;

pub use check::{TimeloopComparison, TimeloopDifference, check};
pub use constraints::FixedLevel;
pub use design::{TimeloopDesign, read_design};
pub use file::{TimeloopCase, TimeloopCaseError, TimeloopFileError, read};
pub use problem::{TimeloopLayer, TimeloopProblem, UnreadSize};
pub use write::{UnwritableDesign, WrittenDesign, write_design};
pub use yaml::YamlError;
