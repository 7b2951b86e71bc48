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

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{Goal, Objective, Prediction, Saved};
    use tapeout_experiment::dataset::import::columns::LogColumns;
    use tapeout_experiment::dataset::import::import;

    /// Expects one less than the level of everything.
    struct OneLess;

    impl Surrogate for OneLess {
        fn predict(&self, _: &[f64], designs: &[Design]) -> Prediction {
            let mean = designs.iter().map(|design| vec![f64::from(design.levels()[0]) - 1.0]).collect();
            Prediction { mean, std: None, p_feasible: vec![1.0; designs.len()] }
        }

        fn save(&self) -> Saved {
            Saved::new("one-less", 1, &())
        }
    }

    // Claim: predictions below 0, as a learner on a plain scale makes them, and a best design of 0 leave gaps and the rest is told. Metrics 0, 1,
    // 2 of levels 0, 1, 2 are expected to be -1, 0, 1: errors of 1 throughout over a mean of 1, in the right order.
    #[test]
    fn what_has_no_logarithm_is_assessed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        std::fs::write(&path, "x,t\n5,0\n6,1\n7,2\n").unwrap();
        let columns = "name = 'a'\ngoal.objectives = ['t']\n\
            metrics = [{ column = 't' }]\nparameters = [{ column = 'x' }]";
        let dataset = import(&[path], &LogColumns::parse(columns).unwrap()).unwrap().dataset;
        let goal = Goal { objectives: vec![Objective::minimize("t")], constraints: Vec::new() };
        let quality = assess(&OneLess, &dataset, &[0, 1, 2], &dataset.problem(goal).unwrap());
        assert_eq!((quality[0].log_error, quality[0].regret), (None, None));
        assert_eq!((quality[0].relative_rmse, quality[0].tau), (Some(1.0), 1.0));
    }
}
