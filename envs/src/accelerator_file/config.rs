//! Settings: which file, which networks, and the constants that take the place of the file's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapeout_core::{ConfigError, Value};
use tapeout_simulators::accelerator_file::AcceleratorFile;
use tapeout_simulators::architectures::accelerator;

/// An architecture file and what runs on its designs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AcceleratorFileConfig {
    /// A file that ends in `.toml`, or a built-in one: `edge-accelerator`, `eyeriss-accelerator`, `gemmini-accelerator`.
    pub architecture: String,
    /// The networks that run on every design: names of built-in ones, or files.
    pub networks: Vec<String>,
    /// How often each network runs relative to the others; empty for once each.
    pub weights: Vec<f64>,
    /// Inputs that a network processes at once.
    pub batch: u64,
    /// Constants of the file, by name, that are to be others: `clock_hz`, `node_nm`.
    pub constants: BTreeMap<String, Value>,
}

impl Default for AcceleratorFileConfig {
    fn default() -> Self {
        Self {
            architecture: "edge-accelerator".to_owned(),
            networks: vec!["resnet50".to_owned()],
            weights: Vec::new(),
            batch: 1,
            constants: BTreeMap::new(),
        }
    }
}

impl AcceleratorFileConfig {
    /// The file, read with the constants.
    pub(super) fn file(&self) -> Result<AcceleratorFile, ConfigError> {
        let refused = |message: String| ConfigError::new("architecture", message);
        let name = self.architecture.as_str();
        let read;
        let text = if name.ends_with(".toml") {
            read = tapeout_input::read_text(name)
                .map_err(|error| refused(format!("{name}: cannot be read: {error}")))?;
            read.as_str()
        } else {
            accelerator(name)
                .map_err(|unknown| refused(format!("{unknown}; a file of your own ends in `.toml`")))?
        };
        AcceleratorFile::from_toml(text, name, &self.constants).map_err(|error| {
            let field = if error.field == "constants" { "constants" } else { "architecture" };
            ConfigError::new(field, error.to_string())
        })
    }
}
