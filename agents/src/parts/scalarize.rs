//! Several objectives as one, for agents that can follow but one, and a total order of judgements.
//!
//! Source: Knowles (2006), "ParEGO", doi:10.1109/TEVC.2005.851274, section III: the augmented Tchebycheff function
//! (eq. 2) with weights drawn anew as the search goes on, so that the whole front is approached in turn.
//! Departs from it: weights are uniform on the simplex, not on a lattice in it, so that no density must be chosen for
//! each number of objectives; losses are normalised by the range seen so far, the true one being unknown.
//! With one objective it is the identity: nothing is drawn, and the loss stays in its own unit.

use std::cmp::Ordering;

use rand::RngExt;
use tapeout_core::{Judgement, Problem, Seed, Stream, Trial};

// Knowles (2006), section III: "rho is a small positive value which we set to 0.05".
const RHO: f64 = 0.05;

/// Reduces losses to one number under weights that can be redrawn, and orders judgements by it.
#[derive(Debug, Clone)]
pub struct Scalarizer {
    rng: Stream,
    /// Shape `[m]`, summing to 1.
    weights: Vec<f64>,
    /// The least and the largest acceptable loss so far, shape `[m]`.
    ranges: Vec<(f64, f64)>,
}

/// What a judgement is worth under the weights of the moment; less is better.
///
/// Any acceptable design comes before any unacceptable one, that before any infeasible one, and that before one of which nothing is
/// known, as in [`Judgement::shortfall`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merit {
    /// 0 for acceptable, 1 for unacceptable, 2 for infeasible, 3 for failed.
    pub class: u8,
    /// The scalar loss of an acceptable design, the violation of any other.
    pub amount: f64,
}

impl Eq for Merit {}

impl PartialOrd for Merit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Merit {
    fn cmp(&self, other: &Self) -> Ordering {
        self.class.cmp(&other.class).then(self.amount.total_cmp(&other.amount))
    }
}

/// The augmented Tchebycheff function of losses, each normalised and multiplied by its weight; shape `[m]`.
///
/// Source: Knowles (2006), eq. 2.
pub fn tchebycheff(weighted: impl Iterator<Item = f64>) -> f64 {
    let (largest, sum) =
        weighted.fold((f64::NEG_INFINITY, 0.0), |(largest, sum), it| (f64::max(largest, it), sum + it));
    largest + RHO * sum
}

impl Scalarizer {
    /// Weights drawn from a stream of `seed`.
    pub fn new(problem: &Problem, seed: Seed) -> Self {
        let m = problem.n_objectives();
        let rng = seed.stream("scalarize");
        let mut scalarizer =
            Self { rng, weights: vec![1.0; m], ranges: vec![(f64::INFINITY, f64::NEG_INFINITY); m] };
        scalarizer.redraw();
        scalarizer
    }

    /// Widens the ranges to the acceptable ones of `trials`.
    pub fn observe(&mut self, trials: &[Trial]) {
        for losses in trials.iter().filter_map(|trial| trial.judgement.accepted()) {
            for (range, &loss) in self.ranges.iter_mut().zip(losses) {
                *range = (range.0.min(loss), range.1.max(loss));
            }
        }
    }

    /// New weights, uniform on the simplex: exponential variates divided by their sum.
    pub fn redraw(&mut self) {
        if self.weights.len() == 1 {
            return;
        }
        for weight in &mut self.weights {
            *weight = -(1.0 - self.rng.random::<f64>()).ln();
        }
        let sum: f64 = self.weights.iter().sum();
        for weight in &mut self.weights {
            *weight /= sum;
        }
    }

    /// The weights of the moment, shape `[m]`.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The losses of one measured design, shape `[m]`, as one number; the loss itself if there is but one.
    pub fn loss(&self, losses: &[f64]) -> f64 {
        if let [loss] = losses {
            return *loss;
        }
        let axes = self.weights.iter().zip(&self.ranges).zip(losses);
        tchebycheff(axes.map(|((&weight, &(low, high)), &loss)| {
            let normalised = if high > low { (loss - low) / (high - low) } else { 0.0 };
            weight * normalised
        }))
    }

    /// What a judgement is worth under the weights of the moment.
    pub fn merit(&self, judgement: &Judgement) -> Merit {
        let (class, violation) = judgement.shortfall();
        let amount = judgement.accepted().map_or(violation, |losses| self.loss(losses));
        Merit { class, amount }
    }

    /// The indices of the best `count` trials, best first, each chosen under new weights: with one objective the
    /// best, with several a spread along the front. O(count n).
    pub fn select(&mut self, trials: &[Trial], count: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..trials.len()).collect();
        let mut chosen = Vec::with_capacity(count.min(trials.len()));
        while chosen.len() < count {
            self.redraw();
            let merit = |&place: &usize| self.merit(&trials[left[place]].judgement);
            let Some(best) = (0..left.len()).min_by_key(merit) else { break };
            chosen.push(left.remove(best));
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn trial(toy: &Toy, metrics: &[f64]) -> Trial {
        toy.problem().trial(toy.space().unrank(0), Outcome::Measured(metrics.to_vec()))
    }

    /// Ranges 0..10 and 0..1; weights 0.25 and 0.75. (4, 0.8) is normalised to 0.4 and 0.8 and weighted to 0.1 and 0.6:
    /// 0.6 + 0.05 * 0.7 = 0.635.
    #[test]
    fn the_augmented_tchebycheff_function_by_hand() {
        let toy = Toy::tradeoff();
        let mut scalarizer = Scalarizer::new(&toy.problem(), Seed::new(0));
        scalarizer.observe(&[trial(&toy, &[0.0, 1.0]), trial(&toy, &[10.0, 0.0])]);
        scalarizer.weights = vec![0.25, 0.75];
        assert!((scalarizer.loss(&[4.0, 0.8]) - 0.635).abs() < 1e-12);
    }

    #[test]
    fn one_objective_is_left_as_it_is() {
        let toy = Toy::bowl();
        let mut scalarizer = Scalarizer::new(&toy.problem(), Seed::new(0));
        scalarizer.observe(&[trial(&toy, &[3.0]), trial(&toy, &[5.0])]);
        scalarizer.redraw();
        assert_eq!(scalarizer.loss(&[4.5]), 4.5);
    }

    #[test]
    fn acceptable_designs_come_before_all_others() {
        let toy = Toy::bowl();
        let scalarizer = Scalarizer::new(&toy.problem(), Seed::new(0));
        let acceptable = scalarizer.merit(&Judgement::Acceptable { losses: vec![1e9] });
        let unacceptable = Judgement::Unacceptable { losses: vec![0.0], violation: 0.1 };
        let infeasible = scalarizer.merit(&Judgement::Infeasible { violation: 0.01 });
        let unacceptable = scalarizer.merit(&unacceptable);
        assert!(acceptable < unacceptable && unacceptable < infeasible);
    }

    /// On a straight front every weight has its own best point, so a selection of a fifth is spread along it.
    #[test]
    fn a_selection_is_spread_along_the_front() {
        let toy = Toy::tradeoff();
        let front: Vec<Trial> = (0..50).map(|i| trial(&toy, &[f64::from(i), f64::from(49 - i)])).collect();
        let mut scalarizer = Scalarizer::new(&toy.problem(), Seed::new(0));
        scalarizer.observe(&front);
        let chosen = scalarizer.select(&front, 10);
        assert_eq!(chosen.len(), 10);
        assert!(chosen.iter().any(|&i| i < 17) && chosen.iter().any(|&i| i > 32), "{chosen:?}");
    }
}
