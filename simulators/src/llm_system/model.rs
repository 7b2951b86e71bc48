//! Language models of equal blocks.

use tapeout_core::UnknownName;

use crate::names::value_of;

/// A language model: blocks of attention and two feed-forward products, and an output layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageModel {
    /// Elements of a token.
    pub hidden: u64,
    /// Elements between the feed-forward products.
    pub feed_forward: u64,
    /// Heads, of as many keys as queries.
    pub heads: u64,
    /// Elements of a head.
    pub head_size: u64,
    /// Equal blocks.
    pub blocks: u64,
    /// Tokens of a sequence.
    pub sequence: u64,
    /// Tokens there are; 0 for no embedding and no output layer.
    pub vocabulary: u64,
}

impl LanguageModel {
    /// Parameters of a block: two norms, four products of attention, two of the feed-forward part; no biases.
    pub fn block_parameters(&self) -> u64 {
        4 * self.hidden * self.heads * self.head_size + 2 * self.hidden * self.feed_forward + 4 * self.hidden
    }

    /// All parameters; the output layer shares its own with the embedding.
    pub fn parameters(&self) -> u64 {
        self.blocks * self.block_parameters() + self.vocabulary * self.hidden
    }

    /// Floating-point operations of a step on `batch` sequences that a step without recomputing makes, matrix products alone: six for each parameter of a
    /// product and token, and those of attention.
    pub fn step_flop(&self, batch: u64) -> f64 {
        let tokens = (batch * self.sequence) as f64;
        let inner = (self.heads * self.head_size) as f64;
        let products = (self.parameters() - 4 * self.hidden * self.blocks) as f64;
        6.0 * tokens * (products + self.blocks as f64 * 2.0 * self.sequence as f64 * inner)
    }
}

/// Names and shapes of the models that [`language_model`] knows.
///
/// Source: Korthikanti et al. (MLSys 2023), arXiv 2205.05198, table 3; vocabulary: Narayanan et al. (SC 2021), arXiv 2104.04473, section 5.1.
pub const LANGUAGE_MODELS: [(&str, LanguageModel); 4] = [
    ("gpt3-175b", megatron(12_288, 96, 128, 96)),
    ("megatron-1t", megatron(25_600, 160, 160, 128)),
    ("megatron-22b", megatron(6144, 64, 96, 48)),
    ("turing-530b", megatron(20_480, 128, 160, 105)),
];

const fn megatron(hidden: u64, heads: u64, head_size: u64, blocks: u64) -> LanguageModel {
    LanguageModel {
        hidden,
        feed_forward: 4 * hidden,
        heads,
        head_size,
        blocks,
        sequence: 2048,
        vocabulary: 51_200,
    }
}

/// The model called `name`.
///
/// # Errors
/// If there is none of that name.
pub fn language_model(name: &str) -> Result<LanguageModel, UnknownName> {
    value_of("language model", name, LANGUAGE_MODELS)
}
