//! The learner around any of the regressions, and its model.

use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smartcore::error::Failed;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Prediction, Problem, Saved,
    Seed, Surrogate, TrainingData, Trial, WorkloadTrials,
};

use super::{Nearest, Weighting};
use crate::features::{FeatureScale, Features, Inputs};
use crate::subset;
use crate::targets::{TargetScales, feasible_share};

/// Folds of cross-validation. Source: Kohavi (1995), "A study of cross-validation and bootstrap", IJCAI, who recommends ten; five cost
/// half and leave four fifths to learn from.
const FOLDS: usize = 5;
/// Nearest designs whose errors make the spread, and whose feasibility makes p(feasible). Ours: few enough to be near, enough for a
/// share in tenths.
const NEIGHBORS: usize = 10;
/// The version of what is saved.
const SCHEMA: u32 = 1;

/// A regression of one number by rows of standardised columns.
pub trait Regression: Send + Sync + Sized + 'static {
    /// The learner's name.
    const ID: &'static str;
    /// One line about it.
    const SUMMARY: &'static str;
    /// Its page.
    const DESCRIPTION: &'static str;
    /// Its hyperparameters.
    type Config: Serialize + DeserializeOwned + Default + Send + Sync;
    /// What was learned; predicts by itself and is saved as it is.
    type Model: Serialize + DeserializeOwned + Send + Sync;

    /// Holds each hyperparameter to its range.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that is outside.
    fn check(config: &Self::Config) -> Result<(), ConfigError>;

    /// What the columns of a design are, and how many trials are learned from at most.
    fn extent(config: &Self::Config) -> (Inputs, usize);

    /// Learns `targets`, shape `[n]`, of `rows`, shape `[n][d]`.
    ///
    /// # Errors
    /// [`Failed`] if the rows cannot be learned from.
    fn fit(config: &Self::Config, rows: &[Vec<f64>], targets: &[f64]) -> Result<Self::Model, Failed>;

    /// The target expected at a row, shape `[d]`.
    fn predict(model: &Self::Model, row: &[f64]) -> f64;

    /// Whether the model can be asked about rows of `d` columns.
    fn fits(model: &Self::Model, d: usize) -> bool;
}

/// Fits a regression of each metric, and what is said of its errors and of feasibility.
pub struct Baseline<R: Regression> {
    space: DesignSpace,
    config: R::Config,
}

/// The fitted regressions.
struct Model<R: Regression> {
    features: Features,
    state: State<R::Model>,
}

/// The part of a fitted model that is saved.
#[derive(Serialize, Deserialize)]
struct State<M> {
    features: FeatureScale,
    scales: TargetScales,
    /// For each metric the regression and the squares of its errors in cross-validation, shape `[k]`.
    metrics: Vec<(M, Nearest)>,
    /// Ones and zeros for feasible designs and others; none if no trial was infeasible.
    feasibility: Option<Nearest>,
    /// What is said of feasibility if there are none.
    feasible_share: f64,
}

impl<R: Regression> BuildLearner for Baseline<R> {
    const ID: &'static str = R::ID;
    const SUMMARY: &'static str = R::SUMMARY;
    const DESCRIPTION: &'static str = R::DESCRIPTION;
    const SCHEMA: u32 = SCHEMA;
    type Config = R::Config;

    fn build(problem: &Problem, config: R::Config) -> Result<Self, ConfigError> {
        R::check(&config)?;
        Ok(Self { space: problem.space().clone(), config })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state = saved.state::<State<R::Model>>()?;
        let features = Features::of_scale(space, state.features.clone());
        let is_whole = |features: &Features| {
            state.metrics.len() == state.scales.n_metrics()
                && state.metrics.iter().all(|(model, _)| R::fits(model, features.width()))
        };
        match features {
            Some(features) if is_whole(&features) => Ok(Box::new(Model::<R> { features, state })),
            _ => Err(LoadError::Corrupt { message: "the regressions do not fit the space".to_owned() }),
        }
    }
}

impl<R: Regression> Learner for Baseline<R> {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let failed = |error: Failed| FitError::Failed { message: error.to_string() };
        let scales = TargetScales::new(data)?;
        let (inputs, max_points) = R::extent(&self.config);
        let features = Features::new(&self.space, inputs, data.train());
        let is_measured = |trial: &Trial| trial.outcome.metrics().is_some();
        let drawn = subset::draw(data.train(), max_points, seed.child("metrics", 0), is_measured);
        let rows = rows(&features, &drawn);
        let targets: Vec<Vec<f64>> =
            drawn.iter().filter_map(|(_, trial)| Some(scales.targets(trial.outcome.metrics()?))).collect();
        let regressions = (0..scales.n_metrics()).into_par_iter().map(|metric| {
            let targets: Vec<f64> = targets.iter().map(|row| row[metric]).collect();
            self.regression(&rows, &targets)
        });
        let metrics = regressions.collect::<Result<Vec<_>, Failed>>().map_err(failed)?;
        let (n_trials, n_feasible) = data.n_trials();
        let feasibility = if n_feasible < n_trials {
            let judged = subset::draw(data.train(), max_points, seed.child("feasibility", 0), |_| true);
            let labels: Vec<f64> =
                judged.iter().map(|(_, trial)| f64::from(u8::from(is_measured(trial)))).collect();
            let rows = self::rows(&features, &judged);
            Some(Nearest::new(&rows, &labels, NEIGHBORS, Weighting::Uniform).map_err(failed)?)
        } else {
            None
        };
        let feasible_share = feasible_share(data.train());
        let features_scale = features.scale().clone();
        let state = State { features: features_scale, scales, metrics, feasibility, feasible_share };
        Ok(Box::new(Model::<R> { features, state }))
    }
}

/// The rows of some trials, shape `[n][d]`.
fn rows(features: &Features, trials: &[(&WorkloadTrials, &Trial)]) -> Vec<Vec<f64>> {
    let row = |&(group, trial): &(&WorkloadTrials, &Trial)| {
        features.rows(&group.workload.context, [&trial.design]).into_iter().map(f64::from).collect()
    };
    trials.iter().map(row).collect()
}

impl<R: Regression> Baseline<R> {
    /// The regression of all rows, and the squares of the errors at each row of one that has not seen it.
    fn regression(&self, rows: &[Vec<f64>], targets: &[f64]) -> Result<(R::Model, Nearest), Failed> {
        let n_folds = FOLDS.min(rows.len());
        let mut squares = vec![0.0; rows.len()];
        for fold in 0..n_folds {
            let is_kept = |&index: &usize| index % n_folds != fold;
            let kept: Vec<usize> = (0..rows.len()).filter(is_kept).collect();
            let kept_rows: Vec<Vec<f64>> = kept.iter().map(|&index| rows[index].clone()).collect();
            let kept_targets: Vec<f64> = kept.iter().map(|&index| targets[index]).collect();
            let model = R::fit(&self.config, &kept_rows, &kept_targets)?;
            for index in (fold..rows.len()).step_by(n_folds) {
                squares[index] = (R::predict(&model, &rows[index]) - targets[index]).powi(2);
            }
        }
        let errors = Nearest::new(rows, &squares, NEIGHBORS, Weighting::Uniform)?;
        Ok((R::fit(&self.config, rows, targets)?, errors))
    }
}

impl<R: Regression> Surrogate for Model<R> {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let State { scales, metrics, feasibility, feasible_share, .. } = &self.state;
        let predict = |design: &Design| {
            let row: Vec<f64> = self.features.rows(context, [design]).into_iter().map(f64::from).collect();
            let expected: Vec<(f64, f64)> = metrics
                .iter()
                .map(|(model, squares)| (R::predict(model, &row), squares.mean(&row).max(0.0).sqrt()))
                .collect();
            let share = feasibility.as_ref().map_or(*feasible_share, |labels| labels.mean(&row));
            (expected, share.clamp(0.0, 1.0))
        };
        let (expected, p_feasible): (Vec<_>, Vec<f64>) = designs.par_iter().map(predict).unzip();
        scales.prediction(&expected, p_feasible)
    }

    fn save(&self) -> Saved {
        Saved::new(R::ID, SCHEMA, &self.state)
    }
}
