//! What one pass through the model takes on the processors that hold it, and what they hold.

use super::super::block::{WORD_BYTE, linear_work, work};
use super::super::cluster::{Cluster, ClusterNetwork, Rate, Transfer};
use super::super::exchange::adding_s;
use super::super::model::LanguageModel;
use crate::transformer::FeedForward;

/// Processors that hold the model once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingGroup {
    /// Processors that share each block.
    pub tensor: u64,
    /// Stages.
    pub pipeline: u64,
    /// Parts of a batch that share the experts of a block; each is `tensor` processors of a stage. 1 for models without.
    pub expert: u64,
}

impl ServingGroup {
    /// How many they are.
    pub fn processors(&self) -> u64 {
        self.tensor * self.pipeline * self.expert
    }
}

/// What a pass does for one part of the batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PassWork {
    /// Tokens that go through the blocks.
    pub tokens: f64,
    /// Sequences whose next token is wanted.
    pub sampled: f64,
    /// Pairs of such a token and one that it looks at.
    pub pairs: f64,
    /// Tokens whose keys and values are read.
    pub cached: f64,
}

impl PassWork {
    /// Adds `tokens` of a sequence, before which there are `before`; `is_sampled`: whether its next token is wanted.
    pub fn add(&mut self, before: u64, tokens: u64, is_sampled: bool) {
        let (before, tokens) = (before as f64, tokens as f64);
        self.tokens += tokens;
        self.sampled += if is_sampled { 1.0 } else { 0.0 };
        self.pairs += tokens * before + tokens * (tokens + 1.0) / 2.0;
        self.cached += before + tokens;
    }
}

/// What a processor of the fullest stage holds, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ServingMemory {
    /// Weights.
    pub weights_byte: f64,
    /// Activations of the largest pass.
    pub activations_byte: f64,
    /// Keys and values of a token, on this processor.
    pub token_byte: f64,
}

/// Times of passes of a model on a group.
#[derive(Debug, Clone, Copy)]
pub struct PassModel<'a> {
    model: &'a LanguageModel,
    cluster: &'a Cluster,
    group: ServingGroup,
}

/// Operations of a normalization for an element, of a softmax for a score, and of an activation. Source: Calculon, as in training.
const NORM_FLOP: f64 = 9.0;
const SOFTMAX_FLOP: f64 = 5.0;
const ACTIVATION_FLOP: f64 = 8.0;

impl<'a> PassModel<'a> {
    /// Passes of `model` on `group` of `cluster`.
    pub fn new(model: &'a LanguageModel, cluster: &'a Cluster, group: ServingGroup) -> Self {
        Self { model, cluster, group }
    }

    /// Heads of queries, and of keys, on a processor.
    fn heads(&self) -> (f64, f64) {
        let (heads, kv_heads) = self.model.heads_on(self.group.tensor);
        (heads as f64, kv_heads as f64)
    }

    fn operator_s(&self, engine: &Rate, flop: f64, byte: f64) -> f64 {
        work(flop, byte).time_s(engine, &self.cluster.memory.rate)
    }

    fn product_s(&self, rows: f64, inputs: f64, outputs: f64) -> f64 {
        linear_work(rows, inputs, outputs).time_s(&self.cluster.matrix, &self.cluster.memory.rate)
    }

    /// Time of one block, exchanges included, in s: parts of the batch wait for the slowest before they exchange tokens with experts. `parts`: shape
    /// `[expert]`.
    pub fn block_s(&self, parts: &[PassWork]) -> f64 {
        let part_s = parts.iter().map(|part| self.attention_s(part));
        part_s.fold(0.0, f64::max) + self.feed_forward_s(parts)
    }

    /// Time of a part's attention, norms, and sums, in s.
    fn attention_s(&self, part: &PassWork) -> f64 {
        let PassWork { tokens, pairs, cached, .. } = *part;
        let (heads, kv_heads) = self.heads();
        let (hidden, head) = (self.model.hidden as f64, self.model.head_size as f64);
        let (inner, keys) = (heads * head, 2.0 * kv_heads * head);
        let elements = tokens * hidden;
        let vector = &self.cluster.vector;
        let norm_s = self.operator_s(vector, NORM_FLOP * elements, 2.0 * WORD_BYTE * elements);
        let residual_s = self.operator_s(vector, elements, 3.0 * WORD_BYTE * elements);
        let moved_byte = WORD_BYTE * (2.0 * tokens * inner + (cached + tokens) * keys);
        let attention_s = self.operator_s(&self.cluster.matrix, 4.0 * pairs * inner, moved_byte)
            + self.operator_s(vector, SOFTMAX_FLOP * pairs * heads, 0.0);
        2.0 * (norm_s + residual_s + self.added_s(elements))
            + self.product_s(tokens, hidden, inner + keys)
            + attention_s
            + self.product_s(tokens, inner, hidden)
    }

    /// Time of adding up results among the processors of a block, in s.
    fn added_s(&self, elements: f64) -> f64 {
        if self.group.tensor == 1 {
            return 0.0;
        }
        let network = &self.cluster.in_node;
        network.time_s(Transfer::AllReduce, WORD_BYTE * elements, self.group.tensor)
            + adding_s(self.cluster, self.group.tensor, elements)
    }

    /// Time of the feed-forward part for the tokens of all parts of the batch, in s.
    fn feed_forward_s(&self, parts: &[PassWork]) -> f64 {
        let (hidden, inner) = (self.model.hidden as f64, self.model.inner as f64 / self.group.tensor as f64);
        let all: f64 = parts.iter().map(|part| part.tokens).sum();
        let FeedForward::Experts { count, used } = self.model.feed_forward else {
            return self.expert_s(all, hidden, inner);
        };
        let (count, used) = (count as f64, used as f64);
        let tokens = most(parts, |part| part.tokens);
        let sent = tokens * used * hidden;
        let vector = &self.cluster.vector;
        let copies_s = self.operator_s(vector, 0.0, 2.0 * WORD_BYTE * sent)
            + self.operator_s(vector, 2.0 * sent, WORD_BYTE * sent);
        // Ours: tokens choose experts evenly and independently, so that some are met by none: those are not read. The others are spread evenly, but
        // whole: the slowest part has one at least.
        let met = count * (1.0 - (1.0 - used / count).powf(all));
        let rows = all * used / met;
        let slowest = (met / self.group.expert as f64).max(1.0);
        let way_s = if self.group.expert == 1 {
            0.0
        } else {
            let members = self.group.tensor * self.group.expert;
            self.network(members).time_s(Transfer::AllToAll, WORD_BYTE * sent, self.group.expert)
        };
        let router_s = self.product_s(tokens, hidden, count);
        router_s + copies_s + 2.0 * way_s + slowest * self.expert_s(rows, hidden, inner)
    }

    fn expert_s(&self, rows: f64, hidden: f64, inner: f64) -> f64 {
        let elements = rows * inner;
        let vector = &self.cluster.vector;
        let up_s = self.product_s(rows, hidden, inner)
            + self.operator_s(vector, ACTIVATION_FLOP * elements, 2.0 * WORD_BYTE * elements);
        let gate_s = if self.model.is_gated() {
            self.product_s(rows, hidden, inner)
                + self.operator_s(vector, elements, 3.0 * WORD_BYTE * elements)
        } else {
            0.0
        };
        up_s + gate_s + self.product_s(rows, inner, hidden)
    }

    /// What carries messages among so many processors: the network in a node, if all of them are in one.
    fn network(&self, members: u64) -> &ClusterNetwork {
        let together = members <= self.cluster.in_node.size;
        if together { &self.cluster.in_node } else { &self.cluster.between_nodes }
    }

    /// Time of a stage, in s.
    pub fn stage_s(&self, parts: &[PassWork]) -> f64 {
        (self.model.blocks / self.group.pipeline) as f64 * self.block_s(parts)
    }

    /// Time between two stages, in s: each processor sends what it has to its like.
    pub fn transfer_s(&self, parts: &[PassWork]) -> f64 {
        if self.group.pipeline == 1 {
            return 0.0;
        }
        let byte = WORD_BYTE * most(parts, |part| part.tokens) * self.model.hidden as f64;
        self.network(self.group.processors()).time_s(Transfer::PointToPoint, byte, 2)
    }

    /// Time of the output layer, in s.
    pub fn output_s(&self, parts: &[PassWork]) -> f64 {
        let sampled = most(parts, |part| part.sampled);
        if self.model.vocabulary == 0 || sampled == 0.0 {
            return 0.0;
        }
        let words = self.model.vocabulary as f64 / self.group.tensor as f64;
        self.product_s(sampled, self.model.hidden as f64, words)
    }

    /// Time from the first stage's beginning to the token, in s, if no other pass is under way.
    pub fn pass_s(&self, parts: &[PassWork]) -> f64 {
        let stages = self.group.pipeline as f64;
        stages * self.stage_s(parts) + (stages - 1.0) * self.transfer_s(parts) + self.output_s(parts)
    }

    /// Time in which keys and values of `tokens` go to a group whose processors are `others`, in s: as many links as the smaller group has carry
    /// them.
    pub fn handover_s(&self, tokens: u64, others: u64) -> f64 {
        let byte = self.model.blocks as f64
            * WORD_BYTE
            * (2 * self.model.kv_heads * self.model.head_size * tokens) as f64;
        let links = self.group.processors().min(others) as f64;
        self.cluster.between_nodes.time_s(Transfer::PointToPoint, byte / links, 2)
    }

    /// What a processor of the fullest stage holds if a pass has at most `tokens`, all of which may be of one part.
    pub fn memory(&self, tokens: u64) -> ServingMemory {
        let tensor = self.group.tensor as f64;
        let blocks = (self.model.blocks / self.group.pipeline) as f64;
        let (heads, kv_heads) = self.heads();
        let (hidden, head) = (self.model.hidden as f64, self.model.head_size as f64);
        let attention = hidden * head * 2.0 * (heads + kv_heads);
        let matrices = if self.model.is_gated() { 3.0 } else { 2.0 };
        let experts = (self.model.experts() / self.group.expert) as f64;
        let inner = self.model.inner as f64 / tensor;
        // A mixture has a router, copies of tokens on their way to experts, and what comes back.
        let (router, used, sent) = match self.model.feed_forward {
            FeedForward::Experts { count, used } => {
                (hidden * count as f64, used as f64, 2.0 * used as f64 * hidden)
            }
            _ => (0.0, 1.0, 0.0),
        };
        let block = attention + experts * matrices * hidden * inner + router + 4.0 * hidden;
        let vocabulary = self.model.stage_vocabulary(self.group.pipeline) / tensor;
        // Ours: the residual path, an operator's input, and the widest result, of attention or of the feed-forward part.
        let widest = ((heads + 2.0 * kv_heads) * head).max((matrices - 1.0) * used * inner + sent);
        ServingMemory {
            weights_byte: WORD_BYTE * (blocks * block + vocabulary),
            activations_byte: WORD_BYTE * tokens as f64 * (2.0 * hidden + widest),
            token_byte: WORD_BYTE * blocks * 2.0 * kv_heads * head,
        }
    }
}

/// The most that a part of the batch has of something.
fn most(parts: &[PassWork], of: impl Fn(&PassWork) -> f64) -> f64 {
    parts.iter().map(of).fold(0.0, f64::max)
}
