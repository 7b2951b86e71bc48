//! The space: how many groups hold the model, how each divides it, and what a pass is made of.

use tapeout_core::{CategoryParameter, CountParameter, Design, DesignSpace, Parameter, Rule, SpaceError};
use tapeout_simulators::llm_system::LanguageModel;
use tapeout_simulators::llm_system::serving::{Batching, ServingGroup, ServingPlan};

use crate::llm_system::space::{WHOLE_HEADS, divisors};

const BATCHING: [(&str, Batching); 2] = [("whole", Batching::Whole), ("chunked", Batching::Chunked)];

/// Most stages, and most parts of a batch that share experts. Ours: a stage more is a hop more for every token; two nodes hold the largest mixture
/// here.
const MAX_STAGES: u32 = 8;
const MAX_EXPERT_PARTS: u32 = 16;

/// The least that a pass may be limited to, in tokens.
pub(super) const LEAST_PASS_TOKENS: u32 = 256;

/// The parameters, by name.
#[derive(Debug, Clone)]
pub(super) struct Knobs {
    tensor: CountParameter,
    pipeline: CountParameter,
    expert: Option<CountParameter>,
    instances: CountParameter,
    prefill_instances: CountParameter,
    prefill_tensor: CountParameter,
    batching: CategoryParameter<Batching>,
    pass_tokens: CountParameter,
    batch: CountParameter,
}

/// The space for a model on so many processors.
pub(super) fn space(processors: u64, model: &LanguageModel) -> Result<DesignSpace, SpaceError> {
    let up_to = |most: u32, whole: u64| divisors(whole).into_iter().filter(move |&part| part <= most);
    let mut parameters = vec![
        Parameter::ordinal("tensor", [1, 2, 4, 8]).about("processors that share each block"),
        Parameter::ordinal("pipeline", up_to(MAX_STAGES, model.blocks)).about("stages"),
        Parameter::ordinal("instances", [1, 2, 3, 4, 6, 8, 12, 16])
            .about("groups of processors that hold the model once"),
        Parameter::ordinal("prefill_instances", [0, 1, 2, 3, 4, 6, 8])
            .about("groups that do nothing but read prompts; with none the others do"),
        Parameter::ordinal("prefill_tensor", [1, 2, 4, 8]).about("processors that share each block there"),
        Parameter::categorical("batching", &BATCHING.map(|(name, _)| name))
            .about("whether prompts go whole, before tokens of others, or in parts beside them"),
        Parameter::power_of_two("pass_tokens", LEAST_PASS_TOKENS, 8192).about("most tokens of a pass"),
        Parameter::power_of_two("batch", 4, 512).about("most sequences at once on an instance"),
    ];
    if model.experts() > 1 {
        parameters.push(
            Parameter::ordinal("expert", up_to(MAX_EXPERT_PARTS, model.experts()))
                .about("parts of the batch that share the experts of a block"),
        );
    }
    DesignSpace::new(parameters, rules(processors, model))
}

fn rules(processors: u64, model: &LanguageModel) -> Vec<Rule> {
    let (processors, model) = (processors as i64, *model);
    let has_experts = model.experts() > 1;
    let names: &'static [&'static str] = if has_experts {
        &["tensor", "pipeline", "expert", "instances", "prefill_instances", "prefill_tensor"]
    } else {
        &["tensor", "pipeline", "instances", "prefill_instances", "prefill_tensor"]
    };
    let whole = move |tensor: i64| model.can_be_shared_by(tensor.unsigned_abs());
    vec![
        Rule::new("whole_heads", WHOLE_HEADS, &["tensor"], move |v| whole(v.int("tensor"))),
        Rule::new("whole_prefill_heads", "whole_heads, of prefill_tensor", &["prefill_tensor"], move |v| {
            whole(v.int("prefill_tensor"))
        }),
        Rule::new(
            "no_prefill_tensor_alone",
            "prefill_tensor == tensor if there are no prefill_instances",
            &["tensor", "prefill_tensor", "prefill_instances"],
            |v| v.int("prefill_instances") > 0 || v.int("prefill_tensor") == v.int("tensor"),
        ),
        Rule::new(
            "enough_processors",
            "(instances * tensor + prefill_instances * prefill_tensor) * pipeline * expert <= processors",
            names,
            move |v| {
                let stages = v.int("pipeline") * if has_experts { v.int("expert") } else { 1 };
                let groups = v.int("instances") * v.int("tensor")
                    + v.int("prefill_instances") * v.int("prefill_tensor");
                groups * stages <= processors
            },
        ),
        Rule::new(
            "whole_prompts_apart",
            "batching == whole if there are prefill_instances",
            &["prefill_instances", "batching"],
            |v| v.int("prefill_instances") == 0 || v.text("batching") == "whole",
        ),
    ]
}

impl Knobs {
    pub(super) fn of(space: &DesignSpace, has_experts: bool) -> Result<Self, SpaceError> {
        Ok(Self {
            tensor: space.count("tensor")?,
            pipeline: space.count("pipeline")?,
            expert: has_experts.then(|| space.count("expert")).transpose()?,
            instances: space.count("instances")?,
            prefill_instances: space.count("prefill_instances")?,
            prefill_tensor: space.count("prefill_tensor")?,
            batching: space.category("batching", BATCHING)?,
            pass_tokens: space.count("pass_tokens")?,
            batch: space.count("batch")?,
        })
    }

    /// The plan of a design.
    pub(super) fn read(&self, design: &Design) -> ServingPlan {
        let group = ServingGroup {
            tensor: self.tensor.of(design),
            pipeline: self.pipeline.of(design),
            expert: self.expert.as_ref().map_or(1, |expert| expert.of(design)),
        };
        let prefill = ServingGroup { tensor: self.prefill_tensor.of(design), ..group };
        let prefill_instances = self.prefill_instances.of(design);
        ServingPlan {
            group,
            instances: self.instances.of(design),
            prefill: (prefill_instances > 0).then_some((prefill_instances, prefill)),
            batching: *self.batching.of(design),
            pass_tokens: self.pass_tokens.of(design),
            batch: self.batch.of(design),
        }
    }
}
