//! What makes a design worth trying: what is gained if it is acceptable, and how likely it is.

use tapeout_core::Design;
use tapeout_surrogates::models::gaussian_process::{GaussianProcess, Posterior, PosteriorBounds};

use crate::parts::acquisition::{Normal, Strips};
use crate::parts::candidates::EXPANDED;
use crate::parts::scalarize::tchebycheff;
use crate::parts::targets::Scale;

/// Operations for each observation beside the n² / 2 of a variance: a distance and an exponential.
const OPERATIONS_PER_COVARIANCE: usize = 30;
/// Designs valued together, between two looks at what the best of them are worth. Ours: enough that one solution for all of them costs
/// less than one for each, and few beside the 400 and more of a proposal.
const CHUNK: usize = 32;

/// The models in use for a proposal, and what they are asked.
pub struct Scorer<'a> {
    /// One for each loss; none as long as nothing is acceptable.
    pub losses: Vec<&'a GaussianProcess>,
    /// One for each limit that was broken, and one of what cannot be measured.
    pub borders: Vec<Border<'a>>,
    pub aim: Aim,
    /// By what the logarithm of the probability of an acceptable design is multiplied.
    pub caution: f64,
}

/// A model of how far a design is beyond something; it is acceptable where it is below `limit`.
pub struct Border<'a> {
    pub process: &'a GaussianProcess,
    pub limit: f64,
}

/// What is gained by an acceptable design.
pub enum Aim {
    /// Nothing is acceptable yet: to be acceptable is all.
    Acceptance,
    Improvement {
        best: f64,
    },
    Bound {
        exploration: f64,
    },
    Hypervolume {
        front: Vec<[f64; 2]>,
        reference: [f64; 2],
        strips: Strips,
    },
    /// Of three losses and more, towards one part of the front.
    Direction {
        scalar: Tchebycheff,
        best: f64,
        draws: Vec<Vec<f64>>,
    },
}

/// The axes along which the augmented Tchebycheff function looks at losses.
pub struct Tchebycheff {
    /// Shape `[m]`.
    pub axes: Vec<LossAxis>,
}

/// How one loss counts.
pub struct LossAxis {
    /// How its targets are read as losses; none if they are taken as they are.
    pub scale: Option<Scale>,
    /// Its weight over the front's range.
    pub factor: f64,
    /// The front's least.
    pub least: f64,
}

impl Tchebycheff {
    /// Of losses, shape `[m]`.
    pub fn of(&self, losses: impl Iterator<Item = f64>) -> f64 {
        tchebycheff(losses.zip(&self.axes).map(|(loss, axis)| axis.factor * (loss - axis.least)))
    }

    /// Of the losses for which targets stand, shape `[m]`.
    fn of_targets(&self, targets: impl Iterator<Item = f64>) -> f64 {
        let read = |(target, axis): (f64, &LossAxis)| axis.scale.map_or(target, |scale| scale.loss(target));
        self.of(targets.zip(&self.axes).map(read))
    }
}

impl Aim {
    /// The logarithm of what is gained by an acceptable design, or for the bound another increasing measure of it.
    fn value(&self, losses: &[Normal]) -> f64 {
        match self {
            Self::Acceptance => 0.0,
            Self::Improvement { best } => losses[0].log_improvement(*best),
            Self::Bound { exploration } => exploration * losses[0].std - losses[0].mean,
            Self::Hypervolume { strips, .. } => {
                strips.improvement([losses[0], losses[1]]).max(f64::MIN_POSITIVE).ln()
            }
            Self::Direction { scalar, best, draws } => {
                // The largest of several normal losses is nearly normal itself, so that far from the best there is a way up too.
                let n = draws.len() as f64;
                let drawn = draws.iter().map(|draw| {
                    scalar.of_targets(losses.iter().zip(draw).map(|(loss, draw)| loss.mean + loss.std * draw))
                });
                let (sum, squares) =
                    drawn.fold((0.0, 0.0), |(sum, squares), it| (sum + it, squares + it * it));
                let mean = sum / n;
                let variance = (squares / n - mean * mean).max(f64::EPSILON);
                Normal { mean, std: variance.sqrt() }.log_improvement(*best)
            }
        }
    }

    /// Whether more spread of any loss never makes a design worth less: so it is with what grows the faster the less a loss is. Of several
    /// losses reduced to one by a largest, only the moments are known.
    fn grows_with_spread(&self) -> bool {
        match self {
            Self::Acceptance | Self::Improvement { .. } | Self::Bound { .. } | Self::Hypervolume { .. } => {
                true
            }
            Self::Direction { .. } => false,
        }
    }

    /// Takes a proposal for an observation of its mean.
    fn believe(&mut self, means: &[f64]) {
        match self {
            Self::Acceptance | Self::Bound { .. } => {}
            Self::Improvement { best } => *best = best.min(means[0]),
            Self::Direction { scalar, best, .. } => {
                *best = best.min(scalar.of_targets(means.iter().copied()));
            }
            Self::Hypervolume { front, reference, strips } => {
                front.push([means[0], means[1]]);
                *strips = Strips::new(front, *reference);
            }
        }
    }
}

/// The values of the best designs so far, as many as a search goes on from.
pub struct Leaders {
    capacity: usize,
    /// Increasing.
    values: Vec<f64>,
}

impl Leaders {
    /// None yet, of at least `count`.
    pub fn new(count: usize) -> Self {
        Self { capacity: count.max(EXPANDED), values: Vec::new() }
    }

    /// What a design must be worth to be among them.
    fn least(&self) -> f64 {
        if self.values.len() < self.capacity { f64::NEG_INFINITY } else { self.values[0] }
    }

    fn insert(&mut self, value: f64) {
        if value > self.least() {
            if self.values.len() == self.capacity {
                self.values.remove(0);
            }
            self.values.insert(self.values.partition_point(|&other| other < value), value);
        }
    }
}

impl Scorer<'_> {
    /// The value of each point; of one that is not among the `leaders`, no less than its value and less than theirs.
    pub fn values(&self, points: &[Vec<f64>], leaders: &mut Leaders) -> Vec<f64> {
        let mut all = Vec::with_capacity(points.len());
        for chunk in points.chunks(CHUNK) {
            let mut values = self.gains_of_leaders(chunk, leaders.least());
            // Probabilities only take from a value, so what is too little stays so.
            for border in &self.borders {
                let open: Vec<usize> =
                    (0..values.len()).filter(|&index| values[index] > leaders.least()).collect();
                let asked: Vec<Vec<f64>> = open.iter().map(|&index| chunk[index].clone()).collect();
                let logs = border.log_probabilities(&asked);
                open.iter().zip(logs).for_each(|(&index, log)| values[index] += self.caution * log);
            }
            values.iter().for_each(|&value| leaders.insert(value));
            all.extend(values);
        }
        all
    }

    /// What is gained at each of the points if it is acceptable; of one that cannot be a leader, worth more than `least`, no less than that.
    fn gains_of_leaders(&self, points: &[Vec<f64>], least: f64) -> Vec<f64> {
        let bounds: Vec<PosteriorBounds> = self.losses.iter().map(|process| process.bounds(points)).collect();
        let normal = |bounds: &PosteriorBounds, index: usize, variance: f64| Normal {
            mean: bounds.mean[index],
            std: variance.sqrt(),
        };
        let mut gains = vec![f64::INFINITY; points.len()];
        // A variance costs many times what a bound on it does, and most points are out of the question with the largest that they may have.
        if self.aim.grows_with_spread() {
            for (index, gain) in gains.iter_mut().enumerate() {
                let losses = bounds.iter().map(|bounds| normal(bounds, index, bounds.most_variance[index]));
                *gain = self.aim.value(&losses.collect::<Vec<_>>());
            }
        }
        let open: Vec<usize> = (0..points.len()).filter(|&index| gains[index] > least).collect();
        let pairs = self.losses.iter().zip(&bounds);
        let variances: Vec<Vec<f64>> =
            pairs.map(|(process, bounds)| process.variances(bounds, &open)).collect();
        for (place, &index) in open.iter().enumerate() {
            let losses = bounds.iter().zip(&variances);
            let losses: Vec<Normal> =
                losses.map(|(bounds, variances)| normal(bounds, index, variances[place])).collect();
            gains[index] = self.aim.value(&losses);
        }
        gains
    }

    fn expect(&self, points: &[Vec<f64>]) -> Vec<Posterior> {
        self.losses.iter().map(|process| process.posterior(points)).collect()
    }

    /// What is gained at each of `n` points if it is acceptable.
    fn gains(&self, losses: &[Posterior], n: usize) -> Vec<f64> {
        let normal = |posterior: &Posterior, index: usize| Normal {
            mean: posterior.mean[index],
            std: posterior.variance[index].sqrt(),
        };
        let gain = |index| {
            let losses: Vec<Normal> = losses.iter().map(|posterior| normal(posterior, index)).collect();
            self.aim.value(&losses)
        };
        (0..n).map(gain).collect()
    }

    /// How many operations one candidate costs at most.
    pub fn cost(&self) -> usize {
        let processes = self.losses.iter().copied().chain(self.borders.iter().map(|border| border.process));
        let costs = processes.map(|p| p.n_points() * (p.n_points() / 2 + OPERATIONS_PER_COVARIANCE));
        costs.sum::<usize>().max(1)
    }

    /// `count` of the designs, the best first, and each as if those before had turned out as expected.
    pub fn pick(&mut self, designs: &[Design], points: &[Vec<f64>], count: usize) -> Vec<Design> {
        let mut losses = self.expect(points);
        let mut acceptance = vec![0.0; points.len()];
        for border in &self.borders {
            let logs = border.log_probabilities(points);
            acceptance.iter_mut().zip(logs).for_each(|(sum, log)| *sum += self.caution * log);
        }
        let mut is_picked = vec![false; designs.len()];
        let mut picked = Vec::with_capacity(count);
        while picked.len() < count.min(designs.len()) {
            let gains = self.gains(&losses, points.len());
            let values: Vec<f64> = gains.iter().zip(&acceptance).map(|(gain, log)| gain + log).collect();
            let open = (0..designs.len()).filter(|&index| !is_picked[index]);
            let best = open.max_by(|&a, &b| values[a].total_cmp(&values[b]).then(b.cmp(&a)));
            let best = best.expect("fewer are picked than there are");
            is_picked[best] = true;
            picked.push(designs[best].clone());
            for (process, posterior) in self.losses.iter().zip(&mut losses) {
                process.believe(posterior, points, best);
            }
            let means: Vec<f64> = losses.iter().map(|posterior| posterior.mean[best]).collect();
            self.aim.believe(&means);
        }
        picked
    }
}

impl Border<'_> {
    /// The logarithm of the probability that each point is below the limit.
    fn log_probabilities(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let posterior = self.process.posterior(points);
        let noise = self.process.kernel().noise;
        let normals = posterior.mean.iter().zip(&posterior.variance);
        normals
            .map(|(&mean, variance)| Normal { mean, std: (variance + noise).sqrt() }.log_below(self.limit))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::targets::targets;

    /// One axis weighted 0.5 from 1 on, one 0.25 from -2 on: (3, 2) is 1 and 1 along them, (2, 4) 0.5 and 1.5. The larger and a
    /// twentieth of the sum: 1 + 0.1 and 1.5 + 0.1.
    #[test]
    fn the_tchebycheff_function_of_two_axes_by_hand() {
        let axis = |factor, least| LossAxis { scale: None, factor, least };
        let scalar = Tchebycheff { axes: vec![axis(0.5, 1.0), axis(0.25, -2.0)] };
        assert!((scalar.of([3.0, 2.0].into_iter()) - 1.1).abs() < 1e-12);
        assert!((scalar.of_targets([2.0, 4.0].into_iter()) - 1.6).abs() < 1e-12);
    }

    /// A target is read as the loss it stands for: the better of 1 and 3 is 1 again, half of it from 0 on and a twentieth of that.
    #[test]
    fn targets_are_read_as_losses() {
        let learned = targets(&[1.0, 3.0], &[]);
        let axis = LossAxis { scale: Some(learned.scale()), factor: 0.5, least: 0.0 };
        let scalar = Tchebycheff { axes: vec![axis] };
        assert!((scalar.of_targets(std::iter::once(learned.values[0])) - 0.525).abs() < 1e-12);
    }
}
