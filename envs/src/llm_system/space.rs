//! The space: parallelism and how memory, network and processor are used.

use tapeout_core::{CategoryParameter, CountParameter, Design, DesignSpace, Parameter, Rule, SpaceError};
use tapeout_simulators::llm_system::{
    GradientExchange, LanguageModel, NodeTraffic, Offload, OptimizerState, PipelineSchedule, Recompute,
    TensorCommunication, TrainingPlan,
};

use super::config::{LlmKnobs, LlmSystemConfig};

const RECOMPUTE: [(&str, Recompute); 3] =
    [("none", Recompute::Nothing), ("attention", Recompute::Attention), ("blocks", Recompute::Blocks)];
const COMMUNICATION: [(&str, TensorCommunication); 4] = [
    ("all-reduce", TensorCommunication::AllReduce),
    ("sequence", TensorCommunication::Sequence { gathers_again: false }),
    ("scattered", TensorCommunication::Scattered),
    ("sequence-gathered-again", TensorCommunication::Sequence { gathers_again: true }),
];
const OPTIMIZER: [(&str, OptimizerState); 2] =
    [("replicated", OptimizerState::Replicated), ("sharded", OptimizerState::Sharded)];
const GRADIENTS: [(&str, GradientExchange); 2] =
    [("at-the-end", GradientExchange::AtTheEnd), ("overlapped", GradientExchange::Overlapped)];
const NODE_TRAFFIC: [(&str, NodeTraffic); 4] = [
    ("tensor", NodeTraffic::Tensor),
    ("tensor-pipeline", NodeTraffic::TensorAndPipeline),
    ("tensor-data", NodeTraffic::TensorAndData),
    // Of mixtures alone.
    ("tensor-experts", NodeTraffic::TensorAndExperts),
];
const SCHEDULE: [(&str, PipelineSchedule); 3] = [
    ("1f1b", PipelineSchedule::OneForwardOneBackward),
    ("zb-1p", PipelineSchedule::ZeroBubble1),
    ("zb-2p", PipelineSchedule::ZeroBubble2),
];
const OFFLOAD: [(&str, bool); 2] = [("own", false), ("host", true)];

/// The knobs that Calculon's case leaves alone.
#[derive(Debug, Clone)]
struct Techniques {
    schedule: CategoryParameter<PipelineSchedule>,
    node_traffic: CategoryParameter<NodeTraffic>,
    gradients: CategoryParameter<GradientExchange>,
    weights: CategoryParameter<bool>,
    activations: CategoryParameter<bool>,
    state: CategoryParameter<bool>,
}

/// The parameters, by name.
#[derive(Debug, Clone)]
pub(super) struct Knobs {
    processors: u64,
    batch: u64,
    tensor: CountParameter,
    pipeline: CountParameter,
    interleave: CountParameter,
    microbatch: CountParameter,
    expert: Option<CountParameter>,
    recompute: CategoryParameter<Recompute>,
    communication: CategoryParameter<TensorCommunication>,
    optimizer: CategoryParameter<OptimizerState>,
    techniques: Option<Techniques>,
}

fn categorical<T>(name: &str, levels: &[(&str, T)]) -> Parameter {
    Parameter::categorical(name, &levels.iter().map(|&(name, _)| name).collect::<Vec<_>>())
}

/// The space for a model on a cluster.
pub(super) fn space(config: &LlmSystemConfig, model: &LanguageModel) -> Result<DesignSpace, SpaceError> {
    let all = config.knobs == LlmKnobs::All;
    let divisors = divisors(model.blocks);
    let node_traffic = if model.experts() > 1 { &NODE_TRAFFIC[..] } else { &NODE_TRAFFIC[..3] };
    let communication = if all { &COMMUNICATION[..] } else { &COMMUNICATION[..2] };
    let mut parameters = vec![
        // Source: the case of Calculon, for all but the stages, which are the divisors of the blocks, and the last interleavings.
        Parameter::ordinal("tensor", [1, 2, 4, 8]).about("processors that share each block"),
        Parameter::ordinal("pipeline", divisors).about("stages"),
        Parameter::ordinal("interleave", [1, 2, 3, 4, 6]).about("chunks of blocks of a stage"),
        Parameter::ordinal("microbatch", [1, 2, 4, 8]).about("sequences of a microbatch"),
        categorical("recompute", &RECOMPUTE).about("what is computed again for the backward pass"),
        categorical("communication", communication)
            .about("how the processors of a block exchange what they have"),
        categorical("optimizer", &OPTIMIZER).about("who keeps the optimizer's state"),
    ];
    if model.experts() > 1 {
        parameters.push(
            Parameter::ordinal("expert", self::divisors(model.experts()))
                .about("replicas that share the experts of a block"),
        );
    }
    if all {
        parameters.extend([
            categorical("schedule", &SCHEDULE).about("the order of passes"),
            categorical("node_traffic", node_traffic).about("what stays in a node"),
            categorical("gradients", &GRADIENTS).about("when replicas add up their gradients"),
            categorical("weights", &OFFLOAD).about("the memory in which weights wait"),
            categorical("activations", &OFFLOAD).about("the memory in which activations wait"),
            categorical("optimizer_state", &OFFLOAD).about("the memory in which the optimizer's state waits"),
        ]);
    }
    DesignSpace::new(parameters, rules(config, model))
}

/// What `whole_heads` asks for.
pub(crate) const WHOLE_HEADS: &str =
    "heads and feed-forward part % tensor == 0; heads of keys too, or tensor % heads of keys == 0";

/// All divisors of `whole`.
pub(crate) fn divisors(whole: u64) -> Vec<u32> {
    (1..=whole).filter(|part| whole.is_multiple_of(*part)).map(|part| part as u32).collect()
}

fn rules(config: &LlmSystemConfig, model: &LanguageModel) -> Vec<Rule> {
    let (processors, batch, blocks) = (config.processors as i64, config.batch as i64, model.blocks as i64);
    // Replicas, if there is a whole number of them.
    let data = move |tensor: i64, pipeline: i64| {
        let members = tensor * pipeline;
        (processors % members == 0).then(|| processors / members)
    };
    let (model, sequence, experts) = (*model, model.sequence as i64, model.experts());
    let mut rules = vec![
        Rule::new("whole_heads", WHOLE_HEADS, &["tensor"], move |v| {
            model.can_be_shared_by(v.int("tensor").unsigned_abs())
        }),
        Rule::new(
            "whole_tokens",
            "microbatch * sequence % tensor == 0 unless communication == all-reduce",
            &["tensor", "microbatch", "communication"],
            move |v| {
                v.text("communication") == "all-reduce"
                    || v.int("microbatch") * sequence % v.int("tensor") == 0
            },
        ),
        Rule::new(
            "whole_batch",
            "processors % (tensor * pipeline) == 0, and the batch of a replica % microbatch == 0",
            &["tensor", "pipeline", "microbatch"],
            move |v| {
                data(v.int("tensor"), v.int("pipeline"))
                    .is_some_and(|data| batch % data == 0 && batch / data % v.int("microbatch") == 0)
            },
        ),
        Rule::new(
            "whole_chunks",
            "blocks of a stage % interleave == 0, and interleave == 1 if pipeline == 1",
            &["pipeline", "interleave"],
            move |v| {
                let (stages, chunks) = (v.int("pipeline"), v.int("interleave"));
                blocks / stages % chunks == 0 && (stages > 1 || chunks == 1)
            },
        ),
        Rule::new(
            "replicas_to_shard",
            "optimizer == replicated if there is one replica",
            &["tensor", "pipeline", "optimizer"],
            move |v| {
                v.text("optimizer") == "replicated"
                    || data(v.int("tensor"), v.int("pipeline")).is_none_or(|data| data > 1)
            },
        ),
    ];
    if experts > 1 {
        rules.push(Rule::new(
            "whole_experts",
            "replicas % expert == 0",
            &["tensor", "pipeline", "expert"],
            move |v| {
                let replicas = data(v.int("tensor"), v.int("pipeline"));
                replicas.is_none_or(|data| data % v.int("expert") == 0)
            },
        ));
    }
    if config.knobs == LlmKnobs::All {
        rules.push(Rule::new(
            "one_chunk_without_bubbles",
            "interleave == 1 unless schedule == 1f1b",
            &["interleave", "schedule"],
            |v| v.text("schedule") == "1f1b" || v.int("interleave") == 1,
        ));
    }
    rules
}

impl Knobs {
    pub(super) fn of(
        space: &DesignSpace,
        config: &LlmSystemConfig,
        has_experts: bool,
    ) -> Result<Self, SpaceError> {
        let techniques = match config.knobs {
            LlmKnobs::Parallelism => None,
            LlmKnobs::All => Some(Techniques {
                schedule: space.category("schedule", SCHEDULE)?,
                node_traffic: space.category("node_traffic", NODE_TRAFFIC)?,
                gradients: space.category("gradients", GRADIENTS)?,
                weights: space.category("weights", OFFLOAD)?,
                activations: space.category("activations", OFFLOAD)?,
                state: space.category("optimizer_state", OFFLOAD)?,
            }),
        };
        Ok(Self {
            processors: config.processors,
            batch: config.batch,
            tensor: space.count("tensor")?,
            pipeline: space.count("pipeline")?,
            interleave: space.count("interleave")?,
            microbatch: space.count("microbatch")?,
            expert: has_experts.then(|| space.count("expert")).transpose()?,
            recompute: space.category("recompute", RECOMPUTE)?,
            communication: space.category("communication", COMMUNICATION)?,
            optimizer: space.category("optimizer", OPTIMIZER)?,
            techniques,
        })
    }

    /// The plan of a design.
    pub(super) fn read(&self, design: &Design) -> TrainingPlan {
        let (tensor, pipeline) = (self.tensor.of(design), self.pipeline.of(design));
        let plan = TrainingPlan {
            tensor,
            pipeline,
            data: self.processors / tensor / pipeline,
            expert: self.expert.as_ref().map_or(1, |expert| expert.of(design)),
            interleave: self.interleave.of(design),
            microbatch: self.microbatch.of(design),
            batch: self.batch,
            recompute: *self.recompute.of(design),
            communication: *self.communication.of(design),
            node_traffic: NodeTraffic::Tensor,
            optimizer: *self.optimizer.of(design),
            gradients: GradientExchange::AtTheEnd,
            offload: Offload::default(),
            schedule: PipelineSchedule::OneForwardOneBackward,
        };
        let Some(techniques) = &self.techniques else { return plan };
        TrainingPlan {
            schedule: *techniques.schedule.of(design),
            node_traffic: *techniques.node_traffic.of(design),
            gradients: *techniques.gradients.of(design),
            offload: Offload {
                weights: *techniques.weights.of(design),
                activations: *techniques.activations.of(design),
                optimizer: *techniques.state.of(design),
            },
            ..plan
        }
    }
}
