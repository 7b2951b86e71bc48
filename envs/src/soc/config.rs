//! Settings of `soc`.

use serde::{Deserialize, Serialize};
use tapeout_core::ConfigError;
use tapeout_core::config::check;
use tapeout_simulators::soc::{SocWorkload, soc_workload};

/// Bytes of a file of a workload; ours: far more than the most tasks and transfers take.
const MAX_FILE_BYTE: u64 = 1 << 20;

/// What runs, and on how many blocks at most.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SocConfig {
    /// `audio-decoder`, `cava`, `edge-detection`, or a file that ends in `.toml`, `.json` or `.dot`: tasks with `core_cycles` and, if they have accelerators, `accelerator_cycles`,
    /// `accelerator_energy_j`, `accelerator_area_m2` and `iterations`; transfers with `byte`; in TOML a `[budget]` too.
    pub workload: String,
    /// The most cores, 1 to 4.
    pub cores: u64,
    /// The most buses, 1 to 4.
    pub buses: u64,
    /// The most memories, 1 to 4.
    pub memories: u64,
}

impl Default for SocConfig {
    fn default() -> Self {
        Self { workload: "cava".to_owned(), cores: 2, buses: 3, memories: 3 }
    }
}

impl SocConfig {
    /// Settings held to their ranges.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // Ours: more of them than FARSI's designs for its three workloads have.
        check("cores", self.cores, 1..=4)?;
        check("buses", self.buses, 1..=4)?;
        check("memories", self.memories, 1..=4)
    }

    /// The workload that the setting names.
    pub(super) fn workload(&self) -> Result<SocWorkload, ConfigError> {
        let name = self.workload.as_str();
        let Some((_, ending @ ("toml" | "json" | "dot"))) = name.rsplit_once('.') else {
            let refused = |unknown| {
                ConfigError::new(
                    "workload",
                    format!("{unknown}; or a file that ends in .toml, .json or .dot"),
                )
            };
            return soc_workload(name).map_err(refused);
        };
        let refused = |message: String| ConfigError::new("workload", format!("{name}: {message}"));
        let text = crate::settings_file::read(name, MAX_FILE_BYTE).map_err(refused)?;
        let workload = match ending {
            "toml" => SocWorkload::from_toml(&text),
            "json" => SocWorkload::from_json(&text),
            _ => SocWorkload::from_dot(&text),
        };
        workload.map_err(|error| refused(error.to_string()))
    }
}
