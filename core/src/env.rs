//! Environments: what a design is worth, by a model or a measurement.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::ConfigError;
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
    /// [`EvalError`] if the evaluator failed, which says nothing about the design and stops a run.
    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError>;

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
}
