//! Language models of equal blocks.

use serde::Deserialize;
use tapeout_core::UnknownName;

use crate::names::index_of;
use crate::transformer::{FeedForward, TransformerModel, transformer};

/// A language model: blocks of attention and a feed-forward part, and an output layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageModel {
    /// Elements of a token.
    pub hidden: u64,
    /// Elements between the products of the feed-forward part, or of an expert.
    pub inner: u64,
    /// The feed-forward part.
    pub feed_forward: FeedForward,
    /// Heads of queries.
    pub heads: u64,
    /// Heads of keys and values.
    pub kv_heads: u64,
    /// Elements of a head.
    pub head_size: u64,
    /// Equal blocks.
    pub blocks: u64,
    /// Tokens of a sequence that it is trained on.
    pub sequence: u64,
    /// Tokens there are; 0 for no embedding and no output layer.
    pub vocabulary: u64,
    /// Whether the output layer has weights of its own, not those of the embedding.
    pub has_own_embeddings: bool,
}

/// Longest sequence and vocabulary of a file. Ours, as are the others: beyond what is published, and products of all of them stay within whole
/// numbers.
const MAX_TOKENS: u64 = 1 << 24;
/// Most elements of a token, and between products.
const MAX_WIDTH: u64 = 1 << 20;
/// Most blocks and heads, and elements of a head.
const MAX_BLOCKS: u64 = 1 << 12;
/// Most experts of a block.
const MAX_EXPERTS: u64 = 1 << 10;
/// The version of the file form that is read here.
const SCHEMA: u64 = 1;

/// Why a file is no model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Not the TOML that is expected.
    #[error("{0}")]
    Toml(String),
    /// A number that no model has.
    #[error("`{field}` is {got}, expected {low} to {most}")]
    Number {
        /// Which.
        field: &'static str,
        /// What it is.
        got: u64,
        /// The least.
        low: u64,
        /// The most.
        most: u64,
    },
    /// Heads that cannot share keys evenly.
    #[error("`heads` is {heads}, which `kv_heads` = {kv_heads} does not divide")]
    Heads {
        /// Heads of queries.
        heads: u64,
        /// Heads of keys and values.
        kv_heads: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelText {
    schema: u64,
    #[serde(default, rename = "source")]
    _source: String,
    hidden: u64,
    inner: u64,
    #[serde(default)]
    gated: bool,
    experts: Option<ExpertsText>,
    heads: u64,
    kv_heads: Option<u64>,
    head_size: u64,
    blocks: u64,
    #[serde(default = "usual_sequence")]
    sequence: u64,
    vocabulary: u64,
    #[serde(default)]
    own_embeddings: bool,
    /// What is published, which the tests hold the shape to.
    #[serde(rename = "parameters")]
    _parameters: Option<u64>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct ExpertsText {
    count: u64,
    used: u64,
}

/// Sequence of the models of Megatron.
const fn usual_sequence() -> u64 {
    2048
}

impl LanguageModel {
    /// The model in a TOML file: `schema = 1`, `hidden`, `inner`, `heads`, `head_size`, `blocks`, `vocabulary`; if they are not plain `kv_heads`,
    /// `gated`, `experts = { count, used }` (gated ones), `own_embeddings`, `sequence`; and `source` and `parameters`, which are not read.
    ///
    /// # Errors
    /// [`ModelError`] naming the field.
    pub fn from_toml(text: &str) -> Result<Self, ModelError> {
        let read: ModelText = toml::from_str(text)
            .map_err(|error| ModelError::Toml(error.to_string().trim_end().to_owned()))?;
        let kv_heads = read.kv_heads.unwrap_or(read.heads);
        let experts = read.experts.unwrap_or(ExpertsText { count: 1, used: 1 });
        for (field, got, low, most) in [
            ("schema", read.schema, SCHEMA, SCHEMA),
            ("hidden", read.hidden, 1, MAX_WIDTH),
            ("inner", read.inner, 1, MAX_WIDTH),
            ("heads", read.heads, 1, MAX_BLOCKS),
            ("kv_heads", kv_heads, 1, read.heads),
            ("head_size", read.head_size, 1, MAX_BLOCKS),
            ("blocks", read.blocks, 1, MAX_BLOCKS),
            ("sequence", read.sequence, 1, MAX_TOKENS),
            ("vocabulary", read.vocabulary, 0, MAX_TOKENS),
            ("experts.count", experts.count, 1, MAX_EXPERTS),
            ("experts.used", experts.used, 1, experts.count),
        ] {
            if !(low..=most).contains(&got) {
                return Err(ModelError::Number { field, got, low, most });
            }
        }
        if !read.heads.is_multiple_of(kv_heads) {
            return Err(ModelError::Heads { heads: read.heads, kv_heads });
        }
        let feed_forward = match read.experts {
            Some(ExpertsText { count, used }) => FeedForward::Experts { count, used },
            None if read.gated => FeedForward::Gated,
            None => FeedForward::Plain,
        };
        Ok(Self {
            hidden: read.hidden,
            inner: read.inner,
            feed_forward,
            heads: read.heads,
            kv_heads,
            head_size: read.head_size,
            blocks: read.blocks,
            sequence: read.sequence,
            vocabulary: read.vocabulary,
            has_own_embeddings: read.own_embeddings,
        })
    }

    /// Experts of a block; 1 if all tokens go through the same feed-forward part.
    pub fn experts(&self) -> u64 {
        match self.feed_forward {
            FeedForward::Experts { count, .. } => count,
            _ => 1,
        }
    }

    /// Heads of queries, and of keys and values, on each of `tensor` processors; keys that are fewer than processors are copied.
    pub(super) fn heads_on(&self, tensor: u64) -> (u64, u64) {
        (self.heads / tensor, (self.kv_heads / tensor).max(1))
    }

    /// Whether `tensor` processors can share a block: heads and feed-forward part divide, and so do heads of keys, or those processors among them.
    pub fn can_be_shared_by(&self, tensor: u64) -> bool {
        self.shared_by(tensor).is_ok()
    }

    /// # Errors
    /// What cannot be divided by how many, and how many there are.
    pub(super) fn shared_by(&self, tensor: u64) -> Result<(), (&'static str, u64, u64)> {
        let (more, fewer) = (self.kv_heads.max(tensor), self.kv_heads.min(tensor));
        let parts = [
            ("heads", self.heads, tensor),
            ("elements of the feed-forward part", self.inner, tensor),
            ("heads of keys, or processors that share a block,", more, fewer),
        ];
        parts
            .into_iter()
            .find(|&(_, whole, parts)| whole == 0 || !whole.is_multiple_of(parts))
            .map_or(Ok(()), Err)
    }

    /// Whether the feed-forward part has a gate.
    pub(super) fn is_gated(&self) -> bool {
        self.feed_forward != FeedForward::Plain
    }

    /// Weights of the products of a block, of so many experts.
    fn product_parameters(&self, experts: u64) -> u64 {
        let attention = 2 * self.hidden * (self.heads + self.kv_heads) * self.head_size;
        let matrices = if self.is_gated() { 3 } else { 2 };
        let router = if self.experts() > 1 { self.hidden * self.experts() } else { 0 };
        attention + experts * matrices * self.hidden * self.inner + router
    }

    /// Parameters of a block: its products and two norms with a scale and a shift; no biases.
    pub fn block_parameters(&self) -> u64 {
        self.product_parameters(self.experts()) + 4 * self.hidden
    }

    /// All parameters.
    pub fn parameters(&self) -> u64 {
        let tables = if self.has_own_embeddings { 2 } else { 1 };
        self.blocks * self.block_parameters() + tables * self.vocabulary * self.hidden
    }

    /// Parameters of embedding and output layer on the fullest of `stages`.
    pub(super) fn stage_vocabulary(&self, stages: u64) -> f64 {
        let tables = if self.has_own_embeddings && stages == 1 { 2 } else { 1 };
        (tables * self.vocabulary * self.hidden) as f64
    }

    /// Floating-point operations of a step on `batch` sequences that a step without recomputing makes, matrix products alone: six for each parameter
    /// of a product that a token meets, and those of attention.
    pub fn step_flop(&self, batch: u64) -> f64 {
        let tokens = (batch * self.sequence) as f64;
        let attended = (self.heads * self.head_size) as f64;
        let used = match self.feed_forward {
            FeedForward::Experts { used, .. } => used,
            _ => 1,
        };
        let products = (self.blocks * self.product_parameters(used) + self.vocabulary * self.hidden) as f64;
        6.0 * tokens * (products + self.blocks as f64 * 2.0 * self.sequence as f64 * attended)
    }
}

/// Megatron's models. Source: Korthikanti et al. (MLSys 2023), arXiv 2205.05198, table 3; vocabulary: Narayanan et al. (SC 2021), arXiv 2104.04473,
/// section 5.1.
const MEGATRON: [(&str, LanguageModel); 4] = [
    ("gpt3-175b", megatron(12_288, 96, 128, 96)),
    ("megatron-1t", megatron(25_600, 160, 160, 128)),
    ("megatron-22b", megatron(6144, 64, 96, 48)),
    ("turing-530b", megatron(20_480, 128, 160, 105)),
];

/// Models in files.
const FILES: [(&str, &str); 4] = [
    ("dbrx", include_str!("../../../data/language-models/dbrx.toml")),
    ("mixtral-8x22b", include_str!("../../../data/language-models/mixtral-8x22b.toml")),
    ("qwen3-235b-a22b", include_str!("../../../data/language-models/qwen3-235b-a22b.toml")),
    ("qwen3-30b-a3b", include_str!("../../../data/language-models/qwen3-30b-a3b.toml")),
];

/// Names of the models that [`language_model`] knows; those that are neither Megatron's nor in a file are [`transformer`]'s.
pub const LANGUAGE_MODELS: [&str; 11] = [
    "dbrx",
    "gpt3-175b",
    "llama-3-70b",
    "llama-3-8b",
    "megatron-1t",
    "megatron-22b",
    "mixtral-8x22b",
    "mixtral-8x7b",
    "qwen3-235b-a22b",
    "qwen3-30b-a3b",
    "turing-530b",
];

const fn megatron(hidden: u64, heads: u64, head_size: u64, blocks: u64) -> LanguageModel {
    LanguageModel {
        hidden,
        inner: 4 * hidden,
        feed_forward: FeedForward::Plain,
        heads,
        kv_heads: heads,
        head_size,
        blocks,
        sequence: usual_sequence(),
        vocabulary: 51_200,
        has_own_embeddings: false,
    }
}

impl From<TransformerModel> for LanguageModel {
    fn from(shape: TransformerModel) -> Self {
        Self {
            hidden: shape.hidden,
            inner: shape.inner,
            feed_forward: shape.feed_forward,
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            head_size: shape.head_size,
            blocks: shape.layers,
            sequence: usual_sequence(),
            vocabulary: shape.vocabulary.unwrap_or(0),
            has_own_embeddings: shape.has_own_embeddings,
        }
    }
}

/// The model called `name`.
///
/// # Errors
/// If there is none of that name.
pub fn language_model(name: &str) -> Result<LanguageModel, UnknownName> {
    index_of("language model", name, LANGUAGE_MODELS.into_iter())?;
    if let Some((_, model)) = MEGATRON.into_iter().find(|(known, _)| *known == name) {
        return Ok(model);
    }
    if let Some((_, text)) = FILES.iter().find(|(known, _)| *known == name) {
        return Ok(LanguageModel::from_toml(text).expect("invariant: a test reads every file"));
    }
    transformer(name).map(LanguageModel::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: shapes are the published ones: all parameters but norms and biases, which are a hundred-thousandth at most.
    #[test]
    fn files_have_the_published_parameters() {
        for (name, text) in FILES {
            let published = toml::from_str::<ModelText>(text).unwrap()._parameters.unwrap() as f64;
            let ours = language_model(name).unwrap().parameters() as f64;
            assert!((ours / published - 1.0).abs() < 1e-5, "{name}: {ours} {published}");
        }
        for name in LANGUAGE_MODELS {
            language_model(name).unwrap();
        }
    }

    // Law: the largest numbers that a file may have overflow nothing.
    #[test]
    fn the_largest_model_of_a_file_has_parameters() {
        let text = "schema = 1\nhidden = 1048576\ninner = 1048576\nexperts = { count = 1024, used = 1024 }\nheads = 4096\nhead_size = 4096\nblocks = 4096\nvocabulary = 16777216\nsequence = 16777216\nown_embeddings = true\n";
        let model = LanguageModel::from_toml(text).unwrap();
        assert!(model.parameters() > 1 << 63 && model.step_flop(16_384).is_finite());
    }

    #[test]
    fn a_file_that_is_no_model_names_its_field() {
        let text = FILES[0].1;
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            LanguageModel::from_toml(&text.replace(from, to)).unwrap_err().to_string()
        };
        assert_eq!(refused("blocks = 40", "blocks = 5000"), "`blocks` is 5000, expected 1 to 4096");
        assert_eq!(refused("used = 4", "used = 17"), "`experts.used` is 17, expected 1 to 16");
        assert_eq!(
            refused("kv_heads = 8", "kv_heads = 7"),
            "`heads` is 48, which `kv_heads` = 7 does not divide"
        );
        let unknown = refused("inner", "innner");
        assert!(unknown.contains("unknown field `innner`"), "{unknown}");
    }
}
