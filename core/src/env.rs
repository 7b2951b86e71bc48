//! Environments: what a design is worth, by a model or a measurement.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::breakdown::Breakdown;
use crate::config::ConfigError;
use crate::constraint::Constraint;
use crate::outcome::{Metric, Outcome};
use crate::problem::Goal;
use crate::space::{Design, DesignSpace};

/// Says what designs there are and what each is worth. Knows neither objectives nor who is asking.
pub trait Env: Send + Sync {
    /// The designs there are.
    fn space(&self) -> &DesignSpace;

    /// What is measured, names and units; shape `[k]`.
    fn metrics(&self) -> &[Metric];

    /// Evaluates one design: metrics in the order of [`Env::metrics`], or the rule that makes it infeasible.
    ///
    /// # Errors
    /// [`EvalError`] if the evaluator failed, which says nothing about the design. A run logs that as
    /// [`Outcome::Failed`] and goes on, as it does where this panics.
    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError>;

    /// The rule that a design breaks by arithmetic alone, such as a limit on area: what [`Env::evaluate`] would say, without a
    /// simulation or a measurement. None if nothing can be said so cheaply.
    fn precheck(&self, design: &Design) -> Option<Outcome> {
        let _ = design;
        None
    }

    /// Evaluates several designs; as many results, in the same order.
    fn evaluate_batch(&self, designs: &[Design]) -> Vec<Result<Outcome, EvalError>> {
        designs.iter().map(|design| self.evaluate(design)).collect()
    }

    /// Whether asking twice may give two answers. Duplicates are then evaluated again, not looked up.
    fn is_noisy(&self) -> bool {
        false
    }

    /// Whether designs may be evaluated on several threads at once; no for one physical device.
    fn is_parallel(&self) -> bool {
        true
    }

    /// What the environment needs beside the program and does not find here: a compiler, a device. None if it can be asked;
    /// otherwise every evaluation fails with this message.
    fn missing(&self) -> Option<String> {
        None
    }

    /// Where the metrics of a design come from, by parts; none if it is infeasible, or the environment cannot say.
    ///
    /// # Errors
    /// As [`Env::evaluate`].
    fn breakdown(&self, design: &Design) -> Result<Option<Breakdown>, EvalError> {
        let _ = design;
        Ok(None)
    }

    /// Limits on metrics that every measured design keeps, since designs beyond them are infeasible: a constraint that is no stricter
    /// has nothing to do.
    fn enforced(&self) -> Vec<Constraint> {
        Vec::new()
    }

    /// The settings that say which workload the designs run, such as `networks`: what a data set tells its workloads
    /// apart by. None if there is but one workload.
    fn workload_settings(&self) -> &'static [&'static str] {
        &[]
    }

    /// Numbers that describe the workload, the same in number and order whatever the workload is, so that one model can
    /// serve several and be asked about another; shape `[c]`. None if the environment cannot say.
    fn context(&self) -> Vec<ContextFeature> {
        Vec::new()
    }
}

/// A number that describes the workload which designs run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextFeature {
    /// Its name: `log10_macs`.
    pub name: String,
    /// Its unit in SI; empty for a ratio, a count or a logarithm.
    pub unit: String,
    /// What it describes.
    pub summary: String,
    /// The number; finite.
    pub value: f64,
}

impl ContextFeature {
    /// A feature with this name, unit, summary and value.
    pub fn new(name: &str, unit: &str, summary: &str, value: f64) -> Self {
        Self { name: name.to_owned(), unit: unit.to_owned(), summary: summary.to_owned(), value }
    }
}

/// How the catalog makes an environment.
pub trait BuildEnv: Env + Sized + 'static {
    /// Its name on the command line: `edge-accelerator`.
    const ID: &'static str;
    /// Its version. Any change to its numbers is a new one.
    const VERSION: u32;
    /// One line for a list.
    const SUMMARY: &'static str;
    /// Its page in Markdown: what it models, parameters, metrics and sources, feasibility rules, workloads, how it was
    /// validated, version history.
    const DESCRIPTION: &'static str;
    /// Its settings; `deny_unknown_fields`, and the defaults are a sensible problem.
    type Config: Serialize + DeserializeOwned + Default;
    /// Settings that have no default: without them there is no environment.
    const REQUIRED: &'static [&'static str] = &[];
    /// Settings that may name a file, or several in a list: a file that is there is known by its full path and its contents, wherever the
    /// settings are kept. A name without folder and extension is a file's only in settings that by default name nothing.
    const FILES: &'static [&'static str] = &[];
    /// Settings that may name programs: a resolved spec has their full paths, so that a run goes on from any folder.
    const PROGRAMS: &'static [&'static str] = &[];
    /// How many designs there are with the default settings, for lists, which make no environments. None if it is not stated.
    const DESIGNS: Option<u128> = None;

    /// The settings with what they name found, such as the file of a module, before files are looked for.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not found.
    fn found(config: Self::Config) -> Result<Self::Config, ConfigError> {
        Ok(config)
    }

    /// Makes the environment.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting cannot be used.
    fn build(config: Self::Config) -> Result<Self, ConfigError>;

    /// What to optimise when nobody says.
    fn default_goal(&self) -> Goal;
}

/// The evaluator failed: a file is gone, a device does not answer, a child process died.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl EvalError {
    /// A failure described by a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// A failure with what caused it.
    pub fn caused_by(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { message: message.into(), source: Some(source.into()) }
    }

    /// The failure and what caused it, in one line: `no answer: it ended: signal 9`.
    pub fn chain(&self) -> String {
        use std::error::Error;
        let causes = std::iter::successors(self.source(), |&cause| cause.source());
        std::iter::once(self.to_string())
            .chain(causes.map(ToString::to_string))
            .collect::<Vec<_>>()
            .join(": ")
    }
}
