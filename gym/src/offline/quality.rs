//! How wrong a model is, workload by workload, on rows that it has not seen.

use serde::Serialize;
use tapeout_core::{Design, Problem, Surrogate, Trial, WorkloadTrials};
use tapeout_experiment::dataset::Dataset;
use tapeout_surrogates::errors::{
    brier_score, expected_calibration_error, kendall_tau, log_scale_error, relative_rmse, reliability,
    top_k_regret,
};

/// Designs among which the best is looked for, in [`Quality::regret`]: as many as one would have built or simulated.
pub const TOP: usize = 10;
/// Bins of the calibration error. Own choice: a tenth of the probabilities each.
pub(super) const BINS: usize = 10;

/// How wrong a model is about one metric of one workload.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// The workload.
    pub workload: String,
    /// The metric.
    pub metric: String,
    /// Feasible rows that it was asked about.
    pub rows: usize,
    /// The mean absolute error of the logarithm: 0.01 is one per cent; none if a number is not positive, as predictions on a plain
    /// scale need not be.
    pub log_error: Option<f64>,
    /// The root of the mean squared error, over the mean; none if the truth is 0 throughout.
    pub relative_rmse: Option<f64>,
    /// Kendall's tau between predicted and true order.
    pub tau: f64,
    /// How much worse the best of the [`TOP`] designs that it likes most is than the best there is, as a share of that; none if
    /// that is 0.
    pub regret: Option<f64>,
    /// The mean squared error of p(feasible), over infeasible rows too.
    pub brier: f64,
    /// The mean gap between p(feasible) and the share that is feasible.
    pub calibration_error: f64,
}

/// Asks a model about the rows at `indices` of a data set: every objective of every workload that has two
/// feasible rows.
pub fn assess(
    surrogate: &dyn Surrogate,
    dataset: &Dataset,
    indices: &[usize],
    problem: &Problem,
) -> Vec<Quality> {
    dataset.groups(indices, problem).iter().flat_map(|group| of_group(surrogate, group, problem)).collect()
}

fn of_group(surrogate: &dyn Surrogate, group: &WorkloadTrials, problem: &Problem) -> Vec<Quality> {
    let designs: Vec<Design> = group.trials.iter().map(|trial| trial.design.clone()).collect();
    let prediction = surrogate.predict(&group.workload.context, &designs);
    let is_feasible: Vec<bool> = group.trials.iter().map(|trial| trial.outcome.metrics().is_some()).collect();
    let bins = reliability(&prediction.p_feasible, &is_feasible, BINS);
    let feasible: Vec<(&Vec<f64>, &Trial)> = prediction
        .mean
        .iter()
        .zip(&group.trials)
        .filter(|(_, trial)| trial.outcome.metrics().is_some())
        .collect();
    if feasible.len() < 2 {
        return Vec::new();
    }
    let of_objective = |objective: usize| {
        let metric = problem.objective_metric(objective);
        let index = problem.metrics().iter().position(|other| other.name == metric.name);
        let index = index.expect("invariant: an objective is a metric");
        let predicted: Vec<f64> = feasible.iter().map(|(mean, _)| mean[index]).collect();
        let truth: Vec<f64> = feasible
            .iter()
            .filter_map(|(_, trial)| trial.outcome.metrics().map(|metrics| metrics[index]))
            .collect();
        let sign = problem.objective_value(objective, 1.0);
        let loss = |values: &[f64]| values.iter().map(|value| sign * value).collect::<Vec<f64>>();
        let least = loss(&truth).into_iter().fold(f64::INFINITY, f64::min);
        Quality {
            workload: group.workload.name.clone(),
            metric: metric.name.clone(),
            rows: feasible.len(),
            log_error: (predicted.iter().chain(&truth).all(|&value| value > 0.0))
                .then(|| log_scale_error(&predicted, &truth)),
            relative_rmse: (truth.iter().any(|&value| value != 0.0))
                .then(|| relative_rmse(&predicted, &truth)),
            tau: kendall_tau(&predicted, &truth),
            regret: (least != 0.0).then(|| top_k_regret(&loss(&predicted), &loss(&truth), TOP)),
            brier: brier_score(&prediction.p_feasible, &is_feasible),
            calibration_error: expected_calibration_error(&bins),
        }
    };
    (0..problem.n_objectives()).map(of_objective).collect()
}
