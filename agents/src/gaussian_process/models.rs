//! The processes that follow a log: of each loss, of how far designs are from each limit, and of what cannot be measured.

use tapeout_core::pareto::front;
use tapeout_surrogates::models::gaussian_process::embedding::Embedding;

use super::agent::{Acquisition, GaussianProcessConfig};
use super::scorer::{Aim, Border, LossAxis, Scorer, Tchebycheff};
use crate::parts::acquisition::Strips;
use crate::parts::follower::{Capacity, Follower};
use crate::parts::history::History;
use crate::parts::scalarize::Scalarizer;
use crate::parts::targets::{Targets, quantile, targets};

// BoTorch 0.12, `infer_reference_point`: a tenth of the front's range beyond its worst.
const REFERENCE_MARGIN: f64 = 0.1;
/// Draws of the losses of a design. Ours: the mean and the deviation of their largest are known within a fifth of a deviation.
const N_DRAWS: u32 = 24;

/// One for each objective that is modelled on its own, for each constraint, and for what cannot be measured.
pub struct Models {
    objectives: Vec<Follower>,
    limits: Vec<Follower>,
    unmeasured: Follower,
    /// Whether the latest direction compared losses as they are.
    is_plain: bool,
}

impl Models {
    /// Of problems with so many objectives and constraints.
    pub fn new(n_objectives: usize, n_constraints: usize, capacity: Capacity) -> Self {
        Self {
            objectives: vec![Follower::new(capacity); n_objectives],
            limits: vec![Follower::new(capacity); n_constraints],
            unmeasured: Follower::new(capacity),
            is_plain: false,
        }
    }

    /// Brings the models up to the log, and says what they are asked.
    pub fn scorer(
        &mut self,
        history: &History,
        embedding: &Embedding,
        scalarizer: &mut Scalarizer,
        config: &GaussianProcessConfig,
        caution: f64,
    ) -> Scorer<'_> {
        let all = |losses: Vec<f64>| targets(&losses, &history.accepted(&losses).collect::<Vec<f64>>());
        let targets: Vec<Targets> = if history.n_accepted == 0 {
            Vec::new()
        } else {
            let each = 0..self.objectives.len();
            each.map(|index| all(history.measured_losses(|losses| losses[index]))).collect()
        };
        let aim = match (&targets[..], config.acquisition) {
            ([], _) => Aim::Acceptance,
            ([_], Acquisition::UpperConfidenceBound) => Aim::Bound { exploration: config.ucb_coefficient },
            ([targets], _) => {
                Aim::Improvement { best: history.accepted(&targets.values).fold(f64::INFINITY, f64::min) }
            }
            ([first, second], _) => hypervolume_aim(history, [&first.values, &second.values]),
            _ => {
                scalarizer.redraw();
                self.is_plain = !self.is_plain;
                direction_aim(history, &targets, scalarizer.weights(), self.is_plain)
            }
        };
        let objectives = self.objectives.iter_mut().zip(&targets);
        let losses = objectives
            .map(|(follower, targets)| follower.follow(embedding, &history.measured_points, &targets.values))
            .collect();
        let mut edges = history.broken_limits().into_iter().peekable();
        let mut borders = Vec::new();
        for (index, follower) in self.limits.iter_mut().enumerate() {
            if let Some((_, edge)) = edges.next_if(|(broken, _)| *broken == index) {
                let process = follower.follow(embedding, &history.measured_points, &edge.targets);
                borders.push(Border { process, limit: edge.limit });
            }
        }
        if let Some(edge) = history.unmeasured() {
            let process = self.unmeasured.follow(embedding, &history.points, &edge.targets);
            borders.push(Border { process, limit: edge.limit });
        }
        Scorer { losses, borders, aim, caution }
    }
}

/// The front of the acceptable trials, and a reference point behind it.
fn hypervolume_aim(history: &History, targets: [&[f64]; 2]) -> Aim {
    let points: Vec<[f64; 2]> =
        history.accepted(targets[0]).zip(history.accepted(targets[1])).map(<[f64; 2]>::from).collect();
    let front: Vec<[f64; 2]> = front(&points).into_iter().map(|index| points[index]).collect();
    let reference = [0, 1].map(|index| {
        let losses = front.iter().map(|point| point[index]);
        let (low, high) = losses.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| {
            (f64::min(low, loss), f64::max(high, loss))
        });
        // A front of one point has no range; the targets' own spread is 1.
        high + REFERENCE_MARGIN * if high > low { high - low } else { 1.0 }
    });
    Aim::Hypervolume { strips: Strips::new(&front, reference), front, reference }
}

/// Towards the part of the front that `weights`, shape `[m]`, point to. Losses are compared as they are if it `is_plain`, which
/// serves the volume that a front dominates, and else as targets, by which the small ones of a front over decades are told apart.
fn direction_aim(history: &History, targets: &[Targets], weights: &[f64], is_plain: bool) -> Aim {
    let values = |index: usize| {
        if is_plain {
            history.measured_losses(move |losses| losses[index])
        } else {
            targets[index].values.clone()
        }
    };
    let columns: Vec<Vec<f64>> =
        (0..targets.len()).map(|index| history.accepted(&values(index)).collect()).collect();
    let points: Vec<Vec<f64>> =
        (0..history.n_accepted).map(|place| columns.iter().map(|column| column[place]).collect()).collect();
    let front: Vec<&Vec<f64>> = front(&points).into_iter().map(|index| &points[index]).collect();
    let axis = |(index, weight): (usize, &f64)| {
        let losses = front.iter().map(|point| point[index]);
        let (low, high) = losses.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| {
            (f64::min(low, loss), f64::max(high, loss))
        });
        let factor = if high > low { weight / (high - low) } else { *weight };
        LossAxis { scale: is_plain.then(|| targets[index].scale()), factor, least: low }
    };
    let scalar = Tchebycheff { axes: weights.iter().enumerate().map(axis).collect() };
    let best = front.iter().map(|point| scalar.of(point.iter().copied())).fold(f64::INFINITY, f64::min);
    Aim::Direction { scalar, best, draws: draws(targets.len()) }
}

/// Standard normal deviates of `m` losses that fill their space evenly; shape `[draws][m]`.
///
/// Source: Halton (1960), doi:10.1007/BF01386213, in the first prime bases.
fn draws(m: usize) -> Vec<Vec<f64>> {
    let primes = (2_u32..).filter(|n| (2..*n).take_while(|k| k * k <= *n).all(|k| n % k != 0));
    let bases: Vec<u32> = primes.take(m).collect();
    (1..=N_DRAWS)
        .map(|index| bases.iter().map(|&base| quantile(radical_inverse(index, base))).collect())
        .collect()
}

/// The digits of `index` to `base`, mirrored at the point.
fn radical_inverse(mut index: u32, base: u32) -> f64 {
    let (mut value, mut digit) = (0.0, 1.0 / f64::from(base));
    while index > 0 {
        value += digit * f64::from(index % base);
        index /= base;
        digit /= f64::from(base);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::search_state::SearchState;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Goal, Metric, Objective, Outcome, Problem, Seed};

    /// Law: the two comparisons follow each other, also where batches bring an even number of trials; here none at all.
    #[test]
    fn losses_are_compared_as_they_are_and_by_ratio_in_turn() {
        let names = ["cost", "time", "size"];
        let metrics = names.map(|name| Metric::new(name, "", "a level and one")).into();
        let goal = Goal { objectives: names.map(Objective::minimize).into(), constraints: Vec::new() };
        let problem = Problem::new(Toy::bowl().space().clone(), metrics, goal).unwrap();
        let mut state = SearchState::new(&problem, None, Seed::new(0), "test").unwrap();
        let designs = state.initial_design(6);
        let losses = |design: &tapeout_core::Design| {
            design.levels()[..3].iter().map(|&level| f64::from(level + 1)).collect()
        };
        let trials: Vec<_> = designs
            .into_iter()
            .map(|design| {
                let outcome = Outcome::Measured(losses(&design));
                problem.trial(design, outcome)
            })
            .collect();
        state.observe(&trials);
        let SearchState { history, embedding, scalarizer, .. } = &mut state;
        let mut models = Models::new(3, 0, Capacity { model: 10, fit: 10 });
        for is_plain in [true, false, true] {
            let scorer = models.scorer(history, embedding, scalarizer, &Default::default(), 1.0);
            let Aim::Direction { scalar, .. } = &scorer.aim else {
                panic!("three objectives have a direction")
            };
            assert!(scalar.axes.iter().all(|axis| axis.scale.is_some() == is_plain));
        }
    }

    /// 1, 2 and 3 are 1, 10 and 11 to base 2, so they are drawn at 1/2, 1/4 and 3/4: the median and the quartiles of the normal
    /// distribution, 0.674490 from it (any table). To base 3, the second loss's, 1 and 2 are drawn at 1/3 and 2/3, 0.430727 from it.
    #[test]
    fn the_first_draws_by_hand() {
        let drawn = draws(2);
        let first = [0.0, -0.674_490, 0.674_490].map(|expected| (0, expected));
        let second = [-0.430_727, 0.430_727].map(|expected| (1, expected));
        for (index, (loss, expected)) in first.into_iter().enumerate().chain(second.into_iter().enumerate()) {
            let got = drawn[index][loss];
            assert!((got - expected).abs() < 1e-6, "draw {index} of loss {loss}: {got}");
        }
        assert_eq!(drawn.len(), N_DRAWS as usize);
    }
}
