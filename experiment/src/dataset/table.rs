//! The data set: rows, and what they are rows of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    Design, DesignSpace, Goal, Metric, Outcome, Problem, ProblemError, Seed, Trial, UnknownName,
};

use crate::spec::EnvSpec;

/// Designs and what became of them, for one or several workloads of one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pub(super) about: About,
    pub(super) rows: Vec<Row>,
}

/// What the rows of a data set are rows of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct About {
    pub(super) space: DesignSpace,
    pub(super) env: EnvSpec,
    pub(super) is_noisy: bool,
    pub(super) metrics: Vec<Metric>,
    pub(super) workloads: Vec<DatasetWorkload>,
    pub(super) sources: Vec<DatasetSource>,
}

/// A workload that designs were evaluated on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetWorkload {
    /// Its name: `unet`, or `unet batch=4`; the environment's if no setting names a workload.
    pub name: String,
    /// The settings that name it.
    pub settings: Map<String, Value>,
    /// Numbers that describe it, the same in number and order for all workloads; shape `[c]`.
    pub context: Vec<ContextFeature>,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSource {
    /// The run's folder as it was named when it was read, or how the designs were drawn.
    pub name: String,
    /// The agent that proposed the designs.
    pub agent: String,
    /// The agent's seed.
    pub seed: Seed,
}

/// A design, and what became of it in a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The index of the workload.
    pub workload: usize,
    /// The design.
    pub design: Design,
    /// What was measured, or the rule that makes the design infeasible.
    pub outcome: Outcome,
    /// The index of the source.
    pub source: usize,
    /// The trial's number in its source, from 0.
    pub trial: usize,
}

impl Dataset {
    /// The space that all designs are of.
    pub fn space(&self) -> &DesignSpace {
        &self.about.space
    }

    /// The environment, its version, and the settings that all workloads share.
    pub fn env(&self) -> &EnvSpec {
        &self.about.env
    }

    /// Whether a design may have several outcomes in one workload.
    pub fn is_noisy(&self) -> bool {
        self.about.is_noisy
    }

    /// What is measured, in the order in which it stands in each outcome; shape `[k]`.
    pub fn metrics(&self) -> &[Metric] {
        &self.about.metrics
    }

    /// The index of the metric called `name`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn metric_index(&self, name: &str) -> Result<usize, UnknownName> {
        let names = || self.about.metrics.iter().map(|metric| metric.name.as_str());
        names().position(|known| known == name).ok_or_else(|| UnknownName::among("metric", name, names()))
    }

    /// The workloads, at least one.
    pub fn workloads(&self) -> &[DatasetWorkload] {
        &self.about.workloads
    }

    /// The index of the workload called `name`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn workload_index(&self, name: &str) -> Result<usize, UnknownName> {
        let names = || self.about.workloads.iter().map(|workload| workload.name.as_str());
        names().position(|known| known == name).ok_or_else(|| UnknownName::among("workload", name, names()))
    }

    /// The environment with all settings of one workload, from which a catalog can build it.
    ///
    /// # Panics
    /// If there is no workload at `index`.
    pub fn env_of(&self, index: usize) -> EnvSpec {
        let mut env = self.about.env.clone();
        env.config.extend(self.about.workloads[index].settings.clone());
        env
    }

    /// Where the rows come from.
    pub fn sources(&self) -> &[DatasetSource] {
        &self.about.sources
    }

    /// The rows, workload by workload.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows at `indices` alone, in that order, with all workloads and sources.
    ///
    /// # Panics
    /// If there is no row at one of them.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        let rows = indices.iter().map(|&index| self.rows[index].clone()).collect();
        Self { about: self.about.clone(), rows }
    }

    /// The same data set with what was measured later: for each the index of its workload, the design, and what became of it. `name`
    /// says where it is from. A design that was measured before with another result makes the data set noisy.
    ///
    /// # Panics
    /// If there is no workload at an index.
    #[must_use]
    pub fn with_measured(mut self, name: &str, measured: Vec<(usize, Design, Outcome)>) -> Self {
        let source = self.about.sources.len();
        self.about.sources.push(DatasetSource {
            name: name.to_owned(),
            agent: "measured".to_owned(),
            seed: Seed::new(0),
        });
        for (trial, (workload, design, outcome)) in measured.into_iter().enumerate() {
            assert!(workload < self.about.workloads.len(), "invariant: workload {workload} is there");
            let differs =
                |row: &Row| row.workload == workload && row.design == design && row.outcome != outcome;
            self.about.is_noisy |= self.rows.iter().any(differs);
            self.rows.push(Row { workload, design, outcome, source, trial });
        }
        self.rows.sort_by_key(|row| row.workload); // stable
        self
    }

    /// The problem of optimising this `goal` over the data set's space and metrics.
    ///
    /// # Errors
    /// [`ProblemError`] if the goal names an unknown metric.
    pub fn problem(&self, goal: Goal) -> Result<Problem, ProblemError> {
        Problem::new(self.about.space.clone(), self.about.metrics.clone(), goal)
    }

    /// The rows at `indices` as trials of `problem`, which is one of this data set's.
    ///
    /// # Panics
    /// If there is no row at one of them.
    pub fn trials(&self, indices: &[usize], problem: &Problem) -> Vec<Trial> {
        let trial = |&index: &usize| {
            let row = &self.rows[index];
            problem.trial(row.design.clone(), row.outcome.clone())
        };
        indices.iter().map(trial).collect()
    }
}

impl Row {
    /// Whether the design can be built and run.
    pub fn is_feasible(&self) -> bool {
        self.outcome.metrics().is_some()
    }
}

impl DatasetWorkload {
    /// The workload that these settings of a workload name: the value of the first, and `setting=value` for each other
    /// that is not as in `defaults`.
    pub(super) fn new(
        env_id: &str,
        settings: Map<String, Value>,
        defaults: &Value,
        context: Vec<ContextFeature>,
    ) -> Self {
        let mut name = env_id.to_owned();
        for (index, (key, value)) in settings.iter().enumerate() {
            if index == 0 {
                name = setting_text(value);
            } else if Some(value) != defaults.get(key) {
                name.push_str(&format!(" {key}={}", setting_text(value)));
            }
        }
        Self { name, settings, context }
    }
}

/// A setting's value as people write it: a list's entries apart by `+`.
fn setting_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(setting_text).collect::<Vec<_>>().join("+"),
        other => other.to_string(),
    }
}
