//! Trials as rows for a network, workload by workload.

use std::collections::HashSet;

use rand::RngExt;
use tapeout_core::{Design, FitError, Problem, Stream, TrainingData, Trial, WorkloadTrials};

use super::trainer::batch_of;
use crate::errors::kendall_tau;
use crate::features::{Features, Inputs};
use crate::models::network::Mlp;
use crate::targets::TargetScales;

/// Which trials a network learns the metrics of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labelled {
    /// Those that were measured, acceptable or not.
    Measured,
    /// Those that were measured and acceptable; the others count as infeasible.
    Acceptable,
}

/// The trials of one workload.
pub(crate) struct WorkloadRows {
    /// Numbers that describe it, shape `[c]`.
    pub context: Vec<f64>,
    /// Designs with metrics, shape `[n][d]`.
    pub labelled: Vec<f32>,
    /// Their scaled metrics, shape `[n][k]`.
    pub targets: Vec<f32>,
    /// The least cost among them, a metric or its negative; shape `[k]`.
    pub least: Vec<f32>,
    /// Designs without, shape `[n][d]`.
    pub infeasible: Vec<f32>,
    /// All of these designs.
    pub known: HashSet<Design>,
}

/// Everything a network learns from, and what it is chosen by.
pub(crate) struct Examples {
    pub features: Features,
    pub scales: TargetScales,
    /// For each metric 1 if less is better, -1 if more is, 0 if it is no objective; shape `[k]`.
    pub signs: Vec<f32>,
    pub groups: Vec<WorkloadRows>,
    validation: Vec<WorkloadRows>,
}

impl Examples {
    /// The rows of `data` for the objectives of `problem`.
    ///
    /// # Errors
    /// [`FitError::TooFew`] if a workload has no trial that can be labelled.
    pub fn new(
        problem: &Problem,
        data: &TrainingData,
        scales: TargetScales,
        inputs: Inputs,
        labelled: Labelled,
    ) -> Result<Self, FitError> {
        let signs = signs(problem);
        let features = Features::new(problem.space(), inputs, data.train());
        let rows = |group: &WorkloadTrials| WorkloadRows::new(group, &features, &scales, &signs, labelled);
        let groups: Vec<WorkloadRows> = data.train().iter().map(rows).collect();
        let validation = data.validation().iter().map(rows).collect();
        if groups.iter().any(|group| group.labelled.is_empty()) {
            return Err(FitError::TooFew { got: 0, expected: 1 });
        }
        Ok(Self { signs, features, scales, groups, validation })
    }

    /// How many metrics there are, `k`.
    pub fn n_metrics(&self) -> usize {
        self.signs.len()
    }

    /// How wide a row is, `d`.
    pub fn width(&self) -> usize {
        self.features.width()
    }

    /// How many trials are labelled.
    pub fn n_labelled(&self) -> usize {
        self.groups.iter().map(|group| group.targets.len() / self.n_metrics()).sum()
    }

    /// One of the workloads, each as likely as any other.
    pub fn draw_workload(&self, rng: &mut Stream) -> &WorkloadRows {
        &self.groups[rng.random_range(0..self.groups.len())]
    }

    /// A weight for each metric, shape `[k]`: random ones for the objectives, signed so that less is better, that add up to
    /// 1 in size; 0 for all else. Each mixture of objectives is as likely as any other.
    pub fn mixture(&self, rng: &mut Stream) -> Vec<f32> {
        let drawn: Vec<f32> =
            self.signs.iter().map(|&sign| sign * -(1.0 - rng.random::<f32>()).ln()).collect();
        let total = drawn.iter().map(|weight| weight.abs()).sum::<f32>().max(f32::MIN_POSITIVE);
        drawn.iter().map(|weight| weight / total).collect()
    }

    /// How well `network` orders the validation trials: Kendall's tau between objectives expected and measured, the mean
    /// over workloads and objectives. None if there is nothing to order.
    pub fn score(&self, network: &Mlp) -> Option<f64> {
        let (k, width) = (self.n_metrics(), network.n_outputs());
        let mut taus = Vec::new();
        for group in self.validation.iter().filter(|group| group.targets.len() > k) {
            let outputs = network.predict(&group.labelled);
            for metric in (0..k).filter(|&metric| self.signs[metric] != 0.0) {
                let column = |values: &[f32], width: usize| -> Vec<f64> {
                    values.iter().skip(metric).step_by(width).map(|&value| f64::from(value)).collect()
                };
                taus.push(kendall_tau(&column(&outputs, width), &column(&group.targets, k)));
            }
        }
        (!taus.is_empty()).then(|| taus.iter().sum::<f64>() / taus.len() as f64)
    }
}

impl WorkloadRows {
    fn new(
        group: &WorkloadTrials,
        features: &Features,
        scales: &TargetScales,
        signs: &[f32],
        labelled: Labelled,
    ) -> Self {
        let is_labelled = |trial: &&Trial| match labelled {
            Labelled::Measured => trial.outcome.metrics().is_some(),
            Labelled::Acceptable => trial.judgement.accepted().is_some(),
        };
        let (with, without): (Vec<&Trial>, Vec<&Trial>) = group.trials.iter().partition(is_labelled);
        let context = &group.workload.context;
        let rows = |trials: &[&Trial]| features.rows(context, trials.iter().map(|trial| &trial.design));
        let metrics = with.iter().filter_map(|trial| trial.outcome.metrics());
        let targets: Vec<f32> =
            metrics.flat_map(|metrics| scales.targets(metrics)).map(|target| target as f32).collect();
        let least = |(metric, sign): (usize, &f32)| {
            let costs = targets.iter().skip(metric).step_by(signs.len()).map(|target| sign * target);
            costs.fold(f32::INFINITY, f32::min)
        };
        Self {
            least: signs.iter().enumerate().map(least).collect(),
            context: context.clone(),
            labelled: rows(&with),
            infeasible: rows(&without),
            targets,
            known: group.trials.iter().map(|trial| trial.design.clone()).collect(),
        }
    }

    /// Appends `most` random labelled rows, or fewer if there are few, to `rows` and their targets to `targets`; rows are of width
    /// `d`, targets `k`. Returns how many.
    pub fn draw_labelled(
        &self,
        most: usize,
        (d, k): (usize, usize),
        (rows, targets): (&mut Vec<f32>, &mut Vec<f32>),
        rng: &mut Stream,
    ) -> usize {
        let n = self.labelled.len() / d;
        let count = batch_of(most, n);
        for _ in 0..count {
            let index = rng.random_range(0..n);
            rows.extend_from_slice(&self.labelled[index * d..][..d]);
            targets.extend_from_slice(&self.targets[index * k..][..k]);
        }
        count
    }

    /// Appends `most` random infeasible rows of width `d`, or fewer if there are few, to `rows`; returns how many.
    pub fn draw_infeasible(&self, most: usize, d: usize, rows: &mut Vec<f32>, rng: &mut Stream) -> usize {
        let n = self.infeasible.len() / d;
        let count = if n == 0 { 0 } else { batch_of(most, n) };
        for _ in 0..count {
            let index = rng.random_range(0..n);
            rows.extend_from_slice(&self.infeasible[index * d..][..d]);
        }
        count
    }
}

/// For each metric the sign that makes it a loss, or 0 if it is no objective; shape `[k]`.
pub(crate) fn signs(problem: &Problem) -> Vec<f32> {
    let mut signs = vec![0.0; problem.metrics().len()];
    for index in 0..problem.n_objectives() {
        let name = &problem.objective_metric(index).name;
        let metric = problem.metrics().iter().position(|metric| metric.name == *name);
        signs[metric.expect("an objective is a metric")] = problem.objective_value(index, 1.0) as f32;
    }
    signs
}
