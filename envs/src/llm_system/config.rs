//! Settings of `llm-system`.

use serde::{Deserialize, Serialize};
use tapeout_core::ConfigError;
use tapeout_core::config::check;
use tapeout_simulators::llm_system::{Cluster, LanguageModel, cluster, language_model};

/// What is trained on what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmSystemConfig {
    /// The model: `gpt3-175b`, `megatron-1t`, `megatron-22b` or `turing-530b`.
    pub model: String,
    /// The processors: `a100-80` or `h100-80`, eight in a node.
    pub cluster: String,
    /// How many there are.
    pub processors: u64,
    /// Sequences of a step.
    pub batch: u64,
    /// Which knobs there are.
    pub knobs: LlmKnobs,
}

/// Which knobs a design has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LlmKnobs {
    /// All.
    All,
    /// Those of Calculon's case: parallelism, microbatch, recomputing, two ways of communicating, optimizer sharding.
    Parallelism,
}

impl Default for LlmSystemConfig {
    fn default() -> Self {
        Self {
            model: "gpt3-175b".to_owned(),
            cluster: "a100-80".to_owned(),
            processors: 1024,
            batch: 1536,
            knobs: LlmKnobs::All,
        }
    }
}

impl LlmSystemConfig {
    /// Settings held to their ranges.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // The network between nodes has no more.
        check("processors", self.processors, 1..=65_536)?;
        // Ours: the largest batch of a published recipe is three million tokens, 1,536 sequences; ten times that leaves room.
        check("batch", self.batch, 1..=16_384)
    }

    /// The model.
    pub(super) fn model(&self) -> Result<LanguageModel, ConfigError> {
        language_model(&self.model).map_err(|error| ConfigError::new("model", error.to_string()))
    }

    /// The cluster.
    pub(super) fn cluster(&self) -> Result<Cluster, ConfigError> {
        cluster(&self.cluster).map_err(|error| ConfigError::new("cluster", error.to_string()))
    }
}
