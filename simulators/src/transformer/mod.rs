//! Transformers on an array with a vector unit: what a step of inference takes, prefill, decode or both at once.
//!
//! Attention is [`crate::attention`]'s, projections, feed-forward layers and logits are matrix products one after the other, each from main
//! memory and back; normalizations, activations and residual sums are vector work. `docs/concepts/attention.md` has the story.

mod cascade;
mod chip;
mod model;
mod run;
mod workload;

pub use chip::{AttentionCascade, TransformerChip, TransformerCosts};
pub use model::{FeedForward, TRANSFORMERS, TransformerModel, transformer};
pub use run::StepReport;
pub use workload::{InferenceError, InferenceStep, MAX_BATCH, MAX_TOKENS, Residency, TransformerWorkload};
