//! A training step: passes, exchanges, bubbles, the optimizer.

use thiserror::Error;

use super::block::{BlockTime, OPTIMIZER_BYTE, WORD_BYTE, block_time, output_s};
use super::cluster::{Cluster, ClusterNetwork, Transfer};
use super::exchange::{Exchange, exchanges};
use super::memory::{MemoryByKind, block_activations_byte, memory};
use super::model::LanguageModel;
use super::plan::{
    GradientExchange, NodeTraffic, OptimizerState, PipelineSchedule, TensorCommunication, TrainingPlan,
};
use crate::transformer::FeedForward;

/// Why a plan is none for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Something has no whole parts.
    #[error("{whole} {what} cannot be divided by {parts}")]
    Divided {
        /// What is divided.
        what: &'static str,
        /// How many there are.
        whole: u64,
        /// By what.
        parts: u64,
    },
    /// A schedule of one chunk was given several.
    #[error("a schedule without bubbles has one chunk a stage, got {0}")]
    Chunks(u64),
}

/// A step: where its time goes on one processor, in s, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingStep {
    /// All of it.
    pub step_s: f64,
    /// Forward passes.
    pub forward_s: f64,
    /// Backward passes.
    pub backward_s: f64,
    /// Forward passes that are done again.
    pub recompute_s: f64,
    /// The output layer, on the last stage.
    pub output_s: f64,
    /// Exchanges among the processors of a block, and the way to experts and back.
    pub tensor_s: f64,
    /// Those of the forward pass that are done again.
    pub tensor_again_s: f64,
    /// What goes from stage to stage.
    pub pipeline_s: f64,
    /// Gradients and weights among replicas, as far as nothing hides it.
    pub data_s: f64,
    /// Nothing to do.
    pub bubble_s: f64,
    /// The optimizer.
    pub optimizer_s: f64,
    /// Waiting for the host's memory.
    pub offload_s: f64,
    /// What the processor's memory holds.
    pub memory: MemoryByKind,
    /// What the host's memory holds.
    pub host: MemoryByKind,
}

/// Times of a chunk: forward, input gradients with what is done again, weight gradients.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    forward_s: f64,
    input_s: f64,
    weight_s: f64,
    offload_s: f64,
}

/// The step of `model` on `cluster` under `plan`.
///
/// # Errors
/// [`PlanError`] if heads, layers, batch or sequence cannot be divided as the plan says. What memory and network bear is not looked at: the step says what it
/// needs.
pub fn training_step(
    model: &LanguageModel,
    cluster: &Cluster,
    plan: &TrainingPlan,
) -> Result<TrainingStep, PlanError> {
    check(model, plan)?;
    let block = block_time(model, cluster, plan);
    let (inner, last) = exchanges(model, cluster, plan);
    let transfer_s = transfer_s(model, cluster, plan);
    let chunk_blocks = model.blocks / plan.pipeline / plan.interleave;
    let chunks = (plan.microbatches() * plan.interleave) as f64;
    let waits = |exchange, transfer_s| waits(model, cluster, plan, &block, exchange, transfer_s);
    let offload_s = (chunk_blocks - 1) as f64 * waits(&inner, 0.0) + waits(&last, transfer_s);
    let chunk = chunk(&block, &inner, &last, (chunk_blocks, transfer_s, offload_s));
    let each = |s: f64| s * chunks * chunk_blocks as f64;
    let both = |of: fn(&Exchange) -> f64| chunks * ((chunk_blocks - 1) as f64 * of(&inner) + of(&last));
    let sends = if plan.pipeline > 1 { 2.0 * chunks } else { 0.0 };
    let (memory, host) = memory(model, plan, &block);
    let mut step = TrainingStep {
        step_s: 0.0,
        forward_s: each(block.forward.total_s),
        backward_s: each(block.input_gradient.total_s + block.weight_gradient.total_s),
        recompute_s: each(block.again_s),
        output_s: plan.microbatches() as f64 * output_s(model, cluster, plan),
        tensor_s: both(|exchange| exchange.forward_s + exchange.backward_s),
        tensor_again_s: both(|exchange| exchange.again_s),
        pipeline_s: sends * transfer_s,
        data_s: data_s(model, cluster, plan, &block),
        bubble_s: bubble_s(plan, &chunk),
        optimizer_s: (model.blocks / plan.pipeline) as f64 * block.optimizer_s,
        offload_s: chunks * offload_s,
        memory,
        host,
    };
    let passes_s = step.forward_s + step.backward_s + step.recompute_s + step.output_s;
    let exchanges_s = step.tensor_s + step.tensor_again_s + step.pipeline_s + step.data_s;
    step.step_s = passes_s + exchanges_s + step.bubble_s + step.optimizer_s + step.offload_s;
    Ok(step)
}

/// Whether everything can be divided.
fn check(model: &LanguageModel, plan: &TrainingPlan) -> Result<(), PlanError> {
    let whole = |what, whole: u64, parts: u64| {
        if whole > 0 && whole.is_multiple_of(parts) {
            Ok(())
        } else {
            Err(PlanError::Divided { what, whole, parts })
        }
    };
    model.shared_by(plan.tensor).map_err(|(what, whole, parts)| PlanError::Divided { what, whole, parts })?;
    whole("blocks", model.blocks, plan.pipeline.saturating_mul(plan.interleave))?;
    whole("sequences", plan.batch, plan.data.saturating_mul(plan.microbatch))?;
    whole("replicas", plan.data, plan.expert)?;
    match model.feed_forward {
        FeedForward::Experts { count, .. } => whole("experts", count, plan.expert)?,
        _ => whole("the one feed-forward part", 1, plan.expert)?,
    }
    if plan.communication != TensorCommunication::AllReduce {
        whole("tokens of a microbatch", plan.microbatch.saturating_mul(model.sequence), plan.tensor)?;
    }
    let one_chunk = plan.schedule == PipelineSchedule::OneForwardOneBackward || plan.interleave == 1;
    if one_chunk { Ok(()) } else { Err(PlanError::Chunks(plan.interleave)) }
}

/// Time of a stage's result on its way to the next, in s.
fn transfer_s(model: &LanguageModel, cluster: &Cluster, plan: &TrainingPlan) -> f64 {
    if plan.pipeline == 1 {
        return 0.0;
    }
    let parts = if plan.communication == TensorCommunication::AllReduce { 1 } else { plan.tensor };
    let elements = plan.microbatch * model.sequence / parts * model.hidden;
    let network = if plan.node_traffic == NodeTraffic::TensorAndPipeline {
        &cluster.in_node
    } else {
        &cluster.between_nodes
    };
    network.time_s(Transfer::PointToPoint, WORD_BYTE * elements as f64, 2)
}

fn chunk(
    block: &BlockTime,
    inner: &Exchange,
    last: &Exchange,
    (blocks, transfer_s, offload_s): (u64, f64, f64),
) -> Chunk {
    let blocks = blocks as f64;
    let exchanged = |of: fn(&Exchange) -> f64| (blocks - 1.0) * of(inner) + of(last);
    Chunk {
        forward_s: blocks * block.forward.total_s + exchanged(|of| of.forward_s) + transfer_s,
        input_s: blocks * (block.again_s + block.input_gradient.total_s)
            + exchanged(|of| of.again_s + of.backward_s)
            + transfer_s,
        weight_s: blocks * block.weight_gradient.total_s,
        offload_s,
    }
}

/// How long a block waits for the host's memory in both passes, in s: what is moved there and back has the time in which the processor computes and its own
/// memory is idle.
fn waits(
    model: &LanguageModel,
    cluster: &Cluster,
    plan: &TrainingPlan,
    block: &BlockTime,
    exchange: &Exchange,
    transfer_s: f64,
) -> f64 {
    if !plan.offload.any() {
        return 0.0;
    }
    let moved = |moves: bool, byte: f64| if moves { byte } else { 0.0 };
    let weights_byte = moved(plan.offload.weights, WORD_BYTE * block.parameters);
    let waiting_byte = moved(plan.offload.activations, block_activations_byte(model, plan, plan.recompute));
    let state_byte = moved(plan.offload.optimizer, OPTIMIZER_BYTE * block.stepped(plan));
    let host = &cluster.host.rate;
    let forward_s = block.forward.total_s + exchange.forward_s + transfer_s;
    let busy_forward_s = block.forward.memory_s + exchange.memory_s;
    let wait_forward_s = host.time_s(weights_byte.max(waiting_byte)) + busy_forward_s - forward_s;
    let gradients_s = block.input_gradient.total_s + block.weight_gradient.total_s;
    let backward_s = block.again_s + exchange.again_s + gradients_s + exchange.backward_s + transfer_s;
    let busy_s = block.input_gradient.memory_s + block.weight_gradient.memory_s + exchange.memory_s;
    let wait_backward_s = host.time_s(weights_byte + waiting_byte + state_byte) + busy_s - backward_s;
    wait_forward_s.max(0.0) + wait_backward_s.max(0.0)
}

/// Time of gradients and weights among replicas that nothing hides, in s.
fn data_s(model: &LanguageModel, cluster: &Cluster, plan: &TrainingPlan, block: &BlockTime) -> f64 {
    if plan.data == 1 {
        return 0.0;
    }
    let in_node = plan.node_traffic == NodeTraffic::TensorAndData;
    let network: &ClusterNetwork = if in_node { &cluster.in_node } else { &cluster.between_nodes };
    let among = |parameters: f64, members| {
        let net = |transfer| network.time_s(transfer, WORD_BYTE * parameters, members);
        match plan.optimizer {
            OptimizerState::Replicated => net(Transfer::AllReduce),
            OptimizerState::Sharded => net(Transfer::ReduceScatter) + net(Transfer::AllGather),
        }
    };
    let mut block_s = among(block.parameters - block.expert_parameters, plan.data);
    // An expert has fewer replicas than the rest.
    if block.expert_parameters > 0.0 && plan.expert_replicas() > 1 {
        block_s += among(block.expert_parameters, plan.expert_replicas());
    }
    let blocks = (model.blocks / plan.pipeline) as f64;
    match plan.gradients {
        GradientExchange::AtTheEnd => blocks * block_s,
        // Ours: the gradients of a block are on their way while the block before it is computed; those of the first block have nothing beside them. The
        // processor works on both, so a share of what is hidden shows.
        GradientExchange::Overlapped => {
            let beside_s = block.again_s + block.input_gradient.total_s + block.weight_gradient.total_s;
            let hidden_s = block_s.min(beside_s);
            let shown_s = block_s - hidden_s + network.processor_share * hidden_s;
            block_s + (blocks - 1.0) * shown_s
        }
    }
}

/// Time of a step in which a stage has nothing to do, in s.
///
/// Sources: Calculon for interleaving and batches that stages do not divide; Qi et al. (ICLR 2024), arXiv 2401.10241, table 2, for the schedules without
/// bubbles.
fn bubble_s(plan: &TrainingPlan, chunk: &Chunk) -> f64 {
    let all_s = chunk.forward_s + chunk.input_s + chunk.weight_s + chunk.offload_s;
    let before = (plan.pipeline - 1) as f64;
    // Weight gradients fill gaps as far as there are some: all but that of the last microbatch.
    let unfilled_s = |gaps: f64| {
        let filled = gaps.min(plan.microbatches().saturating_sub(1) as f64);
        (before * (all_s - chunk.weight_s) - filled * chunk.weight_s).max(0.0)
    };
    match plan.schedule {
        PipelineSchedule::OneForwardOneBackward => {
            let left = plan.microbatches() % plan.pipeline;
            let lacking = if left == 0 { 0 } else { plan.pipeline - left };
            (before + ((plan.interleave - 1) * lacking) as f64) * all_s
        }
        PipelineSchedule::ZeroBubble1 => unfilled_s(before),
        PipelineSchedule::ZeroBubble2 => unfilled_s(2.0 * before),
    }
}
