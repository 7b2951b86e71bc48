//! A Gaussian process that follows a growing log within a bounded cost.
//!
//! Between fits a new trial adds a row to the model. Hyperparameters are fitted anew when the log has grown by a share of itself,
//! from where they were. Beyond a capacity the model keeps the best half and the latest.

use tapeout_surrogates::models::gaussian_process::GaussianProcess;
use tapeout_surrogates::models::gaussian_process::embedding::{Embedding, Points};
use tapeout_surrogates::models::gaussian_process::fit::{Effort, fit};

/// The log grows by one in so many before the next fit: 5 %, within which hyperparameters hardly move.
const GROWTH_PER_FIT: usize = 20;
/// The first fit starts from the mode of the priors, later ones nearby.
const FIRST_STEPS: usize = 30;
const NEXT_STEPS: usize = 8;
/// What is left of a full model, as a share of its capacity: four fifths, so that it need not be cut at each trial.
const KEPT: (usize, usize) = (4, 5);

/// How much of a log a model takes in.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Observations the model is conditioned on.
    pub model: usize,
    /// Observations its hyperparameters are fitted to.
    pub fit: usize,
}

/// A model of one number for each observation of a log.
#[derive(Debug, Clone)]
pub struct Follower {
    capacity: Capacity,
    /// The observations the process knows, by their place in the log.
    members: Vec<usize>,
    process: Option<GaussianProcess>,
    n_followed: usize,
    n_at_fit: usize,
}

impl Follower {
    /// Nothing followed yet.
    pub fn new(capacity: Capacity) -> Self {
        Self { capacity, members: Vec::new(), process: None, n_followed: 0, n_at_fit: 0 }
    }

    /// Takes in what is new in a log that only grows: `points`, shape `[n][d]`, and `targets`, shape `[n]`, of which any may
    /// have changed. Less is better.
    ///
    /// # Panics
    /// If the log is empty or shorter than before.
    pub fn follow(
        &mut self,
        embedding: &Embedding,
        points: &[Vec<f64>],
        targets: &[f64],
    ) -> &GaussianProcess {
        let n = points.len();
        assert!(n > 0 && n >= self.n_followed, "a log only grows");
        let is_due = n > self.n_at_fit && (n - self.n_at_fit) * GROWTH_PER_FIT >= self.n_at_fit;
        let is_full = self.members.len() + n - self.n_followed > self.capacity.model;
        let process = match self.process.take() {
            Some(mut process) if !is_due && !is_full => {
                for (place, point) in points.iter().enumerate().skip(self.n_followed) {
                    process.push(point);
                    self.members.push(place);
                }
                let targets: Vec<f64> = self.members.iter().map(|&place| targets[place]).collect();
                process.retarget(&targets);
                process
            }
            earlier => {
                self.members.extend(self.n_followed..n);
                if self.members.len() > self.capacity.model {
                    let kept = self.capacity.model * KEPT.0 / KEPT.1;
                    self.members = best_and_latest(&self.members, targets, kept);
                }
                let mut kernel = earlier.map(|process| process.kernel().clone());
                if is_due || kernel.is_none() {
                    self.n_at_fit = n;
                    let learned = best_and_latest(&self.members, targets, self.capacity.fit);
                    let (points, targets) = selected(embedding, points, targets, &learned);
                    let steps = if kernel.is_none() { FIRST_STEPS } else { NEXT_STEPS };
                    kernel = Some(fit(&points, &targets, kernel.as_ref(), Effort { steps }));
                }
                let (points, targets) = selected(embedding, points, targets, &self.members);
                GaussianProcess::new(kernel.expect("just fitted"), &points, &targets)
            }
        };
        self.n_followed = n;
        self.process.insert(process)
    }
}

/// Half of `count` by target, half the latest of the others; all, if there are no more. In order.
fn best_and_latest(members: &[usize], targets: &[f64], count: usize) -> Vec<usize> {
    if members.len() <= count {
        return members.to_vec();
    }
    let mut by_target = members.to_vec();
    by_target.sort_by(|&a, &b| targets[a].total_cmp(&targets[b]).then(b.cmp(&a)));
    let mut others = by_target.split_off(count / 2);
    others.sort_unstable();
    by_target.extend_from_slice(&others[others.len() - (count - count / 2)..]);
    by_target.sort_unstable();
    by_target
}

fn selected(
    embedding: &Embedding,
    points: &[Vec<f64>],
    targets: &[f64],
    members: &[usize],
) -> (Points, Vec<f64>) {
    let mut chosen = Points::new(embedding.clone());
    members.iter().for_each(|&place| chosen.push(&points[place]));
    (chosen, members.iter().map(|&place| targets[place]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    /// Targets 5, 1, 4, 0, 3, 2: of four, the best two are 3 and 1, the latest two others 4 and 5.
    #[test]
    fn the_best_half_and_the_latest_are_kept() {
        let targets = [5.0, 1.0, 4.0, 0.0, 3.0, 2.0];
        assert_eq!(best_and_latest(&[0, 1, 2, 3, 4, 5], &targets, 4), [1, 3, 4, 5]);
        assert_eq!(best_and_latest(&[0, 2], &targets, 4), [0, 2]);
    }

    /// The model never outgrows its capacity, and takes in each trial when it comes.
    #[test]
    fn a_long_log_is_followed_within_the_capacity() {
        let toy = Toy::bowl();
        let embedding = Embedding::new(toy.space());
        let mut follower = Follower::new(Capacity { model: 20, fit: 10 });
        let mut rng = Seed::new(0).stream("test");
        let (mut points, mut targets) = (Vec::new(), Vec::new());
        for n in 0..60 {
            points.push(embedding.embed(&toy.space().sample(&mut rng)));
            targets.push(f64::from(n % 7) - 3.0);
            let process = follower.follow(&embedding, &points, &targets);
            assert!(process.n_points() <= 20 && process.n_points() >= (n as usize + 1).min(16));
            assert_eq!(follower.members.last(), Some(&(n as usize)));
        }
    }
}
