//! What a design is worth to a learner, and what a design from a log is.

use tapeout_core::{Judgement, Problem, Seed, Trial};

use crate::parts::scalarize::{Merit, Scalarizer};

/// Turns judgements into rewards: the rank among all trials so far, standardised.
///
/// A design better than a share q of all trials (half of those as good as it, itself among them, counting as worse) is
/// rewarded with sqrt(12) (q - 1/2). If ranks are drawn evenly this has mean 0 and variance 1, whatever the unit and the
/// scale of the losses; it lies within -1.73 and 1.73. Designs that cannot be built, or are not acceptable, need no
/// number made up for them: they rank behind all others, by how far they fall short.
#[derive(Debug, Clone)]
pub struct Rewards {
    scalarizer: Scalarizer,
    judgements: Vec<Judgement>,
}

impl Rewards {
    /// No trial is known.
    pub fn new(problem: &Problem, seed: Seed) -> Self {
        Self { scalarizer: Scalarizer::new(problem, seed), judgements: Vec::new() }
    }

    /// Takes note of `trials`, to rank them and later ones among.
    pub fn observe(&mut self, trials: &[Trial]) {
        self.scalarizer.observe(trials);
        self.judgements.extend(trials.iter().map(|trial| trial.judgement.clone()));
    }

    /// The reward of each of `trials` among all observed, these included, under new weights if there are several objectives.
    /// O(n) for each, with `n` observed.
    pub fn of(&mut self, trials: &[Trial]) -> Vec<f32> {
        self.scalarizer.redraw();
        let merits: Vec<Merit> =
            self.judgements.iter().map(|judgement| self.scalarizer.merit(judgement)).collect();
        let reward = |trial: &Trial| {
            let merit = self.scalarizer.merit(&trial.judgement);
            let half_beaten: usize =
                merits.iter().map(|other| usize::from(*other > merit) + usize::from(*other >= merit)).sum();
            let share = half_beaten as f32 / (2 * merits.len()) as f32;
            12f32.sqrt() * (share - 0.5)
        };
        trials.iter().map(reward).collect()
    }
}

/// How much each trial of a log counts when a policy is fitted to it: e^reward, divided by the mean. Shape `[n]`.
///
/// A learner's own trials teach it by trial and error. Trials it did not choose cannot: the policy gradient holds only for
/// actions drawn from the policy. So the policy is made to imitate the log, the better designs more than the worse:
/// the best of many about thirty times as much as the worst, and all alike if they are equally good.
/// Source: Peng, Kumar, Zhang & Levine (2019), "Advantage-weighted regression", arXiv:1910.00177, eq. 6, with a temperature
/// of one standard deviation of the reward.
pub fn imitation_weights(rewards: &[f32]) -> Vec<f32> {
    let mean = rewards.iter().map(|reward| reward.exp()).sum::<f32>() / rewards.len() as f32;
    rewards.iter().map(|reward| reward.exp() / mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// Losses 1, 2, 2 and an infeasible design. Shares beaten: (3 + 0.5) / 4, twice (1 + 1) / 4, 0.5 / 4; less a half that is
    /// 0.375, 0, 0, -0.375, times sqrt(12) = 1.299.
    #[test]
    fn ranks_by_hand_with_the_infeasible_behind_all_others() {
        let toy = Toy::bowl();
        let trial = |outcome| toy.problem().trial(toy.space().unrank(0), outcome);
        let mut trials: Vec<Trial> = [1.0, 2.0, 2.0].map(|loss| trial(Outcome::Measured(vec![loss]))).into();
        trials.push(trial(Outcome::infeasible("too_wide", 1e-6)));
        let mut rewards = Rewards::new(&toy.problem(), Seed::new(0));
        rewards.observe(&trials);
        for (got, expected) in rewards.of(&trials).iter().zip([1.299, 0.0, 0.0, -1.299]) {
            assert!((got - expected).abs() < 1e-3, "{got} {expected}");
        }
    }

    #[test]
    fn better_designs_are_imitated_more_and_equals_alike() {
        let weights = imitation_weights(&[1.7, 0.0, -1.7]);
        assert!(weights[0] > 5.0 * weights[1] && weights[1] > 5.0 * weights[2], "{weights:?}");
        assert!((weights.iter().sum::<f32>() - 3.0).abs() < 1e-5);
        assert_eq!(imitation_weights(&[0.3, 0.3]), [1.0, 1.0]);
    }
}
