//! How a model is trained on a cluster.

/// What of the forward pass is computed again in the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recompute {
    /// Nothing.
    Nothing,
    /// Scores, softmax and its dropout.
    Attention,
    /// Whole blocks.
    Blocks,
}

/// How the processors that share a block exchange what they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorCommunication {
    /// All-reduce; each sends the whole of a stage's result on.
    AllReduce,
    /// All-reduce; each sends a part of a stage's result on, and they gather it there.
    Scattered,
    /// Reduce-scatter and all-gather: between them each has a part of the sequence. `gathers_again`: what was gathered is not kept for the backward pass.
    Sequence {
        /// Whether it is gathered again in the backward pass.
        gathers_again: bool,
    },
}

impl TensorCommunication {
    /// Whether norms and dropouts work on a part of the sequence.
    pub fn splits_sequence(self) -> bool {
        matches!(self, Self::Sequence { .. })
    }
}

/// Who keeps the optimizer's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerState {
    /// Every replica all of it.
    Replicated,
    /// Every replica a part.
    Sharded,
}

/// When replicas add up their gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GradientExchange {
    /// After the last backward pass.
    AtTheEnd,
    /// Block by block, beside the backward pass of the last microbatch.
    Overlapped,
}

/// What waits in the host's memory when it is not in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offload {
    /// Weights.
    pub weights: bool,
    /// Activations that wait for their backward pass.
    pub activations: bool,
    /// The optimizer's state.
    pub optimizer: bool,
}

impl Offload {
    /// Whether anything is there.
    pub fn any(self) -> bool {
        self.weights || self.activations || self.optimizer
    }
}

/// What the network in a node carries; the rest goes between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeTraffic {
    /// What the processors of a block exchange.
    Tensor,
    /// That, and what stages send on.
    TensorAndPipeline,
    /// That, and gradients.
    TensorAndData,
    /// That, and what goes to experts and back.
    TensorAndExperts,
}

/// In which order a stage runs forward and backward passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipelineSchedule {
    /// One forward, one backward, interleaved if stages have several chunks.
    OneForwardOneBackward,
    /// Weight gradients fill bubbles, no more activations than 1F1B has.
    ZeroBubble1,
    /// Weight gradients fill bubbles, twice the activations.
    ZeroBubble2,
}

/// A way of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainingPlan {
    /// Processors that share each block.
    pub tensor: u64,
    /// Stages.
    pub pipeline: u64,
    /// Replicas.
    pub data: u64,
    /// Replicas that share the experts of a block; 1 for models without.
    pub expert: u64,
    /// Chunks of blocks of a stage.
    pub interleave: u64,
    /// Sequences of a microbatch.
    pub microbatch: u64,
    /// Sequences of a step.
    pub batch: u64,
    /// What is computed again.
    pub recompute: Recompute,
    /// Exchange among the processors of a block.
    pub communication: TensorCommunication,
    /// What stays in a node.
    pub node_traffic: NodeTraffic,
    /// Who keeps the optimizer's state.
    pub optimizer: OptimizerState,
    /// When gradients are added up.
    pub gradients: GradientExchange,
    /// What is in the host's memory.
    pub offload: Offload,
    /// The order of passes.
    pub schedule: PipelineSchedule,
}

impl TrainingPlan {
    /// Microbatches of a replica in a step.
    pub fn microbatches(&self) -> u64 {
        self.batch / self.data / self.microbatch
    }

    /// Whether what goes to experts stays in a node.
    pub(super) fn experts_in_node(&self) -> bool {
        matches!(self.node_traffic, NodeTraffic::TensorAndData | NodeTraffic::TensorAndExperts)
    }

    /// Replicas of an expert.
    pub(super) fn expert_replicas(&self) -> u64 {
        self.data / self.expert
    }

    /// Processors of a node that exchange something over its network.
    pub fn node_members(&self) -> u64 {
        self.tensor
            * match self.node_traffic {
                NodeTraffic::Tensor => 1,
                NodeTraffic::TensorAndPipeline => self.pipeline,
                NodeTraffic::TensorAndData => self.data,
                NodeTraffic::TensorAndExperts => self.expert,
            }
    }
}
