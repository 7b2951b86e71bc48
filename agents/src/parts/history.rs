//! All that was observed, as models want it: what was measured apart from what was not, and an order of the rest.

use tapeout_core::Trial;
use tapeout_surrogates::models::gaussian_process::embedding::Embedding;

/// All trials observed, as models want them.
#[derive(Debug, Default)]
pub struct History {
    /// In the order observed, shape `[n]`.
    pub trials: Vec<Trial>,
    /// Their designs' coordinates, shape `[n][d]`.
    pub points: Vec<Vec<f64>>,
    /// The trials that were measured, acceptable or not; shape `[measured]`.
    measured: Vec<usize>,
    /// Their coordinates.
    pub measured_points: Vec<Vec<f64>>,
    /// How many trials are acceptable.
    pub n_accepted: usize,
}

impl History {
    /// Takes in a trial.
    pub fn push(&mut self, trial: &Trial, embedding: &Embedding) {
        let point = embedding.embed(&trial.design);
        if trial.judgement.losses().is_some() {
            self.measured.push(self.trials.len());
            self.measured_points.push(point.clone());
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

    /// How far each trial is from acceptable, as its place among the different shortfalls.
    pub fn shortfall_places(&self) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.trials.len()).collect();
        order.sort_by(|&a, &b| self.trials[a].judgement.compare_shortfall(&self.trials[b].judgement));
        let is_alike = |&a: &usize, &b: &usize| {
            self.trials[a].judgement.compare_shortfall(&self.trials[b].judgement).is_eq()
        };
        let mut places = vec![0.0; order.len()];
        for (place, alike) in order.chunk_by(is_alike).enumerate() {
            alike.iter().for_each(|&index| places[index] = place as f64);
        }
        places
    }
}
