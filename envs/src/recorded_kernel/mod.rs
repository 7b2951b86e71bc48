//! Recorded tuning runs of real GPU kernels, answered from the record.
//!
//! Validated by: the files' own best and median times, as their documentation states them.

mod error;
mod kernel_tuner;
mod ktt;
mod record;
mod shipped;
mod t4;
mod text;
mod tuning_file;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tapeout_core::names::UnknownName;
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Direction, Env, EvalError, Goal, Metric, Objective, Outcome,
    Rule,
};

pub use error::TuningFileError;
pub use record::TuningForm;
pub use tuning_file::TuningFile;

use shipped::SHIPPED;

/// Which run answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordedKernelConfig {
    /// A run that ships with the program: `gemm-rtx-3090` or `convolution-a100`. Not read if `path` is given.
    pub kernel: String,
    /// A tuning file, `.json` or `.json.gz`: a cache of Kernel Tuner, results in T4, or the output of KTT.
    pub path: Option<String>,
    /// The problem (T1) that the results in `path` belong to: its values and their order. Not needed.
    pub problem: Option<String>,
}

impl Default for RecordedKernelConfig {
    fn default() -> Self {
        Self { kernel: "gemm-rtx-3090".to_owned(), path: None, problem: None }
    }
}

/// A recorded tuning run as an environment.
pub struct RecordedKernel {
    space: DesignSpace,
    metrics: Vec<Metric>,
    goal: Goal,
    /// What became of each design, by its rank in the space.
    outcomes: Vec<Outcome>,
}

impl RecordedKernel {
    /// The environment that answers from `file`, whose space obeys `rules`; without rules it is the list of points.
    ///
    /// # Errors
    /// [`TuningFileError`] if the file contradicts itself or the rules.
    pub fn new(file: &TuningFile, rules: Vec<Rule>) -> Result<Self, TuningFileError> {
        let space = if rules.is_empty() {
            file.listed_space()?
        } else {
            DesignSpace::new(file.parameters().to_vec(), rules)?
        };
        let points = file.points().count();
        if space.cardinality() != points as u128 {
            return Err(TuningFileError::Repeated { points, configurations: space.cardinality() });
        }
        let mut outcomes = vec![Outcome::infeasible("NotRecorded", 1.0); points];
        for (row, outcome) in file.points() {
            let design = space.design(row)?;
            outcomes[space.rank(&design) as usize] = outcome.clone();
        }
        Ok(Self { space, metrics: file.metrics.clone(), goal: goal(file), outcomes })
    }

    /// The least value of the first metric in the record, a time in s for the runs that ship; none if every configuration failed.
    pub fn best_time_s(&self) -> Option<f64> {
        self.outcomes.iter().filter_map(Outcome::metrics).map(|metrics| metrics[0]).min_by(f64::total_cmp)
    }
}

/// What the file was tuned for. No objectives if it does not say which way one of them is to go.
fn goal(file: &TuningFile) -> Goal {
    let objective = |(metric, direction): &(String, Option<Direction>)| {
        direction.map(|direction| Objective { metric: metric.clone(), direction })
    };
    let objectives: Option<Vec<Objective>> = file.objectives.iter().map(objective).collect();
    Goal { objectives: objectives.unwrap_or_default(), constraints: Vec::new() }
}

impl Env for RecordedKernel {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        Ok(self.outcomes[self.space.rank(design) as usize].clone())
    }
}

impl BuildEnv for RecordedKernel {
    const ID: &'static str = "recorded-kernel";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "a GPU kernel's recorded tuning run (files of Kernel Tuner and KTT, T4), answered from the record";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const FILES: &'static [&'static str] = &["path", "problem"];
    const DESIGNS: Option<u128> = Some(17_956);
    type Config = RecordedKernelConfig;

    fn build(config: RecordedKernelConfig) -> Result<Self, ConfigError> {
        if let Some(path) = &config.path {
            let file = open(path, config.problem.as_deref())?;
            return Self::new(&file, Vec::new()).map_err(|error| in_file("path", path, &error));
        }
        let shipped = SHIPPED.iter().find(|shipped| shipped.id == config.kernel).ok_or_else(|| {
            let ids = SHIPPED.iter().map(|shipped| shipped.id);
            let unknown = UnknownName::among("recorded kernel", &config.kernel, ids);
            ConfigError::new("kernel", format!("{unknown}; for a file of your own set `path`"))
        })?;
        let file = TuningFile::read(shipped.bytes, None).expect("a shipped file is whole");
        Ok(Self::new(&file, (shipped.rules)()).expect("a shipped file agrees with itself"))
    }

    fn default_goal(&self) -> Goal {
        self.goal.clone()
    }
}

/// The tuning file at `path`, with the problem at `problem` if its results belong to one.
fn open(path: &str, problem: Option<&str>) -> Result<TuningFile, ConfigError> {
    let read = |field: &'static str, path: &str| {
        tapeout_input::read(path).map_err(|error| {
            let message = format!("{}: cannot be read: {error}", Path::new(path).display());
            ConfigError::new(field, message)
        })
    };
    let problem_bytes = problem.map(|problem| read("problem", problem)).transpose()?;
    let bytes = read("path", path)?;
    TuningFile::read(&bytes, problem_bytes.as_deref()).map_err(|error| match (&error, problem) {
        (TuningFileError::NotAProblem, Some(problem)) => in_file("problem", problem, &error),
        _ => in_file("path", path, &error),
    })
}

fn in_file(field: &'static str, path: &str, error: &TuningFileError) -> ConfigError {
    ConfigError::new(field, format!("{}: {error}", Path::new(path).display()))
}

#[cfg(test)]
mod dialects;
#[cfg(test)]
mod tests;
