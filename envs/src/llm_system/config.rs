//! Settings of `llm-system`.

use serde::{Deserialize, Serialize};
use tapeout_core::ConfigError;
use tapeout_core::config::{above, check};
use tapeout_simulators::llm_system::{Cluster, LanguageModel, cluster, language_model};

/// What is trained on what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LlmSystemConfig {
    /// The model: `gpt3-175b`, `megatron-1t`, `megatron-22b`, `turing-530b`, `llama-3-8b`, `llama-3-70b`, the mixtures of experts `mixtral-8x7b`,
    /// `mixtral-8x22b`, `dbrx`, `qwen3-30b-a3b` and `qwen3-235b-a22b`, or a file of one's own that ends in `.toml`.
    pub model: String,
    /// The processors: `a100-80` or `h100-80`, eight in a node.
    pub cluster: String,
    /// How many there are.
    pub processors: u64,
    /// Sequences of a step.
    pub batch: u64,
    /// Which knobs there are.
    pub knobs: LlmKnobs,
    /// What a processor costs in an hour, in money of any kind; there is a metric `cost` if it is given.
    pub price_per_hour: Option<f64>,
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
            price_per_hour: None,
        }
    }
}

impl LlmSystemConfig {
    /// Settings held to their ranges.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        // The network between nodes has no more.
        check("processors", self.processors, 1..=65_536)?;
        // Ours: the largest batch of a published recipe is three million tokens, 1,536 sequences; ten times that leaves room.
        check("batch", self.batch, 1..=16_384)?;
        check_price(self.price_per_hour)
    }

    /// The model.
    pub(super) fn model(&self) -> Result<LanguageModel, ConfigError> {
        named_model(&self.model)
    }

    /// The cluster.
    pub(super) fn cluster(&self) -> Result<Cluster, ConfigError> {
        cluster(&self.cluster).map_err(|error| ConfigError::new("cluster", error.to_string()))
    }
}

/// Bytes of a file of a model; ours: some hundred times what its numbers take.
const MAX_FILE_BYTE: u64 = 1 << 16;

/// The model of this name, or in a file of one's own.
pub(crate) fn named_model(name: &str) -> Result<LanguageModel, ConfigError> {
    let refused = |message: String| ConfigError::new("model", message);
    if !name.ends_with(".toml") {
        return language_model(name)
            .map_err(|unknown| refused(format!("{unknown}; or a file that ends in .toml")));
    }
    let in_file = |message: String| refused(format!("{name}: {message}"));
    let text = crate::settings_file::read(name, MAX_FILE_BYTE).map_err(in_file)?;
    LanguageModel::from_toml(&text).map_err(|error| in_file(error.to_string()))
}

/// Whether a price is one.
pub(crate) fn check_price(price_per_hour: Option<f64>) -> Result<(), ConfigError> {
    price_per_hour.map_or(Ok(()), |price| check("price_per_hour", price, above(0.0)))
}
