//! What the processors that share a block, or its experts, tell each other, for one microbatch.

use super::block::WORD_BYTE;
use super::cluster::{Cluster, Transfer};
use super::model::LanguageModel;
use super::plan::{Recompute, TensorCommunication, TrainingPlan};
use crate::transformer::FeedForward;

/// Times of a block's exchanges, in s.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Exchange {
    pub forward_s: f64,
    pub backward_s: f64,
    /// The part of either in which the processor's memory is busy.
    pub memory_s: f64,
    /// What of the forward pass is exchanged again.
    pub again_s: f64,
}

impl Exchange {
    /// With the way to experts and back, which gradients go too.
    fn and_experts(self, plan: &TrainingPlan, once_s: f64) -> Self {
        let again_s = if plan.recompute == Recompute::Blocks { 2.0 * once_s } else { 0.0 };
        Self {
            forward_s: self.forward_s + 2.0 * once_s,
            backward_s: self.backward_s + 2.0 * once_s,
            again_s: self.again_s + again_s,
            ..self
        }
    }
}

/// Exchanges of the blocks inside a chunk, and of its last block, whose result goes to another stage.
pub(super) fn exchanges(
    model: &LanguageModel,
    cluster: &Cluster,
    plan: &TrainingPlan,
) -> (Exchange, Exchange) {
    let elements = (plan.microbatch * model.sequence * model.hidden) as f64;
    let (inner, last) = tensor_exchanges(cluster, plan, elements);
    let to_experts_s = to_experts_s(model, cluster, plan, elements);
    (inner.and_experts(plan, to_experts_s), last.and_experts(plan, to_experts_s))
}

/// Time in which every token goes to its experts, or comes back, in s. A processor sends whole tokens: results are sums over the processors of a
/// block, and those are added up after the experts' have been.
fn to_experts_s(model: &LanguageModel, cluster: &Cluster, plan: &TrainingPlan, elements: f64) -> f64 {
    let FeedForward::Experts { used, .. } = model.feed_forward else { return 0.0 };
    if plan.expert == 1 {
        return 0.0;
    }
    let network = if plan.experts_in_node() { &cluster.in_node } else { &cluster.between_nodes };
    network.time_s(Transfer::AllToAll, WORD_BYTE * elements * used as f64, plan.expert)
}

fn tensor_exchanges(cluster: &Cluster, plan: &TrainingPlan, elements: f64) -> (Exchange, Exchange) {
    if plan.tensor == 1 {
        return Default::default();
    }
    let whole = all_reduced(cluster, plan, elements);
    match plan.communication {
        TensorCommunication::AllReduce => (whole, whole),
        TensorCommunication::Scattered => {
            let none = Moves { kept_parts: false, gathers_again: false };
            (whole, split(cluster, plan, elements, none))
        }
        TensorCommunication::Sequence { gathers_again } => {
            let parts = split(cluster, plan, elements, Moves { kept_parts: true, gathers_again });
            (parts, parts)
        }
    }
}

/// Time of adding up `elements` of all members, and of reading and writing them, in s.
pub(super) fn adding_s(cluster: &Cluster, members: u64, elements: f64) -> f64 {
    let flop = elements * (members - 1) as f64 / members as f64;
    cluster.vector.time_s(flop) + moving_s(cluster, elements)
}

fn moving_s(cluster: &Cluster, elements: f64) -> f64 {
    cluster.memory.rate.time_s(2.0 * WORD_BYTE * elements)
}

/// Results are added up after attention and after the feed-forward part; gradients of inputs before them.
fn all_reduced(cluster: &Cluster, plan: &TrainingPlan, elements: f64) -> Exchange {
    let net_s = cluster.in_node.time_s(Transfer::AllReduce, WORD_BYTE * elements, plan.tensor);
    let once_s = net_s + adding_s(cluster, plan.tensor, elements);
    let again_s = if plan.recompute == Recompute::Blocks { 2.0 * net_s } else { 0.0 };
    let memory_s = 2.0 * moving_s(cluster, elements);
    Exchange { forward_s: 2.0 * once_s, backward_s: 2.0 * once_s, memory_s, again_s }
}

/// What splitting an all-reduce in two moves besides.
#[derive(Debug, Clone, Copy)]
struct Moves {
    /// Parts of the sequence are read and written when they are gathered.
    kept_parts: bool,
    gathers_again: bool,
}

/// Parts are gathered before attention and the feed-forward part, and scattered sums after them; gradients the other way about.
fn split(cluster: &Cluster, plan: &TrainingPlan, elements: f64, moves: Moves) -> Exchange {
    let net = |transfer| cluster.in_node.time_s(transfer, WORD_BYTE * elements, plan.tensor);
    let (gather_s, scatter_s) = (net(Transfer::AllGather), net(Transfer::ReduceScatter));
    let copies_s = if moves.kept_parts { moving_s(cluster, elements) } else { 0.0 };
    let both_s = gather_s + copies_s + scatter_s + adding_s(cluster, plan.tensor, elements);
    let again_s = match plan.recompute {
        Recompute::Blocks if moves.gathers_again => 2.0 * (gather_s + scatter_s) + 2.0 * gather_s,
        Recompute::Blocks => 2.0 * (gather_s + scatter_s),
        _ if moves.gathers_again => 2.0 * gather_s,
        // Inputs of attention are not kept where attention is computed again.
        Recompute::Attention => gather_s,
        Recompute::Nothing => 0.0,
    };
    let memory_s = 2.0 * (copies_s + moving_s(cluster, elements));
    Exchange { forward_s: 2.0 * both_s, backward_s: 2.0 * both_s, memory_s, again_s }
}
