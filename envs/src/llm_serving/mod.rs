//! Clusters that serve language models: parallelism, continuous batching, prefill and decode together or apart.
//!
//! Sources: Yu et al. (OSDI 2022), "Orca"; Zhong et al. (OSDI 2024), arXiv 2401.09670. The model is [`tapeout_simulators::llm_system::serving`].

mod config;
mod space;

use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_simulators::llm_system::serving::{ServingPlan, ServingReport, ServingRequest, serve};
use tapeout_simulators::llm_system::{Cluster, LanguageModel};

pub use config::LlmServingConfig;
use space::Knobs;

/// Serving a language model on a cluster as an environment.
#[derive(Debug)]
pub struct LlmServing {
    space: DesignSpace,
    knobs: Knobs,
    model: LanguageModel,
    cluster: Cluster,
    requests: Vec<ServingRequest>,
    price_per_hour: Option<f64>,
    metrics: Vec<Metric>,
}

impl LlmServing {
    /// The plan of a design.
    pub fn plan(&self, design: &Design) -> ServingPlan {
        self.knobs.read(design)
    }

    /// What a plan comes to, by metric.
    fn measured(&self, plan: &ServingPlan, report: &ServingReport) -> Vec<f64> {
        let first_s = sorted(report.first_token_s.clone());
        let token_s = sorted(report.token_s.iter().copied().flatten().collect());
        let latency_s = report.latency_s.iter().sum::<f64>() / report.latency_s.len() as f64;
        let tokens = report.tokens as f64;
        let processor_s = plan.processors() as f64 * report.span_s;
        let held_byte = report.memory.weights_byte + report.cache_byte + report.memory.activations_byte;
        let mut metrics = vec![
            percentile(&first_s, 50),
            percentile(&first_s, 99),
            percentile(&token_s, 50),
            percentile(&token_s, 99),
            latency_s,
            tokens / report.span_s,
            held_byte,
            report.memory.weights_byte,
            report.cache_byte,
            report.memory.activations_byte,
            plan.processors() as f64,
            processor_s * self.cluster.power_w / tokens,
        ];
        metrics.extend(self.price_per_hour.map(|price| price * processor_s / 3600.0 / tokens * 1e6));
        metrics
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The nearest rank; 0 if there is nothing, as of requests that ask for one token.
fn percentile(sorted: &[f64], per_cent: usize) -> f64 {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    rank.checked_sub(1).map_or(0.0, |index| sorted[index])
}

impl Env for LlmServing {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let plan = self.plan(design);
        Ok(match serve(&self.model, &self.cluster, &plan, &self.requests) {
            Ok(report) => Outcome::Measured(self.measured(&plan, &report)),
            Err(fault) => Outcome::infeasible("memory", fault.violation()),
        })
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["model", "requests", "rate_per_s", "prompt_tokens", "output_tokens", "spread", "seed", "trace"]
    }
}

impl BuildEnv for LlmServing {
    const ID: &'static str = "llm-serving";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "serving language models on clusters: parallelism, continuous batching, prefill and decode together or apart";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["model", "trace"];
    const DESIGNS: Option<u128> = Some(42_480);
    type Config = LlmServingConfig;

    fn build(config: LlmServingConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let (model, cluster) = (config.model()?, config.cluster()?);
        let space = space::space(config.processors, &model)?;
        let knobs = Knobs::of(&space, model.experts() > 1)?;
        let requests = config.load()?;
        let price_per_hour = config.price_per_hour;
        Ok(Self { space, knobs, model, cluster, requests, price_per_hour, metrics: metrics(price_per_hour) })
    }

    // Source of the limits: MLCommons, MLPerf Inference v4.0 (2024), Llama 2 70B, scenario Server: the 99th percentile of the time to the first token
    // within 2 s, of the time of each further token within 200 ms.
    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("token_energy_j")],
            constraints: vec![
                Constraint::at_most("first_token_p99_s", 2.0),
                Constraint::at_most("token_p99_s", 0.2),
            ],
        }
    }
}

fn metrics(price_per_hour: Option<f64>) -> Vec<Metric> {
    let mut metrics = vec![
        Metric::new("first_token_p50_s", "s", "from a request to its first token, median"),
        Metric::new("first_token_p99_s", "s", "the same, 99th percentile"),
        Metric::new("token_p50_s", "s", "time of a further token, mean of a request, median of requests"),
        Metric::new("token_p99_s", "s", "the same, 99th percentile"),
        Metric::new("latency_s", "s", "from a request to its last token, mean"),
        Metric::new(
            "throughput_per_s",
            "1/s",
            "tokens that are made, from the first request to the last token",
        ),
        Metric::new("memory_byte", "byte", "the most that a processor of the fullest instance holds"),
        Metric::new("weights_byte", "byte", "weights there"),
        Metric::new("cache_byte", "byte", "keys and values there, of the requests that were there at once"),
        Metric::new("activations_byte", "byte", "activations of the largest pass there"),
        Metric::new("processors", "", "processors that are used"),
        Metric::new(
            "token_energy_j",
            "J",
            "energy of a token, at the power limit of all processors that are used",
        ),
    ];
    let cost = Metric::new(
        "cost_per_million_tokens",
        "",
        "what the processors that are used cost for a million tokens, in the money of the price",
    );
    metrics.extend(price_per_hour.map(|_| cost));
    metrics
}

#[cfg(test)]
mod tests;
