//! The environment `recorded`: the designs of a data set, answered from its table.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    BuildEnvFrom, Catalog, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective,
    Outcome, Parameter,
};

use super::table::Dataset;
use crate::experiment::Experiment;

/// Which data set answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedConfig {
    /// The folder of a data set, as `tapeout dataset` makes it.
    pub dataset: Option<PathBuf>,
    /// The workload; the only one if it is not given.
    pub workload: Option<String>,
}

/// The designs of one workload of a data set, and what became of them.
pub struct RecordedDesigns {
    space: DesignSpace,
    metrics: Vec<Metric>,
    context: Vec<ContextFeature>,
    /// By rank in the space.
    outcomes: Vec<Outcome>,
    goal: Goal,
}

impl RecordedDesigns {
    /// The designs of the workload at `index`. A design that was measured several times is answered by the mean, one that was
    /// found infeasible as well by what was measured.
    fn new(catalog: &Catalog, dataset: &Dataset, index: usize) -> Result<Self, ConfigError> {
        let mut by_design: BTreeMap<&Design, Vec<&Outcome>> = BTreeMap::new();
        for row in dataset.rows().iter().filter(|row| row.workload == index) {
            by_design.entry(&row.design).or_default().push(&row.outcome);
        }
        let about = |it: &Parameter| match it.summary() {
            "" => it.clone().about("as in the data set"),
            _ => it.clone(),
        };
        let parameters = dataset.space().parameters().iter().map(about).collect();
        let rows = by_design.keys().map(|design| design.levels().to_vec()).collect();
        let space = DesignSpace::of_rows(parameters, rows)?;
        let mut outcomes = vec![Outcome::infeasible("not_recorded", 1.0); by_design.len()];
        for (design, answers) in by_design {
            let listed = space.design(design.levels())?;
            outcomes[space.rank(&listed) as usize] = mean(&answers);
        }
        let metrics: Vec<Metric> = dataset.metrics().iter().map(described).collect();
        let env = dataset.env_of(index);
        let goal = match Experiment::env_again(catalog, &env) {
            Ok((_, goal)) => goal,
            Err(_) => Goal {
                objectives: metrics.iter().take(1).map(|metric| Objective::minimize(&metric.name)).collect(),
                constraints: Vec::new(),
            },
        };
        Ok(Self { space, metrics, context: dataset.workloads()[index].context.clone(), outcomes, goal })
    }
}

/// Manifests may leave a summary out.
fn described(metric: &Metric) -> Metric {
    let summary = if metric.summary.is_empty() { "as in the data set" } else { &metric.summary };
    Metric::new(&metric.name, &metric.unit, summary)
}

/// What several answers come to.
fn mean(answers: &[&Outcome]) -> Outcome {
    let measured: Vec<&[f64]> = answers.iter().filter_map(|outcome| outcome.metrics()).collect();
    let Some(first) = measured.first() else { return answers[0].clone() };
    let of =
        |index: usize| measured.iter().map(|metrics| metrics[index]).sum::<f64>() / measured.len() as f64;
    Outcome::Measured((0..first.len()).map(of).collect())
}

impl BuildEnvFrom for RecordedDesigns {
    const ID: &'static str = "recorded";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "The designs of a data set, answered from its table";
    const DESCRIPTION: &'static str = include_str!("recorded.md");
    const REQUIRED: &'static [&'static str] = &["dataset"];
    type Config = RecordedConfig;

    fn build_from(catalog: &Catalog, config: RecordedConfig) -> Result<Self, ConfigError> {
        let refused = |error: &dyn Display| ConfigError::new("dataset", error.to_string());
        let Some(folder) = &config.dataset else {
            return Err(refused(&"is not set; name the folder of a data set, as `tapeout dataset` makes it"));
        };
        let dataset = Dataset::read(catalog, folder).map_err(|error| refused(&error))?;
        let index = match (&config.workload, dataset.workloads()) {
            (Some(name), _) => dataset
                .workload_index(name)
                .map_err(|error| ConfigError::new("workload", error.to_string()))?,
            (None, [_]) => 0,
            (None, several) => {
                let names: Vec<&str> = several.iter().map(|workload| workload.name.as_str()).collect();
                let message = format!("is not set; the data set has {}", names.join(", "));
                return Err(ConfigError::new("workload", message));
            }
        };
        Self::new(catalog, &dataset, index)
    }

    fn default_goal(&self) -> Goal {
        self.goal.clone()
    }
}

impl Env for RecordedDesigns {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        Ok(self.outcomes[self.space.rank(design) as usize].clone())
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["workload"]
    }

    fn context(&self) -> Vec<ContextFeature> {
        self.context.clone()
    }
}
