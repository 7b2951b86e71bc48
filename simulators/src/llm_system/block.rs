//! One block and one microbatch on one processor: operators, their passes and their times.
//!
//! The operators and their bytes are Calculon's (see [`super`]): an operator reads its operands and writes its result, its input gradient reads
//! weights, operands and the result's gradient, its weight gradient the same and writes the weights' gradient. Computing and moving add up.

use super::cluster::{Cluster, Rate};
use super::model::LanguageModel;
use super::plan::{OptimizerState, Recompute, TrainingPlan};
use crate::transformer::FeedForward;

/// Bytes of a word of weights and activations.
pub(super) const WORD_BYTE: f64 = 2.0;
/// Bytes of optimizer state of a parameter: a master copy and two moments of 32 bits.
pub(super) const OPTIMIZER_BYTE: f64 = 12.0;
/// Floating-point operations of Adam for a parameter. Source: Calculon, `get_optim_step_flops`.
const OPTIMIZER_FLOP: f64 = 11.0;

/// Time of a pass, and the part of it in which the memory is busy, in s.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct PassTime {
    pub total_s: f64,
    pub memory_s: f64,
}

/// What a block takes for one microbatch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct BlockTime {
    pub forward: PassTime,
    /// What of the forward pass is done again.
    pub again_s: f64,
    pub input_gradient: PassTime,
    pub weight_gradient: PassTime,
    /// Once a step, not once a microbatch.
    pub optimizer_s: f64,
    /// Parameters on this processor.
    pub parameters: f64,
    /// Those of them that are experts'.
    pub expert_parameters: f64,
}

impl BlockTime {
    /// Parameters whose optimizer's state is on this processor.
    pub(super) fn stepped(&self, plan: &TrainingPlan) -> f64 {
        match plan.optimizer {
            OptimizerState::Replicated => self.parameters,
            OptimizerState::Sharded => {
                let shared = self.parameters - self.expert_parameters;
                shared / plan.data as f64 + self.expert_parameters / plan.expert_replicas() as f64
            }
        }
    }
}

/// Floating-point operations and bytes of a pass.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    flop: f64,
    byte: f64,
}

pub(super) const fn work(flop: f64, byte: f64) -> Work {
    Work { flop, byte }
}

/// What is done again if an operator belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Attention,
    Rest,
}

struct Operator {
    matrix: bool,
    part: Part,
    forward: Work,
    input_gradient: Work,
    weight_gradient: Work,
    parameters: f64,
}

/// Adds up the operators of a block.
struct Sum<'a> {
    cluster: &'a Cluster,
    recompute: Recompute,
    /// Replicas that share the optimizer's state.
    shards: f64,
    /// How often an operator is there, and whether it is an expert's.
    copies: f64,
    is_expert: bool,
    block: BlockTime,
}

impl Sum<'_> {
    fn add(&mut self, operator: &Operator) {
        let engine = if operator.matrix { &self.cluster.matrix } else { &self.cluster.vector };
        let memory = &self.cluster.memory.rate;
        let copies = self.copies;
        let forward_s = pass(engine, memory, operator.forward, copies, &mut self.block.forward);
        let again = match self.recompute {
            Recompute::Nothing => false,
            Recompute::Attention => operator.part == Part::Attention,
            Recompute::Blocks => true,
        };
        if again {
            self.block.again_s += forward_s;
        }
        pass(engine, memory, operator.input_gradient, copies, &mut self.block.input_gradient);
        if operator.parameters > 0.0 {
            pass(engine, memory, operator.weight_gradient, copies, &mut self.block.weight_gradient);
            let share = operator.parameters / self.shards;
            let once_s = self.cluster.vector.time_s(share * OPTIMIZER_FLOP)
                + self.cluster.memory.rate.time_s(share * OPTIMIZER_BYTE);
            self.block.optimizer_s += copies * once_s;
            self.block.parameters += copies * operator.parameters;
            if self.is_expert {
                self.block.expert_parameters += copies * operator.parameters;
            }
        }
    }

    /// A product of `tokens` rows with a matrix of `inputs` by `outputs`.
    fn linear(&mut self, tokens: f64, inputs: f64, outputs: f64) {
        self.add(&linear(tokens, inputs, outputs));
    }

    /// `batch` products of matrices `rows` by `inner` and `inner` by `columns`, neither of which is a weight.
    fn product(&mut self, part: Part, batch: f64, (rows, inner, columns): (f64, f64, f64)) {
        let flop = 2.0 * batch * rows * inner * columns;
        let byte = WORD_BYTE * batch * (rows * inner + inner * columns + rows * columns);
        self.add(&Operator {
            matrix: true,
            part,
            forward: work(flop, byte),
            input_gradient: work(2.0 * flop, byte),
            weight_gradient: Work::default(),
            parameters: 0.0,
        });
    }

    /// An operator without weights: flop and bytes of both passes for each of `elements`.
    fn elementwise(&mut self, part: Part, elements: f64, forward: (f64, f64), backward: (f64, f64)) {
        self.add(&Operator {
            matrix: false,
            part,
            forward: work(forward.0 * elements, forward.1 * elements),
            input_gradient: work(backward.0 * elements, backward.1 * elements),
            weight_gradient: Work::default(),
            parameters: 0.0,
        });
    }

    /// A copy to the residual path, then a norm of `elements`.
    fn fork_and_norm(&mut self, elements: f64, hidden: f64) {
        // Two gradients come back and are added.
        self.elementwise(Part::Rest, elements, (0.0, 0.0), (2.0, 3.0 * WORD_BYTE));
        let parameters = 2.0 * hidden;
        let byte = WORD_BYTE * (2.0 * elements + parameters);
        self.add(&Operator {
            matrix: false,
            part: Part::Rest,
            forward: work(9.0 * elements, byte),
            input_gradient: work(14.0 * elements, byte),
            weight_gradient: work(7.0 * elements, byte),
            parameters,
        });
    }

    /// The feed-forward part: of every token, or of experts that get equally many tokens.
    fn feed_forward(&mut self, model: &LanguageModel, plan: &TrainingPlan, tokens: f64) {
        let (hidden, inner) = (model.hidden as f64, model.inner as f64 / plan.tensor as f64);
        let FeedForward::Experts { count, used } = model.feed_forward else {
            return self.expert(tokens, hidden, inner, model.is_gated());
        };
        self.linear(tokens, hidden, count as f64);
        let sent = tokens * used as f64 * hidden;
        // Tokens are copied in the order of their experts, and their results weighed and added up.
        self.elementwise(Part::Rest, sent, (0.0, 2.0 * WORD_BYTE), (1.0, 2.0 * WORD_BYTE));
        (self.is_expert, self.copies) = (true, (count / plan.expert) as f64);
        let shards = self.shards;
        if plan.optimizer == OptimizerState::Sharded {
            self.shards = plan.expert_replicas() as f64;
        }
        let rows = tokens * (used * plan.expert) as f64 / count as f64;
        self.expert(rows, hidden, inner, true);
        (self.is_expert, self.copies, self.shards) = (false, 1.0, shards);
        self.elementwise(Part::Rest, sent, (2.0, WORD_BYTE), (2.0, 2.0 * WORD_BYTE));
    }

    /// Up, an activation, down; with a gate whose result is multiplied.
    fn expert(&mut self, tokens: f64, hidden: f64, inner: f64, is_gated: bool) {
        self.linear(tokens, hidden, inner);
        self.elementwise(Part::Rest, tokens * inner, (8.0, 2.0 * WORD_BYTE), (13.0, 2.0 * WORD_BYTE));
        if is_gated {
            self.linear(tokens, hidden, inner);
            self.elementwise(Part::Rest, tokens * inner, (1.0, 3.0 * WORD_BYTE), (2.0, 5.0 * WORD_BYTE));
        }
        self.linear(tokens, inner, hidden);
    }

    /// A dropout with its mask of bytes.
    fn dropout(&mut self, part: Part, elements: f64) {
        let byte = 2.0 * WORD_BYTE + 1.0;
        self.elementwise(part, elements, (1.0, byte), (1.0, byte));
    }

    /// A dropout, then the sum with the residual path.
    fn dropout_and_residual(&mut self, elements: f64) {
        self.dropout(Part::Rest, elements);
        self.elementwise(Part::Rest, elements, (1.0, 3.0 * WORD_BYTE), (2.0, 3.0 * WORD_BYTE));
    }
}

impl Work {
    /// Its time, in s: computing and moving add up.
    pub(super) fn time_s(&self, engine: &Rate, memory: &Rate) -> f64 {
        engine.time_s(self.flop) + memory.time_s(self.byte)
    }
}

/// A product of `tokens` rows with a matrix of `inputs` by `outputs`.
pub(super) fn linear_work(tokens: f64, inputs: f64, outputs: f64) -> Work {
    let byte = WORD_BYTE * (tokens * inputs + tokens * outputs + inputs * outputs);
    work(2.0 * tokens * inputs * outputs, byte)
}

fn linear(tokens: f64, inputs: f64, outputs: f64) -> Operator {
    let pass = linear_work(tokens, inputs, outputs);
    Operator {
        matrix: true,
        part: Part::Rest,
        forward: pass,
        input_gradient: pass,
        weight_gradient: pass,
        parameters: inputs * outputs,
    }
}

/// Adds `copies` of a pass to `sum`; their time in s.
fn pass(engine: &Rate, memory: &Rate, work: Work, copies: f64, sum: &mut PassTime) -> f64 {
    let memory_s = copies * memory.time_s(work.byte);
    let total_s = copies * engine.time_s(work.flop) + memory_s;
    sum.total_s += total_s;
    sum.memory_s += memory_s;
    total_s
}

/// A block under `plan`.
pub(super) fn block_time(model: &LanguageModel, cluster: &Cluster, plan: &TrainingPlan) -> BlockTime {
    let tensor = plan.tensor as f64;
    let hidden = model.hidden as f64;
    let sequence = model.sequence as f64;
    let tokens = (plan.microbatch * model.sequence) as f64;
    let inner = (model.heads * model.head_size) as f64 / tensor;
    let head_size = model.head_size as f64;
    // Heads of keys and values on this processor, each for so many heads of queries.
    let (heads, kv_heads) = model.heads_on(plan.tensor);
    let (group, kv_heads) = (heads as f64 / kv_heads as f64, kv_heads as f64);
    let products = plan.microbatch as f64 * kv_heads;
    let elements = tokens * hidden;
    // Norms, dropouts and residual sums, of the whole sequence or of a part.
    let local = if plan.communication.splits_sequence() { elements / tensor } else { elements };
    let shards = match plan.optimizer {
        OptimizerState::Replicated => 1.0,
        OptimizerState::Sharded => plan.data as f64,
    };
    let mut sum = Sum {
        cluster,
        recompute: plan.recompute,
        shards,
        copies: 1.0,
        is_expert: false,
        block: BlockTime::default(),
    };
    sum.fork_and_norm(local, hidden);
    // Three products read the same input: their gradients are added.
    sum.elementwise(Part::Rest, elements, (0.0, 0.0), (3.0, 4.0 * WORD_BYTE));
    sum.linear(tokens, hidden, inner);
    for _ in 0..2 {
        sum.linear(tokens, hidden, kv_heads * head_size);
    }
    sum.product(Part::Attention, products, (group * sequence, head_size, sequence));
    let scores = products * group * sequence * sequence;
    sum.elementwise(Part::Attention, scores, (5.0, 2.0 * WORD_BYTE), (8.0, 2.0 * WORD_BYTE));
    sum.dropout(Part::Attention, scores);
    sum.product(Part::Rest, products, (group * sequence, sequence, head_size));
    sum.linear(tokens, inner, hidden);
    sum.dropout_and_residual(local);
    sum.fork_and_norm(local, hidden);
    sum.feed_forward(model, plan, tokens);
    sum.dropout_and_residual(local);
    sum.block
}

/// Time of the output layer for one microbatch, both passes, in s: the product with the vocabulary.
pub(super) fn output_s(model: &LanguageModel, cluster: &Cluster, plan: &TrainingPlan) -> f64 {
    if model.vocabulary == 0 {
        return 0.0;
    }
    let tokens = (plan.microbatch * model.sequence) as f64;
    let product = linear(tokens, model.hidden as f64, model.vocabulary as f64 / plan.tensor as f64);
    let mut sum = PassTime::default();
    3.0 * pass(&cluster.matrix, &cluster.memory.rate, product.forward, 1.0, &mut sum)
}
