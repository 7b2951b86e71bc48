//! Shapes of transformers.

use tapeout_core::UnknownName;

use crate::names::value_of;

/// The feed-forward part of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedForward {
    /// Up, an activation, down.
    Plain,
    /// Up and gate, their product, down.
    Gated,
    /// Gated ones, of which each token uses some.
    Experts {
        /// How many there are.
        count: u64,
        /// How many a token uses.
        used: u64,
    },
}

/// The shape of a transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransformerModel {
    /// Its name.
    pub id: &'static str,
    /// Equal layers.
    pub layers: u64,
    /// Elements of a token.
    pub hidden: u64,
    /// Heads of queries.
    pub heads: u64,
    /// Heads of keys and values.
    pub kv_heads: u64,
    /// Elements of a head.
    pub head_size: u64,
    /// Elements between the products of the feed-forward part.
    pub inner: u64,
    /// The feed-forward part.
    pub feed_forward: FeedForward,
    /// Tokens there are; none if the network ends with its last layer.
    pub vocabulary: Option<u64>,
    /// Whether embeddings are a table of their own beside the product with the vocabulary, not the same weights.
    pub has_own_embeddings: bool,
    /// Whether it reads whole sequences and makes no tokens, so that no keys and values are kept.
    pub is_encoder: bool,
}

/// Every transformer.
pub const TRANSFORMERS: [TransformerModel; 9] = [
    // Source: Devlin et al. (2019), arXiv 1810.04805, section 3.
    encoder("bert-base", 12, 768, 12, 3072),
    // Source: Almazrouei et al. (2023), arXiv 2311.16867: 71 heads of 64 that share one of keys and values.
    TransformerModel { kv_heads: 1, head_size: 64, ..plain("falcon-7b", 32, 4544, 71, 18_176, Some(65_024)) },
    // Source: Radford et al. (2019), table 2; openai/gpt-2.
    plain("gpt2", 12, 768, 12, 3072, Some(50_257)),
    // Source: Llama Team (2024), arXiv 2407.21783, table 3.
    grouped("llama-3-70b", 80, 8192, 64, 28_672, FeedForward::Gated, 128_256),
    grouped("llama-3-8b", 32, 4096, 32, 14_336, FeedForward::Gated, 128_256),
    // Source: Jiang et al. (2024), arXiv 2401.04088, table 1.
    grouped("mixtral-8x7b", 32, 4096, 32, 14_336, FeedForward::Experts { count: 8, used: 2 }, 32_000),
    // Source: Raffel et al. (2020), arXiv 1910.10683: the encoder of T5 small.
    encoder("t5-small", 6, 512, 8, 2048),
    // Source: Dai et al. (2019), arXiv 1901.02860: the large model.
    plain("transformer-xl", 18, 1024, 16, 4096, None),
    // Source: Lample & Conneau (2019), arXiv 1901.07291, and facebookresearch/XLM: 12 layers of 2,048, 16 heads.
    encoder("xlm", 12, 2048, 16, 8192),
];

const fn plain(
    id: &'static str,
    layers: u64,
    hidden: u64,
    heads: u64,
    inner: u64,
    vocabulary: Option<u64>,
) -> TransformerModel {
    TransformerModel {
        id,
        layers,
        hidden,
        heads,
        kv_heads: heads,
        head_size: hidden / heads,
        inner,
        feed_forward: FeedForward::Plain,
        vocabulary,
        has_own_embeddings: false,
        is_encoder: false,
    }
}

const fn encoder(id: &'static str, layers: u64, hidden: u64, heads: u64, inner: u64) -> TransformerModel {
    TransformerModel { is_encoder: true, ..plain(id, layers, hidden, heads, inner, None) }
}

/// Heads of 128 of which eight are of keys and values, and embeddings that are not those of the logits.
const fn grouped(
    id: &'static str,
    layers: u64,
    hidden: u64,
    heads: u64,
    inner: u64,
    feed_forward: FeedForward,
    vocabulary: u64,
) -> TransformerModel {
    TransformerModel {
        kv_heads: 8,
        feed_forward,
        has_own_embeddings: true,
        ..plain(id, layers, hidden, heads, inner, Some(vocabulary))
    }
}

/// The transformer called `name`.
///
/// # Errors
/// [`UnknownName`] with the nearest name there is.
///
/// ```
/// use tapeout_simulators::transformer::transformer;
/// let llama = transformer("llama-3-8b")?;
/// // 8,030,261,248 parameters, less the embeddings of the vocabulary, which are looked up, and 65 normalizations.
/// assert_eq!(llama.product_weights(), 8_030_261_248 - 128_256 * 4096 - 65 * 4096);
/// # Ok::<(), tapeout_core::UnknownName>(())
/// ```
pub fn transformer(name: &str) -> Result<TransformerModel, UnknownName> {
    value_of("transformer", name, TRANSFORMERS.map(|model| (model.id, model)))
}

impl TransformerModel {
    /// Weights of a layer's feed-forward part, or of one of its experts.
    fn feed_forward_weights(&self) -> u64 {
        match self.feed_forward {
            FeedForward::Plain => 2 * self.hidden * self.inner,
            FeedForward::Gated | FeedForward::Experts { .. } => 3 * self.hidden * self.inner,
        }
    }

    /// Weights of all matrix products, experts that no token uses among them.
    pub fn product_weights(&self) -> u64 {
        let attention = 2 * self.hidden * self.head_size * (self.heads + self.kv_heads);
        let feed_forward = match self.feed_forward {
            FeedForward::Plain | FeedForward::Gated => self.feed_forward_weights(),
            FeedForward::Experts { count, .. } => count * self.feed_forward_weights() + self.hidden * count,
        };
        self.layers * (attention + feed_forward) + self.vocabulary.unwrap_or(0) * self.hidden
    }

    /// Elements of a table of embeddings beside the weights of the products; those of networks without logits are not known here.
    pub fn embeddings(&self) -> u64 {
        if self.has_own_embeddings { self.vocabulary.unwrap_or(0) * self.hidden } else { 0 }
    }

    /// Elements of keys and values of a token that are kept: of all layers, or of the one at work.
    pub fn cache_elements(&self) -> u64 {
        let layers = if self.is_encoder { 1 } else { self.layers };
        2 * layers * self.kv_heads * self.head_size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Source: parameter counts of the models: Llama 3 70B 70,553,706,496 (meta-llama/Meta-Llama-3-70B), Mixtral 46,702,792,704
    // (mistralai/Mixtral-8x7B-v0.1), GPT-2 124,439,808 with logits tied to embeddings, 1,024 positions, biases and normalizations.
    #[test]
    fn weights_are_the_published_parameters() {
        let weights = |name| transformer(name).unwrap().product_weights();
        assert_eq!(weights("llama-3-70b"), 70_553_706_496 - 128_256 * 8192 - 161 * 8192);
        assert_eq!(weights("mixtral-8x7b"), 46_702_792_704 - 32_000 * 4096 - 65 * 4096);
        let biases_and_norms = 12 * (4 * 768 + 768 + 3072 + 768 + 2 * 768) + 2 * 768 + 12 * 768;
        assert_eq!(weights("gpt2"), 124_439_808 - 1024 * 768 - biases_and_norms);
    }

    #[test]
    fn they_stand_in_order_and_heads_divide() {
        for pair in TRANSFORMERS.windows(2) {
            assert!(pair[0].id < pair[1].id, "{}", pair[1].id);
        }
        for model in TRANSFORMERS {
            assert_eq!(model.heads % model.kv_heads, 0, "{}", model.id);
        }
    }
}
