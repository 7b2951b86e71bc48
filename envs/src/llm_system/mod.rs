//! Clusters that train language models: parallelism, pipeline, recomputing, sharding, overlap and offloading.
//!
//! Source: Isaev et al. (SC 2023), doi:10.1145/3581784.3607102. The cost model is [`tapeout_simulators::llm_system`].

pub(crate) mod config;
pub(crate) mod space;

use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_simulators::llm_system::{Cluster, LanguageModel, TrainingPlan, training_step};

pub use config::{LlmKnobs, LlmSystemConfig};
use space::Knobs;

/// Training a language model on a cluster as an environment.
#[derive(Debug)]
pub struct LlmSystem {
    space: DesignSpace,
    knobs: Knobs,
    model: LanguageModel,
    cluster: Cluster,
    config: LlmSystemConfig,
    metrics: Vec<Metric>,
}

impl LlmSystem {
    /// The plan of a design.
    pub fn plan(&self, design: &Design) -> TrainingPlan {
        self.knobs.read(design)
    }
}

/// What is needed over what there is, less one, if that is too much.
fn excess(rule: &'static str, need: f64, have: f64) -> Option<Outcome> {
    (need > have).then(|| Outcome::infeasible(rule, need / have - 1.0))
}

impl Env for LlmSystem {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let plan = self.knobs.read(design);
        if let Some(refused) =
            excess("node_size", plan.node_members() as f64, self.cluster.in_node.size as f64)
        {
            return Ok(refused);
        }
        // Source: Calculon, llm.py: a network that must be filled is not used by groups that lie across two of its nodes.
        let in_node = self.cluster.in_node.size;
        let left = in_node % plan.node_members();
        if left > 0 {
            return Ok(Outcome::infeasible("node_filled", left as f64 / in_node as f64));
        }
        let step = training_step(&self.model, &self.cluster, &plan)
            .expect("invariant: rules of the space leave what can be divided");
        let (own_byte, host_byte) = (step.memory.total_byte(), step.host.total_byte());
        let refused = excess("memory", own_byte, self.cluster.memory.capacity_byte)
            .or_else(|| excess("host_memory", host_byte, self.cluster.host.capacity_byte));
        if let Some(refused) = refused {
            return Ok(refused);
        }
        let processors = self.config.processors as f64;
        let peak_flop = processors * self.cluster.matrix.peak_per_s * step.step_s;
        let mut metrics = vec![
            step.step_s,
            own_byte,
            host_byte,
            processors * self.cluster.power_w * step.step_s,
            step.bubble_s,
            step.tensor_s + step.tensor_again_s + step.pipeline_s + step.data_s,
            self.model.step_flop(plan.batch) / peak_flop,
        ];
        let hours = processors * step.step_s / 3600.0;
        metrics.extend(self.config.price_per_hour.map(|price| price * hours));
        Ok(Outcome::Measured(metrics))
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["model", "batch"]
    }
}

impl BuildEnv for LlmSystem {
    const ID: &'static str = "llm-system";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "training language models on clusters: parallelism, pipeline, recomputing, sharding, overlap, offloading";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["model"];
    const DESIGNS: Option<u128> = Some(511_488);
    type Config = LlmSystemConfig;

    fn build(config: LlmSystemConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let (model, cluster) = (config.model()?, config.cluster()?);
        let space = space::space(&config, &model)?;
        let knobs = Knobs::of(&space, &config, model.experts() > 1)?;
        Ok(Self { space, knobs, model, cluster, metrics: metrics(&config), config })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("step_s")], constraints: Vec::new() }
    }
}

fn metrics(config: &LlmSystemConfig) -> Vec<Metric> {
    let mut metrics = vec![
        Metric::new("step_s", "s", "time of a training step"),
        Metric::new("memory_byte", "byte", "what a processor of the fullest stage holds"),
        Metric::new("host_byte", "byte", "what waits in the host's memory for one processor"),
        Metric::new("energy_j", "J", "the most that all processors take in a step, at their power limit"),
        Metric::new("bubble_s", "s", "the part of the step in which a stage has nothing to do"),
        Metric::new("exchange_s", "s", "the part of the step in which nothing but exchanges is done"),
        Metric::new(
            "flop_utilization",
            "",
            "matrix products of a step that recomputes nothing, over what all processors could do in that time",
        ),
    ];
    let cost = Metric::new("cost", "", "what all processors cost in a step, in the money of the price");
    metrics.extend(config.price_per_hour.map(|_| cost));
    metrics
}

#[cfg(test)]
mod tests;
