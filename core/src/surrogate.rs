//! Surrogates: models that predict what an environment would say.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::ConfigError;
use crate::outcome::Trial;
use crate::problem::Problem;
use crate::seed::Seed;
use crate::space::Design;

/// A recipe for a surrogate.
pub trait Learner: Send + Sync {
    /// Fits a model to trials, feasible and infeasible; the same trials and seed give the same model.
    ///
    /// # Errors
    /// [`FitError`] if there is too little to learn from, or the fit fails.
    fn fit(&self, trials: &[Trial], seed: Seed) -> Result<Box<dyn Surrogate>, FitError>;
}

/// A fitted model.
pub trait Surrogate: Send + Sync {
    /// What the model expects of `n` designs.
    fn predict(&self, designs: &[Design]) -> Prediction;
}

/// What a surrogate expects of `n` designs with `k` metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The expected metrics, in their own units, if feasible; shape `[n][k]`.
    pub mean: Vec<Vec<f64>>,
    /// The standard deviations of those expectations, if the model has them; shape `[n][k]`.
    pub std: Option<Vec<Vec<f64>>>,
    /// The probability that the design is feasible; shape `[n]`.
    pub p_feasible: Vec<f64>,
}

/// How the catalog makes a learner.
pub trait BuildLearner: Learner + Sized + 'static {
    /// Its name on the command line: `random-forest`.
    const ID: &'static str;
    /// One line for a list.
    const SUMMARY: &'static str;
    /// Its page in Markdown.
    const DESCRIPTION: &'static str;
    /// Its hyperparameters; `deny_unknown_fields`, and the defaults are the paper's values.
    type Config: Serialize + DeserializeOwned + Default;

    /// Makes the learner for the space and metrics of a problem.
    ///
    /// # Errors
    /// [`ConfigError`] if a hyperparameter is out of range.
    fn build(problem: &Problem, config: Self::Config) -> Result<Self, ConfigError>;
}

/// Why a model could not be fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Not enough feasible trials.
    #[error("{got} feasible trials are too few to learn from; at least {expected} are needed")]
    TooFew {
        /// How many there are.
        got: usize,
        /// How many are needed.
        expected: usize,
    },
    /// The numbers went wrong.
    #[error("the fit failed: {message}")]
    Failed {
        /// How.
        message: String,
    },
}
