//! What a learner says of rows that it has not learned from, and what its word is worth.

use rayon::prelude::*;
use serde::Serialize;
use tapeout_core::{Catalog, Design, Outcome, Problem, Surrogate};
use tapeout_experiment::dataset::{Dataset, Split};
use tapeout_experiment::statistics::mean;
use tapeout_surrogates::errors::{
    brier_score, expected_calibration_error, kendall_tau, log_scale_error, reliability,
};
use tapeout_surrogates::targets::TargetScale;

use super::OfflineError;
use super::fit::{Recipe, fitted};
use super::folds::{Fold, HeldOutBy};
use super::quality::BINS;

/// The share of designs that are looked at as the best. Ours: a tenth is few enough to be what a search is after, and enough to be
/// counted.
const BEST: f64 = 0.1;

/// What a model, fitted without a row, says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// The index of the row.
    pub row: usize,
    /// The index of its fold.
    pub fold: usize,
    /// The metrics expected, shape `[k]`.
    pub mean: Vec<f64>,
    /// p(feasible).
    pub p_feasible: f64,
}

/// What a learner's word is worth about one objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worth {
    /// What rows were held out by.
    pub by: HeldOutBy,
    /// The objective's metric.
    pub metric: String,
    /// Feasible rows that were held out.
    pub rows: usize,
    /// The mean absolute error of the logarithm, 0.01 is one per cent; none of a metric that is not positive throughout.
    pub log_error: Option<f64>,
    /// Kendall's tau between expected and true order, the mean over workloads and folds.
    pub tau: f64,
    /// The same among the best tenth.
    pub tau_of_best: f64,
    /// How much worse the tenth that the model likes most is than the best tenth, as a share; in standard deviations of a metric that is
    /// not positive throughout.
    pub lost: f64,
    /// The share of the tenth that the model likes most that is infeasible, or breaks a constraint.
    pub unusable: f64,
    /// The mean squared error of p(feasible).
    pub brier: f64,
    /// The mean gap between p(feasible) and the share that is feasible.
    pub calibration_error: f64,
}

/// The rows of one workload in one fold, as the truth and a model have them.
pub(super) struct Group<'a, 'b> {
    pub(super) truth: Vec<&'a Outcome>,
    pub(super) said: Vec<&'b HeldOut>,
}

impl HeldOut {
    /// What two learners say of one row, taken together.
    pub(super) fn with(&self, other: &Self) -> Self {
        let mean = self.mean.iter().zip(&other.mean).map(|(&a, &b)| together(a, b)).collect();
        Self { mean, p_feasible: (self.p_feasible + other.p_feasible) / 2.0, ..*self }
    }
}

/// The geometric mean of what two learners expect, or the plain one if one of them is not positive.
pub(super) fn together(a: f64, b: f64) -> f64 {
    if a > 0.0 && b > 0.0 { (a.ln() / 2.0 + b.ln() / 2.0).exp() } else { (a + b) / 2.0 }
}

/// Fits the recipe without each fold, and asks it about the rows of that fold.
///
/// # Errors
/// [`OfflineError`] if a fit fails.
pub fn cross_validate(
    catalog: &Catalog,
    dataset: &Dataset,
    problem: &Problem,
    recipe: &Recipe,
    folds: &[Fold],
) -> Result<Vec<HeldOut>, OfflineError> {
    let of_fold = |(index, fold): (usize, &Fold)| -> Result<Vec<HeldOut>, OfflineError> {
        let split = Split { train: fold.train.clone(), ..Split::default() };
        let surrogate = fitted(catalog, dataset, &split, problem, recipe)?;
        Ok(asked(surrogate.as_ref(), dataset, &fold.held_out, index))
    };
    let said: Result<Vec<Vec<HeldOut>>, OfflineError> = folds.par_iter().enumerate().map(of_fold).collect();
    Ok(said?.into_iter().flatten().collect())
}

fn asked(surrogate: &dyn Surrogate, dataset: &Dataset, rows: &[usize], fold: usize) -> Vec<HeldOut> {
    let of_workload = |index: usize| -> Vec<HeldOut> {
        let rows: Vec<usize> =
            rows.iter().copied().filter(|&row| dataset.rows()[row].workload == index).collect();
        let designs: Vec<Design> = rows.iter().map(|&row| dataset.rows()[row].design.clone()).collect();
        let context: Vec<f64> = dataset.workloads()[index].context.iter().map(|it| it.value).collect();
        let prediction = surrogate.predict(&context, &designs);
        let said = rows.into_iter().zip(prediction.mean).zip(prediction.p_feasible);
        said.map(|((row, mean), p_feasible)| HeldOut { row, fold, mean, p_feasible }).collect()
    };
    (0..dataset.workloads().len()).flat_map(of_workload).collect()
}

/// The rows that were held out, fold by fold and workload by workload.
pub(super) fn groups<'a, 'b>(dataset: &'a Dataset, said: &'b [HeldOut]) -> Vec<Group<'a, 'b>> {
    let key = |it: &HeldOut| (it.fold, dataset.rows()[it.row].workload);
    let group = |said: &'b [HeldOut]| Group {
        truth: said.iter().map(|it| &dataset.rows()[it.row].outcome).collect(),
        said: said.iter().collect(),
    };
    said.chunk_by(|a, b| key(a) == key(b)).map(group).collect()
}

impl Group<'_, '_> {
    /// The tenth of the rows that could be used that the model likes most for an objective, usable or not; at least one.
    pub(super) fn liked(&self, problem: &Problem, objective: usize) -> Vec<usize> {
        let n_usable = self.usable(problem).len();
        let judged: Vec<(bool, f64)> = self
            .said
            .iter()
            .map(|it| {
                let judgement = problem.judge(&Outcome::Measured(it.mean.clone()));
                let is_liked = it.p_feasible >= 0.5 && judgement.accepted().is_some();
                (!is_liked, judgement.losses().map_or(f64::INFINITY, |losses| losses[objective]))
            })
            .collect();
        let mut order: Vec<usize> = (0..self.said.len()).collect();
        order.sort_by(|&a, &b| judged[a].0.cmp(&judged[b].0).then(judged[a].1.total_cmp(&judged[b].1)));
        order.truncate(tenth(n_usable));
        order
    }

    /// The rows that were measured and are within every constraint.
    fn usable(&self, problem: &Problem) -> Vec<usize> {
        let is_usable = |&index: &usize| problem.judge(self.truth[index]).accepted().is_some();
        (0..self.truth.len()).filter(is_usable).collect()
    }
}

fn tenth(n: usize) -> usize {
    ((BEST * n as f64).round() as usize).max(1)
}

/// What the word of a model is worth about each objective.
pub fn worth(dataset: &Dataset, problem: &Problem, folds: &[Fold], said: &[HeldOut]) -> Vec<Worth> {
    let Some(by) = folds.first().map(|fold| fold.by) else { return Vec::new() };
    let groups = groups(dataset, said);
    let p: Vec<f64> = said.iter().map(|it| it.p_feasible).collect();
    let is_feasible: Vec<bool> = said.iter().map(|it| dataset.rows()[it.row].is_feasible()).collect();
    if p.is_empty() {
        return Vec::new();
    }
    let of_objective = |objective: usize| {
        let metric = problem.objective_metric(objective);
        let index = dataset.metric_index(&metric.name).expect("invariant: an objective is a metric");
        let pairs: Vec<(f64, f64)> = said
            .iter()
            .filter_map(|it| Some((it.mean[index], dataset.rows()[it.row].outcome.metrics()?[index])))
            .collect();
        let (expected, truth): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let is_positive = |values: &[f64]| !values.is_empty() && values.iter().all(|&value| value > 0.0);
        let scale = TargetScale::of(&truth);
        let picks: Vec<Picks> = groups.iter().filter_map(|it| it.picks(problem, objective, &scale)).collect();
        let over = |value: fn(&Picks) -> f64| {
            let values: Vec<f64> = picks.iter().map(value).collect();
            if values.is_empty() { 0.0 } else { mean(&values) }
        };
        Worth {
            by,
            metric: metric.name.clone(),
            rows: truth.len(),
            log_error: (is_positive(&expected) && is_positive(&truth))
                .then(|| log_scale_error(&expected, &truth)),
            tau: over(|it| it.tau),
            tau_of_best: over(|it| it.tau_of_best),
            lost: over(|it| it.lost),
            unusable: over(|it| it.unusable),
            brier: brier_score(&p, &is_feasible),
            calibration_error: expected_calibration_error(&reliability(&p, &is_feasible, BINS)),
        }
    };
    (0..problem.n_objectives()).map(of_objective).collect()
}

/// What came of what a model likes, in one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Picks {
    tau: f64,
    tau_of_best: f64,
    lost: f64,
    unusable: f64,
}

impl Picks {
    /// What is lost by trusting the model; less is better.
    pub(super) fn price(&self) -> f64 {
        self.lost + self.unusable
    }
}

impl Group<'_, '_> {
    /// None if nothing in the group could be used.
    pub(super) fn picks(&self, problem: &Problem, objective: usize, scale: &TargetScale) -> Option<Picks> {
        let name = &problem.objective_metric(objective).name;
        let index = problem.metrics().iter().position(|it| it.name == *name)?;
        let sign = problem.objective_value(objective, 1.0);
        // Losses where equal ratios are equal steps, if they can be.
        let loss = |value: f64| {
            let target = scale.target(value);
            sign * if scale.is_logarithmic { scale.standard.invert(target) } else { target }
        };
        let truth = |&it: &usize| self.truth[it].metrics().map(|metrics| loss(metrics[index]));
        let mut best = self.usable(problem);
        if best.is_empty() {
            return None;
        }
        let expected = |it: &usize| loss(self.said[*it].mean[index]);
        let tau = |rows: &[usize]| {
            let expected: Vec<f64> = rows.iter().map(expected).collect();
            kendall_tau(&expected, &rows.iter().filter_map(truth).collect::<Vec<f64>>())
        };
        let tau_of_all = tau(&best);
        best.sort_by(|a, b| truth(a).unwrap_or_default().total_cmp(&truth(b).unwrap_or_default()));
        best.truncate(tenth(best.len()));
        let liked = self.liked(problem, objective);
        let is_usable = |it: &&usize| problem.judge(self.truth[**it]).accepted().is_some();
        let usable: Vec<f64> = liked.iter().filter(is_usable).filter_map(truth).collect();
        let of_best: Vec<f64> = best.iter().filter_map(truth).collect();
        let gap = if usable.is_empty() { 0.0 } else { mean(&usable) - mean(&of_best) };
        Some(Picks {
            tau: tau_of_all,
            tau_of_best: tau(&best),
            lost: if scale.is_logarithmic { gap.exp_m1() } else { gap },
            unusable: 1.0 - usable.len() as f64 / liked.len() as f64,
        })
    }
}
