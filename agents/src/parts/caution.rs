//! How much a search by a model heeds what the model says of acceptability.
//!
//! A search goes where its models err to their own advantage, so of its proposals fewer are acceptable than the models promise. What
//! became of earlier proposals tells by how much. Ours: the logarithm of the probability is multiplied by a factor that grows with each
//! proposal that was not acceptable and shrinks with each that was.

use std::collections::HashSet;

use tapeout_core::{Design, Trial};

/// By how much the factor grows with a design that is not acceptable, and shrinks with one that is. Ours: it stays where it is when two
/// of three are acceptable, since 1.6 is nearly the square of 1.25, and three failures in a row bring it most of the way.
const STEPS: (f64, f64) = (1.6, 1.25);
/// Ours: the factor is no smaller than one, the plain probability, and no larger than what makes a thirtieth of a half, so that
/// what is gained by a design still counts.
const BOUNDS: (f64, f64) = (1.0, 5.0);

/// The factor, and the proposals whose outcome is not known yet.
#[derive(Debug)]
pub struct Caution {
    factor: f64,
    open: HashSet<Design>,
}

impl Caution {
    /// The probability as it is.
    pub fn new() -> Self {
        Self { factor: BOUNDS.0, open: HashSet::new() }
    }

    /// By what the logarithm of the probability of an acceptable design is to be multiplied.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Takes note of proposals by a model.
    pub fn expect(&mut self, designs: &[Design]) {
        self.open.extend(designs.iter().cloned());
    }

    /// Learns what became of proposals; other trials, and those whose evaluation failed, say nothing of the model.
    pub fn observe(&mut self, trials: &[Trial]) {
        let expected = trials.iter().filter(|trial| self.open.remove(&trial.design));
        for trial in expected.filter(|trial| !trial.outcome.is_failed()) {
            let is_acceptable = trial.judgement.accepted().is_some();
            let factor = if is_acceptable { self.factor / STEPS.1 } else { self.factor * STEPS.0 };
            self.factor = factor.clamp(BOUNDS.0, BOUNDS.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// Two that cannot be built multiply by 1.6 twice, one that can divides by 1.25: 2.56 / 1.25 = 2.048. A foreign trial counts
    /// for nothing, and the factor keeps within its bounds.
    #[test]
    fn the_factor_by_hand() {
        let toy = Toy::bowl();
        let trial = |rank, outcome| toy.problem().trial(toy.space().unrank(rank), outcome);
        let broken = |rank| trial(rank, Outcome::infeasible("too_wide", 1.0));
        let mut caution = Caution::new();
        let designs: Vec<Design> = (0..3).map(|rank| toy.space().unrank(rank)).collect();
        caution.expect(&designs);
        caution.observe(&[broken(0), broken(1), trial(2, Outcome::Measured(vec![1.0])), broken(9)]);
        assert!((caution.factor() - 2.048).abs() < 1e-12);
        for rank in 0..20 {
            caution.expect(&[toy.space().unrank(rank)]);
            caution.observe(&[broken(rank)]);
        }
        assert_eq!(caution.factor(), 5.0);
    }
}
