//! Settings of `attention-accelerator`.

use serde::{Deserialize, Serialize};
use tapeout_core::ConfigError;
use tapeout_core::config::{above, check};
use tapeout_simulators::attention::Place;
use tapeout_simulators::precision::AccuracyTable;
use tapeout_simulators::technology::{MainMemory, Node};
use tapeout_simulators::transformer::{
    InferenceStep, MAX_BATCH, MAX_TOKENS, Residency, TransformerModel, transformer,
};

/// Network, step of inference, and what every chip has in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionAcceleratorConfig {
    /// The network: `bert-base`, `falcon-7b`, `gpt2`, `llama-3-70b`, `llama-3-8b`, `mixtral-8x7b`, `t5-small`, `transformer-xl`, `xlm`.
    pub network: String,
    /// `prefill`, `decode` or `mixed`.
    pub phase: InferencePhase,
    /// Tokens of a sequence: of the prompt, or of what is in the cache with the new token.
    pub sequence: u64,
    /// Sequences at once.
    pub batch: u64,
    /// The last tokens of one more prompt of `sequence` tokens, which a mixed step reads.
    pub chunk: u64,
    /// Where weights are: `streamed` from the memory, or `resident` on the chip beside the buffer.
    pub weights: WeightResidency,
    /// Where keys and values are: in `memory`, or `chip`, beside the buffer.
    pub cache: CachePlace,
    /// The memory: `lpddr4`, `lpddr5`, `hbm2`, `hbm3`, `hbm3-pim` or `stacked-sram`.
    pub memory: MainMemory,
    /// Process node in nm, 32 or less.
    pub node_nm: Node,
    /// Clock of the chip.
    pub clock_hz: f64,
    /// Bits of a sum.
    pub accumulator_bits: u32,
    /// Weights that share a scale; 0 for one scale for a whole sum.
    pub group: u32,
    /// Bits of a scale.
    pub scale_bits: u32,
    /// Standard deviation of weights in steps of INT8, which says how long encoded elements take.
    pub spread: f64,
    /// A table of what layers lose at how many bits of weights, a file of `[[entry]]` with `layer`, `bits` and `loss`; empty for none.
    pub accuracy: String,
    /// Sum of the losses above which a design is infeasible; read if there is a table.
    pub loss_limit: f64,
    /// Area above which a chip is infeasible.
    pub area_limit_m2: f64,
}

/// What a step of inference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InferencePhase {
    /// Reads prompts.
    Prefill,
    /// Makes a token for each sequence.
    Decode,
    /// Makes a token for each sequence and reads a part of one more prompt.
    Mixed,
}

/// Where weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightResidency {
    /// In the memory; read in every step.
    Streamed,
    /// On the chip.
    Resident,
}

/// Where keys and values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CachePlace {
    /// In the memory.
    Memory,
    /// On the chip.
    Chip,
}

impl Default for AttentionAcceleratorConfig {
    fn default() -> Self {
        Self {
            network: "llama-3-8b".to_owned(),
            phase: InferencePhase::Prefill,
            sequence: 4096,
            batch: 1,
            chunk: 512,
            weights: WeightResidency::Streamed,
            cache: CachePlace::Memory,
            memory: MainMemory::Hbm2,
            // Ours: the largest node that runs multipliers at FuseMax's 940 MHz (arXiv 2406.10491, section VI).
            node_nm: Node::new(10).expect("invariant: the node is tabulated"),
            clock_hz: 940e6,
            accumulator_bits: 32,
            group: 0,
            scale_bits: 16,
            spread: 20.0,
            accuracy: String::new(),
            loss_limit: 0.0,
            // Source: the reticle of a wafer stepper, 26 mm by 33 mm.
            area_limit_m2: 858e-6,
        }
    }
}

impl AttentionAcceleratorConfig {
    /// Settings held to their ranges.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check("clock_hz", self.clock_hz, above(0.0))?;
        // Ours: from a square of a micrometre on, and losses that differ by whole numbers that stay exact.
        check("area_limit_m2", self.area_limit_m2, 1e-12..)?;
        check("loss_limit", self.loss_limit, -1e15..=1e15)?;
        check("accumulator_bits", self.accumulator_bits, 32..=64)?;
        check("scale_bits", self.scale_bits, 1..=16)?;
        check("batch", self.batch, 1..=MAX_BATCH)?;
        check("sequence", self.sequence, 1..=MAX_TOKENS)?;
        check("chunk", self.chunk, 1..=MAX_TOKENS)
    }

    /// The network.
    pub(super) fn model(&self) -> Result<TransformerModel, ConfigError> {
        transformer(&self.network).map_err(|error| ConfigError::new("network", error.to_string()))
    }

    /// The step that it runs.
    pub(super) fn step(&self) -> InferenceStep {
        match self.phase {
            InferencePhase::Prefill => InferenceStep::Prefill { tokens: self.sequence },
            InferencePhase::Decode => InferenceStep::Decode { context: self.sequence },
            InferencePhase::Mixed => {
                InferenceStep::Mixed { context: self.sequence, chunk: self.chunk, prompt: self.sequence }
            }
        }
    }

    /// Where weights, keys and values are.
    pub(super) fn residency(&self) -> Residency {
        Residency {
            weights: match self.weights {
                WeightResidency::Streamed => Place::OffChip,
                WeightResidency::Resident => Place::OnChip,
            },
            cache: match self.cache {
                CachePlace::Memory => Place::OffChip,
                CachePlace::Chip => Place::OnChip,
            },
        }
    }

    /// The table of accuracy, if there is one.
    pub(super) fn accuracy(&self) -> Result<Option<AccuracyTable>, ConfigError> {
        if self.accuracy.is_empty() {
            return Ok(None);
        }
        let refused = |message: String| ConfigError::new("accuracy", format!("{}: {message}", self.accuracy));
        let text = std::fs::read_to_string(&self.accuracy).map_err(|error| refused(error.to_string()))?;
        AccuracyTable::from_toml(&text).map(Some).map_err(|error| refused(error.to_string()))
    }
}
