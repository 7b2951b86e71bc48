//! All that was observed, as models want it: what was measured apart from what was not, and how far from each limit.

use tapeout_core::{Outcome, Problem, Trial};
use tapeout_surrogates::models::gaussian_process::embedding::Embedding;

use crate::parts::limits::{Edge, Limits, labels};

/// All trials observed that have a result, as models want them.
pub struct History {
    limits: Limits,
    /// In the order observed, shape `[n]`.
    pub trials: Vec<Trial>,
    /// Their designs' coordinates, shape `[n][d]`.
    pub points: Vec<Vec<f64>>,
    /// The trials that were measured, acceptable or not; shape `[measured]`.
    measured: Vec<usize>,
    /// Their coordinates.
    pub measured_points: Vec<Vec<f64>>,
    /// What each constraint limits, of measured trials; shape `[constraints][measured]`.
    limited: Vec<Vec<f64>>,
    /// How many trials are acceptable.
    pub n_accepted: usize,
}

impl History {
    /// Nothing observed yet.
    pub fn new(problem: &Problem) -> Self {
        let limits = Limits::new(problem);
        Self {
            limited: vec![Vec::new(); limits.len()],
            limits,
            trials: Vec::new(),
            points: Vec::new(),
            measured: Vec::new(),
            measured_points: Vec::new(),
            n_accepted: 0,
        }
    }

    /// Takes in a trial; one whose evaluation failed teaches nothing, and is left out.
    pub fn push(&mut self, trial: &Trial, embedding: &Embedding) {
        if trial.outcome.is_failed() {
            return;
        }
        let point = embedding.embed(&trial.design);
        if let (Some(_), Some(metrics)) = (trial.judgement.losses(), trial.outcome.metrics()) {
            self.measured.push(self.trials.len());
            self.measured_points.push(point.clone());
            for (values, value) in self.limited.iter_mut().zip(self.limits.values(metrics)) {
                values.push(value);
            }
        }
        self.n_accepted += usize::from(trial.judgement.accepted().is_some());
        self.points.push(point);
        self.trials.push(trial.clone());
    }

    /// One number for each measured trial.
    pub fn measured_losses(&self, loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let measured = self.measured.iter().filter_map(|&index| self.trials[index].judgement.losses());
        measured.map(loss).collect()
    }

    /// Of `values`, one for each measured trial, those of acceptable ones.
    pub fn accepted<'a, T: Copy>(&'a self, values: &'a [T]) -> impl Iterator<Item = T> + 'a {
        let is_accepted = |&index: &usize| self.trials[index].judgement.accepted().is_some();
        self.measured.iter().zip(values).filter(move |(index, _)| is_accepted(index)).map(|(_, &value)| value)
    }

    /// For each constraint that some measured trial breaks, its index and how far all of them are beyond it.
    pub fn broken_limits(&self) -> Vec<(usize, Edge)> {
        let edges = self.limited.iter().enumerate();
        edges.filter_map(|(index, values)| Some((index, self.limits.edge(index, values)?))).collect()
    }

    /// Which trials could not be measured; none if all could be.
    pub fn unmeasured(&self) -> Option<Edge> {
        (self.measured.len() < self.trials.len())
            .then(|| labels(&self.trials.iter().map(broken).collect::<Vec<_>>()))
    }
}

/// The rule by which a design could not be measured, and by how much it breaks it; none if it could.
fn broken(trial: &Trial) -> Option<(&str, f64)> {
    match &trial.outcome {
        Outcome::Infeasible { rule, violation } => Some((rule, *violation)),
        // A quantity of the goal has no value.
        Outcome::Measured(_) if trial.judgement.losses().is_none() => Some(("", 1.0)),
        Outcome::Measured(_) | Outcome::Failed { .. } => None,
    }
}
