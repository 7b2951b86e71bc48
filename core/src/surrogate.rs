//! Surrogates: models that predict what an environment would say.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::problem::Problem;
use crate::saved::{LoadError, Saved};
use crate::seed::Seed;
use crate::space::{Design, DesignSpace};
use crate::trial::Trial;

/// A recipe for a surrogate.
pub trait Learner: Send + Sync {
    /// Fits a model to trials, feasible and infeasible, of one workload or several.
    ///
    /// The same data and seed give the same model, whatever the number of threads. Weights are learned from
    /// [`TrainingData::train`] alone; [`TrainingData::validation`] may only choose among models.
    ///
    /// # Errors
    /// [`FitError`] if there is too little to learn from, or the fit fails.
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError>;
}

/// A fitted model.
pub trait Surrogate: Send + Sync {
    /// What the model expects of `n` designs for the workload with this context, shape `[c]`; it need not be one of those
    /// learned from.
    ///
    /// # Panics
    /// If the context has another length than those learned from.
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction;

    /// The model as bytes, from which [`LearnerEntry::load`](crate::LearnerEntry::load) makes one that predicts the same.
    fn save(&self) -> Saved;
}

/// What a surrogate expects of `n` designs with `k` metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The expected metrics, in their own units, if feasible; shape `[n][k]`. Of a metric whose logarithm is modelled it is
    /// the exponential of the expected logarithm, which is the median.
    pub mean: Vec<Vec<f64>>,
    /// The standard deviations of those expectations, if the model has them, in the same units; shape `[n][k]`. Of a metric
    /// whose logarithm is modelled it is the mean times the standard deviation of the logarithm.
    pub std: Option<Vec<Vec<f64>>>,
    /// The probability that the design is feasible; shape `[n]`.
    pub p_feasible: Vec<f64>,
}

/// What is to be run on a design, as a model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadContext {
    /// Its name: `mobilenet-v2`.
    pub name: String,
    /// Numbers that describe it, shape `[c]`; empty where there is but one workload.
    pub context: Vec<f64>,
}

/// What is known of one workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadTrials {
    /// The workload.
    pub workload: WorkloadContext,
    /// Trials of it, feasible and infeasible.
    pub trials: Vec<Trial>,
}

/// What a learner is given: trials to learn from, and trials by which to choose among models.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingData {
    context_names: Vec<String>,
    train: Vec<WorkloadTrials>,
    validation: Vec<WorkloadTrials>,
}

impl TrainingData {
    /// The trials of several workloads.
    ///
    /// `context_names`: shape `[c]`. `validation` may be empty, and may be of workloads that are not in `train`. Trials whose evaluation
    /// failed are left out.
    ///
    /// # Errors
    /// [`TrainingDataError`] if a context is not `c` finite numbers, or a workload stands twice in one list.
    pub fn new(
        context_names: Vec<String>,
        train: Vec<WorkloadTrials>,
        validation: Vec<WorkloadTrials>,
    ) -> Result<Self, TrainingDataError> {
        for groups in [&train, &validation] {
            for (index, group) in groups.iter().enumerate() {
                check_group(group, &groups[..index], &context_names)?;
            }
        }
        Ok(Self { context_names, train: with_results(train), validation: with_results(validation) })
    }

    /// The trials of one workload, which needs no context, and no trials for validation. Those whose evaluation failed are left out.
    pub fn of_trials(trials: Vec<Trial>) -> Self {
        let workload = WorkloadContext { name: String::new(), context: Vec::new() };
        Self {
            context_names: Vec::new(),
            train: with_results(vec![WorkloadTrials { workload, trials }]),
            validation: Vec::new(),
        }
    }

    /// The names of the numbers in a context, shape `[c]`.
    pub fn context_names(&self) -> &[String] {
        &self.context_names
    }

    /// What weights are learned from, by workload.
    pub fn train(&self) -> &[WorkloadTrials] {
        &self.train
    }

    /// What models are chosen by, by workload; empty if nothing was kept for that.
    pub fn validation(&self) -> &[WorkloadTrials] {
        &self.validation
    }

    /// How many trials there are to learn from, and how many of them are feasible.
    pub fn n_trials(&self) -> (usize, usize) {
        let trials = self.train.iter().flat_map(|group| &group.trials);
        let n_feasible = trials.clone().filter(|trial| trial.outcome.metrics().is_some()).count();
        (trials.count(), n_feasible)
    }
}

/// The same without trials that teach nothing, since their evaluation failed.
fn with_results(mut groups: Vec<WorkloadTrials>) -> Vec<WorkloadTrials> {
    groups.iter_mut().for_each(|group| group.trials.retain(|trial| !trial.outcome.is_failed()));
    groups
}

fn check_group(
    group: &WorkloadTrials,
    before: &[WorkloadTrials],
    context_names: &[String],
) -> Result<(), TrainingDataError> {
    let WorkloadContext { name, context } = &group.workload;
    if context.len() != context_names.len() {
        let (got, expected) = (context.len(), context_names.len());
        return Err(TrainingDataError::ContextLength { workload: name.clone(), got, expected });
    }
    if let Some(index) = context.iter().position(|value| !value.is_finite()) {
        let feature = context_names[index].clone();
        return Err(TrainingDataError::ContextValue { workload: name.clone(), feature, got: context[index] });
    }
    if before.iter().any(|other| other.workload.name == *name) {
        return Err(TrainingDataError::WorkloadTwice { workload: name.clone() });
    }
    Ok(())
}

/// A learner that is told of one design in place of all that the space states to be equal to it.
pub(crate) struct Representative {
    pub(crate) space: DesignSpace,
    pub(crate) learner: Box<dyn Learner>,
}

/// What it fits: a model that is asked about the same.
pub(crate) struct RepresentativeModel {
    pub(crate) space: DesignSpace,
    pub(crate) surrogate: Box<dyn Surrogate>,
}

impl Learner for Representative {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let mut data = data.clone();
        let trials = data.train.iter_mut().chain(&mut data.validation).flat_map(|group| &mut group.trials);
        trials.for_each(|trial| trial.design = self.space.representative(&trial.design));
        let surrogate = self.learner.fit(&data, seed)?;
        Ok(Box::new(RepresentativeModel { space: self.space.clone(), surrogate }))
    }
}

impl Surrogate for RepresentativeModel {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let designs: Vec<Design> = designs.iter().map(|design| self.space.representative(design)).collect();
        self.surrogate.predict(context, &designs)
    }

    fn save(&self) -> Saved {
        self.surrogate.save()
    }
}

/// How the catalog makes a learner, and reads what its models save.
pub trait BuildLearner: Learner + Sized + 'static {
    /// Its name on the command line: `random-forest`.
    const ID: &'static str;
    /// One line for a list.
    const SUMMARY: &'static str;
    /// Its page in Markdown.
    const DESCRIPTION: &'static str;
    /// The version of what its models save. Any change to that is a new one.
    const SCHEMA: u32;
    /// Its hyperparameters; `deny_unknown_fields`, and the defaults are the paper's values.
    type Config: Serialize + DeserializeOwned + Default;

    /// Makes the learner for the space and metrics of a problem.
    ///
    /// # Errors
    /// [`ConfigError`] if a hyperparameter is out of range.
    fn build(problem: &Problem, config: Self::Config) -> Result<Self, ConfigError>;

    /// Makes the model that `saved` was made from; the learner and the schema have been compared.
    ///
    /// # Errors
    /// [`LoadError`] if the bytes do not say a model over this space.
    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError>;
}

/// Why trials cannot be learned from together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingDataError {
    /// A context of another length.
    #[error("workload `{workload}`: its context has {got} numbers; expected {expected}")]
    ContextLength {
        /// Whose.
        workload: String,
        /// How many numbers it has.
        got: usize,
        /// How many have names.
        expected: usize,
    },
    /// A context that is not finite.
    #[error("workload `{workload}`: `{feature}` of its context is {got}; expected a finite number")]
    ContextValue {
        /// Whose.
        workload: String,
        /// Which number.
        feature: String,
        /// What it is.
        got: f64,
    },
    /// The same workload twice.
    #[error("workload `{workload}` stands twice; put its trials into one group")]
    WorkloadTwice {
        /// Which.
        workload: String,
    },
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

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, context: &[f64]) -> WorkloadTrials {
        let workload = WorkloadContext { name: name.to_owned(), context: context.to_vec() };
        WorkloadTrials { workload, trials: Vec::new() }
    }

    fn refusal(train: Vec<WorkloadTrials>) -> String {
        TrainingData::new(vec!["log_macs".to_owned()], train, Vec::new()).unwrap_err().to_string()
    }

    #[test]
    fn a_context_that_does_not_fit_its_names_is_refused() {
        assert_eq!(
            refusal(vec![group("a", &[1.0]), group("b", &[1.0, 2.0])]),
            "workload `b`: its context has 2 numbers; expected 1"
        );
        assert_eq!(
            refusal(vec![group("a", &[f64::NAN])]),
            "workload `a`: `log_macs` of its context is NaN; expected a finite number"
        );
    }

    #[test]
    fn a_workload_stands_once_among_those_to_learn_from_and_once_among_those_to_validate_by() {
        assert_eq!(
            refusal(vec![group("a", &[1.0]), group("a", &[2.0])]),
            "workload `a` stands twice; put its trials into one group"
        );
        assert!(TrainingData::new(Vec::new(), vec![group("a", &[])], vec![group("a", &[])]).is_ok());
    }
}
