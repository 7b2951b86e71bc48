//! Accelerators as files: an architecture whose numbers may depend on parameters.
//!
//! An [`AcceleratorFile`] is the form of [`crate::architectures`] with more in it: named constants, parameters and values, rules between
//! parameters, parts that the cost tables price, and what each level fixes of a mapping. Every number may be an expression
//! ([`tapeout_core::expression`]). Settings of the parameters make a [`BuiltAccelerator`], or an [`Unbuildable`] names the rule that
//! they break; [`AcceleratorFile::run`] runs a workload on it. The page of the environment `accelerator` lists the fields.
//!
//! ```
//! use std::collections::BTreeMap;
//! use tapeout_core::Value;
//! use tapeout_simulators::accelerator_file::{AcceleratorFile, FileWorkload};
//! use tapeout_simulators::networks::Workload;
//!
//! let text = r#"
//! [constants]
//! clock_hz = 500e6
//! node_nm = 22
//! [parameters]
//! rows = { levels = [4, 8, 16] }
//! kib = { powers_of_two = [32, 256] }
//! [parts]
//! unit = { mac = { bits = 8, accumulator_bits = 32 } }
//! buffer = { memory = { class = "SRAM", rows = "kib * 1024 / 16", width_bits = 128 } }
//! dram = { dram = "lpddr4" }
//! [mac]
//! instances = "rows * rows"
//! mesh_x = "rows"
//! word_bits = 8
//! cost = "unit"
//! [[levels]]
//! name = "Buffer"
//! word_bits = 8
//! block_words = 16
//! entries = "kib * 1024"
//! cost = "buffer"
//! [[levels]]
//! name = "DRAM"
//! word_bits = 8
//! reduces_in_place = false
//! cost = "dram"
//! "#;
//! let file = AcceleratorFile::from_toml(text, "mine.toml", &BTreeMap::new())?;
//! let built = file.build(&[Value::Integer(8), Value::Integer(64)])?;
//! assert_eq!(built.architecture().levels()[0].entries, Some(65_536));
//!
//! let cost = file.run(&built, &FileWorkload::new(&file, &Workload::of(&[("dlrm", 1.0)])?))?;
//! assert!(cost.cycles() >= cost.macs() / 64.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dataflow;
mod fault;
mod file;
mod level;
mod number;
mod parameter;
mod part;
mod program;
mod reader;
mod run;
mod text;

pub use dataflow::Dataflow;
use fault::FileFault;
pub use fault::{AcceleratorFileError, Unbuildable};
pub use file::{AcceleratorFile, BuiltAccelerator, OutsidePart};
pub use parameter::{FileParameter, FileRule, Levels};
pub use run::FileWorkload;

use crate::mapper::NoMapping;

/// A layer that cannot run on a built accelerator.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unrunnable {
    /// The design breaks a rule.
    #[error(transparent)]
    Infeasible(#[from] Unbuildable),
    /// What the file fixes allows no mapping at all.
    #[error("a layer cannot be mapped: {0}")]
    Mapping(NoMapping),
}
