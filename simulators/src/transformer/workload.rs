//! What a step of inference multiplies.

use super::{FeedForward, TransformerModel};
use crate::attention::{AttentionShape, MatrixProduct, Place};
use crate::precision::Precision;

/// Most sequences of a step, and most tokens of a sequence. Ours: beyond what anybody serves, and far within whole numbers.
pub const MAX_BATCH: u64 = 1 << 20;
/// See [`MAX_BATCH`].
pub const MAX_TOKENS: u64 = 1 << 24;

/// What one pass through the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InferenceStep {
    /// Prompts of so many tokens, all at once.
    Prefill {
        /// Tokens of a sequence.
        tokens: u64,
    },
    /// A token more for each sequence.
    Decode {
        /// Tokens of a sequence with the new one.
        context: u64,
    },
    /// Decoding, and a part of one more prompt.
    Mixed {
        /// Tokens of a sequence that is decoded, with the new one.
        context: u64,
        /// The last tokens of the prompt, which are read in this step, all that came before them being in the cache.
        chunk: u64,
        /// Tokens of the prompt.
        prompt: u64,
    },
}

/// Where weights and keys and values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residency {
    /// Of weights: streamed from main memory, or on the chip all the time.
    pub weights: Place,
    /// Of keys and values.
    pub cache: Place,
}

/// A step that no network can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InferenceError {
    /// Nothing to do.
    #[error("{0} is 0, expected at least 1")]
    Nothing(&'static str),
    /// More than is foreseen.
    #[error("{what} is {got}, expected at most {most}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        got: u64,
        /// The most.
        most: u64,
    },
    /// A network that makes no tokens.
    #[error("`{0}` is an encoder: it reads whole sequences, and does nothing but `prefill`")]
    Encoder(&'static str),
    /// A part that is longer than its prompt.
    #[error("a chunk of {chunk} tokens of a prompt of {prompt}, expected no more than the prompt")]
    Chunk {
        /// Tokens of the part.
        chunk: u64,
        /// Tokens of the prompt.
        prompt: u64,
    },
}

/// A step of inference on a network.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformerWorkload {
    /// Equal layers.
    pub layers: f64,
    /// Matrix products of a layer with weights.
    pub products: Vec<MatrixProduct>,
    /// Attention of a layer.
    pub attention: Vec<AttentionShape>,
    /// The product with the vocabulary, once.
    pub logits: Option<MatrixProduct>,
    /// Tokens in this step.
    pub tokens: f64,
    /// Elements of a token.
    pub hidden: f64,
    /// Elements that a layer's activation function is applied to.
    pub activated: f64,
    /// Elements of what is multiplied by them, if the feed-forward part is gated.
    pub gated: f64,
    /// Bytes of an activation.
    pub activation_byte: f64,
    /// Bytes of all weights, a table of embeddings among them.
    pub weight_byte: f64,
    /// Bytes of all keys and values that are kept: of all layers, or of the one at work if no token will come after.
    pub cache_byte: f64,
    /// Where weights and keys and values are.
    pub residency: Residency,
}

impl TransformerWorkload {
    /// A step of `model` for `batch` sequences, with keys and values of `cache_bits`.
    ///
    /// # Errors
    /// [`InferenceError`] if there is nothing to do, or too much, if a part of a prompt is longer than it, or an encoder is to make tokens.
    pub fn new(
        model: &TransformerModel,
        step: InferenceStep,
        batch: u64,
        precision: &Precision,
        cache_bits: u32,
        residency: Residency,
    ) -> Result<Self, InferenceError> {
        check(model, step, batch)?;
        let cache_byte = f64::from(cache_bits) / 8.0;
        let shape = |batch, queries, keys| AttentionShape {
            batch,
            heads: model.heads,
            kv_heads: model.kv_heads,
            queries,
            keys,
            head_size: model.head_size,
            value_size: model.head_size,
            activation_byte: precision.activation_byte(),
            cache_byte,
            cache: residency.cache,
        };
        // Attention, tokens in this step, tokens whose logits are wanted, tokens in the cache.
        let (attention, tokens, ends, cached) = match step {
            InferenceStep::Prefill { tokens } => {
                (vec![shape(batch, tokens, tokens)], batch * tokens, batch, batch * tokens)
            }
            InferenceStep::Decode { context } => {
                (vec![shape(batch, 1, context)], batch, batch, batch * context)
            }
            InferenceStep::Mixed { context, chunk, prompt } => {
                let shapes = vec![shape(batch, 1, context), shape(1, chunk, prompt)];
                (shapes, batch + chunk, batch + 1, batch * context + prompt)
            }
        };
        let products = Products { model, precision, cache_byte, residency, tokens };
        let (used, gated) = match model.feed_forward {
            FeedForward::Plain => (1, 0),
            FeedForward::Gated => (1, 1),
            FeedForward::Experts { used, .. } => (used, used),
        };
        let inner = tokens as f64 * model.inner as f64;
        Ok(Self {
            layers: model.layers as f64,
            products: products.of_a_layer(),
            attention,
            logits: model.vocabulary.map(|words| products.product(1.0, ends, model.hidden, words)),
            tokens: tokens as f64,
            hidden: model.hidden as f64,
            activated: inner * used as f64,
            gated: inner * gated as f64,
            activation_byte: precision.activation_byte(),
            weight_byte: (model.product_weights() + model.embeddings()) as f64 * precision.weight_byte(),
            cache_byte: model.cache_elements() as f64 * cached as f64 * cache_byte,
            residency,
        })
    }
}

fn check(model: &TransformerModel, step: InferenceStep, batch: u64) -> Result<(), InferenceError> {
    let (sequence, chunk, prompt) = match step {
        InferenceStep::Prefill { tokens } => (tokens, 1, 1),
        InferenceStep::Decode { context } => (context, 1, 1),
        InferenceStep::Mixed { context, chunk, prompt } => (context, chunk, prompt),
    };
    let counts = [
        ("batch", batch, MAX_BATCH),
        ("sequence", sequence, MAX_TOKENS),
        ("chunk", chunk, MAX_TOKENS),
        ("prompt", prompt, MAX_TOKENS),
    ];
    for (what, got, most) in counts {
        if got == 0 {
            return Err(InferenceError::Nothing(what));
        }
        if got > most {
            return Err(InferenceError::TooMany { what, got, most });
        }
    }
    if chunk > prompt {
        return Err(InferenceError::Chunk { chunk, prompt });
    }
    if model.is_encoder && !matches!(step, InferenceStep::Prefill { .. }) {
        return Err(InferenceError::Encoder(model.id));
    }
    Ok(())
}

/// What products with weights have in common.
struct Products<'a> {
    model: &'a TransformerModel,
    precision: &'a Precision,
    cache_byte: f64,
    residency: Residency,
    tokens: u64,
}

impl Products<'_> {
    fn product(&self, count: f64, m: u64, k: u64, n: u64) -> MatrixProduct {
        let activation_byte = self.precision.activation_byte();
        MatrixProduct {
            count,
            m,
            k,
            n,
            first_byte: activation_byte,
            second_byte: self.precision.weight_byte(),
            result_byte: activation_byte,
            second: self.residency.weights,
        }
    }

    fn of_a_layer(&self) -> Vec<MatrixProduct> {
        let (model, tokens) = (self.model, self.tokens);
        let (hidden, inner) = (model.hidden, model.inner);
        let heads = model.heads * model.head_size;
        let cached = self.product(2.0, tokens, hidden, model.kv_heads * model.head_size);
        let mut products = vec![
            self.product(1.0, tokens, hidden, heads),
            // Keys and values go to the cache.
            MatrixProduct {
                result_byte: if self.residency.cache == Place::OnChip { 0.0 } else { self.cache_byte },
                ..cached
            },
            self.product(1.0, tokens, heads, hidden),
        ];
        match model.feed_forward {
            FeedForward::Plain => {
                products.push(self.product(1.0, tokens, hidden, inner));
                products.push(self.product(1.0, tokens, inner, hidden));
            }
            FeedForward::Gated => {
                products.push(self.product(2.0, tokens, hidden, inner));
                products.push(self.product(1.0, tokens, inner, hidden));
            }
            FeedForward::Experts { count, used } => {
                products.push(self.product(1.0, tokens, hidden, count));
                for (asked, each) in experts(tokens, count, used) {
                    products.push(self.product(2.0 * asked, each, hidden, inner));
                    products.push(self.product(asked, each, inner, hidden));
                }
            }
        }
        products
    }
}

/// Experts that are asked at all, and tokens that each of them is given, if every token asks `used` of `count` at random: a
/// given one is spared by a token with probability `1 - used / count`. The mean number of tokens lies between two whole ones, which as
/// many experts are given as make the sum.
fn experts(tokens: u64, count: u64, used: u64) -> Vec<(f64, u64)> {
    let spared = (1.0 - used as f64 / count as f64).powf(tokens as f64);
    let asked = count as f64 * (1.0 - spared);
    let mean = tokens as f64 * used as f64 / asked;
    let (each, with_more) = (mean.floor().max(1.0), asked * (mean - mean.floor()));
    let parts = [(asked - with_more, each as u64), (with_more, each as u64 + 1)];
    parts.into_iter().filter(|&(experts, _)| experts > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformer::transformer;

    const STREAMED: Residency = Residency { weights: Place::OffChip, cache: Place::OffChip };

    fn workload(name: &str, step: InferenceStep, batch: u64) -> TransformerWorkload {
        let model = transformer(name).unwrap();
        TransformerWorkload::new(&model, step, batch, &Precision::integer(16), 16, STREAMED).unwrap()
    }

    // By hand: one token asks 2 of 8; two tokens 8 (1 - .75^2) = 3.5 in the mean, of which 3 have a token and half of one has two; a thousand
    // all eight, 250 tokens each. Law: every token is worked on `used` times.
    #[test]
    fn experts_are_asked_by_more_tokens_until_all_are() {
        assert_eq!(experts(1, 8, 2), [(2.0, 1)]);
        let two = experts(2, 8, 2);
        assert!(
            (two[0].0 - 3.0).abs() < 1e-12
                && (two[1].0 - 0.5).abs() < 1e-12
                && (two[0].1, two[1].1) == (1, 2)
        );
        for tokens in 1..2000 {
            let work: f64 = experts(tokens, 8, 2).iter().map(|&(experts, each)| experts * each as f64).sum();
            assert!((work / (2 * tokens) as f64 - 1.0).abs() < 1e-12, "{tokens}: {work}");
        }
        let asked: f64 = experts(1000, 8, 2).iter().map(|&(experts, _)| experts).sum();
        assert!((asked - 8.0).abs() < 1e-9);
    }

    // Law: a step of one token reads every weight of a dense network once.
    #[test]
    fn a_token_meets_every_weight_of_a_dense_network_once() {
        for name in ["llama-3-8b", "llama-3-70b", "gpt2", "falcon-7b", "transformer-xl"] {
            let workload = workload(name, InferenceStep::Decode { context: 10 }, 1);
            let layer: f64 = workload.products.iter().map(MatrixProduct::macs).sum();
            let macs = workload.layers * layer + workload.logits.map_or(0.0, |logits| logits.macs());
            assert_eq!(macs, transformer(name).unwrap().product_weights() as f64, "{name}");
        }
    }

    // By hand: 32 layers of 8 heads of 128, keys and values, two bytes, 2,048 tokens of two sequences: 512 MiB.
    #[test]
    fn a_cache_has_two_elements_for_each_head_of_keys() {
        let workload = workload("llama-3-8b", InferenceStep::Decode { context: 2048 }, 2);
        assert_eq!(workload.cache_byte, 512.0 * 1_048_576.0);
        assert_eq!(workload.attention[0].rows(), 4);
    }

    #[test]
    fn a_mixed_step_is_a_decode_and_a_part_of_a_prompt() {
        let step = InferenceStep::Mixed { context: 100, chunk: 64, prompt: 256 };
        let workload = workload("gpt2", step, 8);
        assert_eq!(workload.tokens, 72.0);
        assert_eq!((workload.attention[0].batch, workload.attention[0].queries), (8, 1));
        assert_eq!((workload.attention[1].queries, workload.attention[1].keys), (64, 256));
        assert_eq!(workload.logits.unwrap().m, 9);
        let model = transformer("gpt2").unwrap();
        let refused = |step, batch| {
            TransformerWorkload::new(&model, step, batch, &Precision::integer(8), 8, STREAMED).unwrap_err()
        };
        let long = InferenceStep::Mixed { context: 1, chunk: 9, prompt: 8 };
        assert_eq!(refused(long, 1), InferenceError::Chunk { chunk: 9, prompt: 8 });
        assert_eq!(refused(InferenceStep::Decode { context: 1 }, 0), InferenceError::Nothing("batch"));
        let (what, got, most) = ("sequence", 1 << 32, MAX_TOKENS);
        assert_eq!(
            refused(InferenceStep::Decode { context: 1 << 32 }, 1),
            InferenceError::TooMany { what, got, most }
        );
    }

    // By hand: BERT keeps keys and values of the layer at work alone, 2 * 768 words of two bytes for each of 512 tokens; it makes no tokens.
    #[test]
    fn encoders_keep_nothing_and_make_no_tokens() {
        assert_eq!(
            workload("bert-base", InferenceStep::Prefill { tokens: 512 }, 1).cache_byte,
            2.0 * 768.0 * 2.0 * 512.0
        );
        let (model, step) = (transformer("bert-base").unwrap(), InferenceStep::Decode { context: 8 });
        let refused =
            TransformerWorkload::new(&model, step, 1, &Precision::integer(8), 8, STREAMED).unwrap_err();
        assert_eq!(refused, InferenceError::Encoder("bert-base"));
    }
}
