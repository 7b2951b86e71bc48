//! What a processor of the fullest stage has to hold.
//!
//! Source of activations: Korthikanti et al. (MLSys 2023), arXiv 2205.05198, equations 1 to 6 and section 4.2.3; of parameters, gradients and optimizer:
//! Megatron Core developer guide, "Distributed optimizer", float16 parameters and 32-bit gradients.

use super::block::{BlockTime, OPTIMIZER_BYTE, WORD_BYTE};
use super::model::LanguageModel;
use super::plan::{OptimizerState, PipelineSchedule, Recompute, TensorCommunication, TrainingPlan};
use crate::transformer::FeedForward;

/// Bytes of a gradient that is added up over microbatches.
const GRADIENT_BYTE: f64 = 4.0;

/// Bytes by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MemoryByKind {
    /// Weights.
    pub weights_byte: f64,
    /// Their gradients.
    pub gradients_byte: f64,
    /// Master copies and moments.
    pub optimizer_byte: f64,
    /// Activations that wait for their backward pass, of all microbatches in flight.
    pub activations_byte: f64,
    /// What one block needs while it is computed again.
    pub working_byte: f64,
}

impl MemoryByKind {
    /// All of it.
    pub fn total_byte(&self) -> f64 {
        self.weights_byte
            + self.gradients_byte
            + self.optimizer_byte
            + self.activations_byte
            + self.working_byte
    }
}

/// Activations of a block and a microbatch that wait for the backward pass, in byte, if `recompute` is done again.
pub(super) fn block_activations_byte(
    model: &LanguageModel,
    plan: &TrainingPlan,
    recompute: Recompute,
) -> f64 {
    let tensor = plan.tensor as f64;
    let token_byte = (plan.microbatch * model.sequence * model.hidden) as f64;
    // Norms, dropouts and inputs of products (10), and what is split among processors (24 where heads and feed-forward part are as wide as usual).
    let split = split_byte(model, plan.tensor) / model.hidden as f64;
    // Tokens on their way to experts, and what comes back.
    let sent = match model.feed_forward {
        FeedForward::Experts { used, .. } => 2.0 * WORD_BYTE * used as f64,
        _ => 0.0,
    };
    let plain = match plan.communication {
        TensorCommunication::Sequence { gathers_again: true } => 10.0 / tensor + split + sent,
        // The inputs of the two first products are kept whole.
        TensorCommunication::Sequence { gathers_again: false } => 4.0 + 6.0 / tensor + split + sent,
        _ => 10.0 + split + sent,
    };
    let scores = (model.heads * plan.microbatch * model.sequence * model.sequence) as f64 / tensor;
    match recompute {
        Recompute::Nothing => token_byte * plain + 5.0 * scores,
        Recompute::Attention => token_byte * plain,
        Recompute::Blocks if plan.communication.splits_sequence() => WORD_BYTE * token_byte / tensor,
        Recompute::Blocks => WORD_BYTE * token_byte,
    }
}

/// What each of `tensor` processors of a block has of the activations of a token that they share, in byte: queries, keys, values, the input of
/// attention's last product, and what is between the products of the feed-forward part, before and after the activation, with a gate its operand and
/// the product too. Keys that are fewer than processors are on all of them.
fn split_byte(model: &LanguageModel, tensor: u64) -> f64 {
    let (heads, kv_heads) = model.heads_on(tensor);
    let attention = 2 * (heads + kv_heads) * model.head_size;
    let (kept, used) = match model.feed_forward {
        FeedForward::Plain => (2, 1),
        FeedForward::Gated => (4, 1),
        FeedForward::Experts { used, .. } => (4, used),
    };
    WORD_BYTE * (attention as f64 + (kept * used * model.inner) as f64 / tensor as f64)
}

/// Microbatches whose activations the first stage holds at once.
pub(super) fn in_flight(plan: &TrainingPlan) -> f64 {
    let stages = plan.pipeline as f64;
    let held = match plan.schedule {
        PipelineSchedule::ZeroBubble2 => 2.0 * stages,
        _ if plan.interleave > 1 => stages * (1.0 + (stages - 1.0) / (stages * plan.interleave as f64)),
        _ => stages,
    };
    held.min(plan.microbatches() as f64)
}

/// Where everything is: in the processor's memory, and in the host's.
///
/// `block`: one of them on this processor.
pub(super) fn memory(
    model: &LanguageModel,
    plan: &TrainingPlan,
    block: &BlockTime,
) -> (MemoryByKind, MemoryByKind) {
    let blocks = (model.blocks / plan.pipeline) as f64;
    let parameters = block.parameters;
    let vocabulary = model.stage_vocabulary(plan.pipeline) / plan.tensor as f64;
    let parameters_held = blocks * parameters + vocabulary;
    let vocabulary_shards = if plan.optimizer == OptimizerState::Sharded { plan.data as f64 } else { 1.0 };
    let stepped = block.stepped(plan);
    let waiting_byte = block_activations_byte(model, plan, plan.recompute);
    let working_byte = block_activations_byte(model, plan, Recompute::Nothing) - waiting_byte;
    let all = MemoryByKind {
        weights_byte: WORD_BYTE * parameters_held,
        gradients_byte: GRADIENT_BYTE * parameters_held,
        optimizer_byte: OPTIMIZER_BYTE * (blocks * stepped + vocabulary / vocabulary_shards),
        activations_byte: waiting_byte * blocks * in_flight(plan),
        working_byte,
    };
    let mut host = MemoryByKind::default();
    let mut own = all;
    // The block that is in use and the next one are here, all of them are there.
    if plan.offload.weights {
        host.weights_byte = all.weights_byte;
        own.weights_byte = all.weights_byte.min(2.0 * WORD_BYTE * parameters + WORD_BYTE * vocabulary);
    }
    if plan.offload.activations {
        host.activations_byte = all.activations_byte;
        own.activations_byte = all.activations_byte.min(2.0 * waiting_byte);
    }
    if plan.offload.optimizer {
        host.optimizer_byte = all.optimizer_byte;
        own.optimizer_byte = all.optimizer_byte.min(2.0 * OPTIMIZER_BYTE * stepped);
    }
    (own, host)
}
