//! REINFORCE: the policy gradient, with a moving average of the reward as its baseline.
//!
//! Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
//! doi:10.1007/BF00992696, with a baseline that follows the reward; a table of independent categorical variables as the
//! policy, as in Ying et al. (2019), "NAS-Bench-101", arXiv:1902.09635.
//! Departs from it: rewards are standardised ranks, levels that lead to no legal design are masked, the policy starts
//! with all legal designs alike, known designs are not proposed again, and an earlier log is imitated.

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, Episode, ObjectiveSupport, Problem,
    Seed, Stream, Trial,
};

use crate::parts::policy::categorical::Categorical;
use crate::parts::policy::reward::{Rewards, imitation_weights};
use crate::parts::policy::steps::{Allowed, Steps};
use crate::parts::seen::Seen;

/// Hyperparameters; the defaults are those of NAS-Bench-101's authors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReinforceConfig {
    /// alpha: how far one trial moves the policy.
    pub learning_rate: f64,
    /// How much of the baseline stays when a reward comes in.
    pub baseline_momentum: f64,
}

impl Default for ReinforceConfig {
    /// Ying et al. (2019), the authors' program, `run_rl.py` in github.com/automl/nas_benchmarks: `lr` 0.1, `momentum` 0.9.
    fn default() -> Self {
        Self { learning_rate: 0.1, baseline_momentum: 0.9 }
    }
}

/// A logit for each level of each parameter, moved by every trial.
pub struct Reinforce {
    config: ReinforceConfig,
    policy: Table,
    baseline: MovingAverage,
    rewards: Rewards,
    seen: Seen,
    rng: Stream,
    has_proposed: bool,
}

/// The policy: a logit for each level of each parameter.
struct Table {
    logits: Vec<Vec<f32>>,
}

impl Table {
    fn new(space: &DesignSpace) -> Self {
        let n_levels = space.parameters().iter().map(|parameter| parameter.n_levels() as usize);
        Self { logits: n_levels.map(|n| vec![0.0; n]).collect() }
    }

    /// The distribution over the allowed levels of a parameter.
    fn distribution(&self, parameter: usize, allowed: &Allowed) -> Categorical {
        let choices = allowed.levels.iter().zip(&allowed.log_shares);
        Categorical::new(
            choices.map(|(&level, log_share)| self.logits[parameter][level as usize] + log_share),
        )
    }

    fn sample(&self, space: &DesignSpace, rng: &mut Stream) -> Design {
        let mut episode = Episode::new(space);
        while let Some(parameter) = episode.parameter() {
            let allowed = Allowed::now(&episode);
            episode.choose(allowed.levels[self.distribution(parameter, &allowed).sample(rng)]);
        }
        episode.design().expect("an episode that is over has a design")
    }

    /// Adds `step` times the gradient of ln p of a design.
    fn reinforce(&mut self, space: &DesignSpace, design: &Design, step: f32) {
        for decision in Steps::of(space, std::iter::once(design)).decisions() {
            let distribution = self.distribution(decision.parameter, &decision.allowed);
            let gradient = distribution.log_p_gradient(decision.chosen);
            for (&level, slope) in decision.allowed.levels.iter().zip(gradient) {
                self.logits[decision.parameter][level as usize] += step * slope;
            }
        }
    }
}

/// An average in which older values fade.
struct MovingAverage {
    momentum: f32,
    sum: f32,
    weight: f32,
}

impl MovingAverage {
    fn new(momentum: f32) -> Self {
        Self { momentum, sum: 0.0, weight: 0.0 }
    }

    /// The average with one more value.
    fn update(&mut self, value: f32) -> f32 {
        self.sum = self.momentum * self.sum + (1.0 - self.momentum) * value;
        self.weight = self.momentum * self.weight + (1.0 - self.momentum);
        self.sum / self.weight
    }
}

impl Agent for Reinforce {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.has_proposed = true;
        let policy = &self.policy;
        let propose = |_| self.seen.propose(&mut self.rng, |space, rng| policy.sample(space, rng));
        Ok((0..count).map(propose).collect())
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        if trials.is_empty() {
            return Ok(());
        }
        self.seen.observe(trials);
        self.rewards.observe(trials);
        let rewards = self.rewards.of(trials);
        let learning_rate = self.config.learning_rate as f32;
        if !self.has_proposed {
            for (trial, weight) in trials.iter().zip(imitation_weights(&rewards)) {
                self.policy.reinforce(self.seen.space(), &trial.design, learning_rate * weight);
            }
            return Ok(());
        }
        for (trial, reward) in trials.iter().zip(rewards) {
            let advantage = reward - self.baseline.update(reward);
            self.policy.reinforce(self.seen.space(), &trial.design, learning_rate * advantage);
        }
        Ok(())
    }
}

impl BuildAgent for Reinforce {
    const ID: &'static str = "reinforce";
    const SUMMARY: &'static str = "REINFORCE: policy gradient over a table of levels, with a moving baseline";
    const DESCRIPTION: &'static str = include_str!("reinforce.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = ReinforceConfig;

    fn build(problem: &Problem, config: ReinforceConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("learning_rate", config.learning_rate, 0.0..=1.0)?;
        check("baseline_momentum", config.baseline_momentum, 0.0..=0.999)?;
        Ok(Self {
            policy: Table::new(problem.space()),
            baseline: MovingAverage::new(config.baseline_momentum as f32),
            rewards: Rewards::new(problem, seed),
            seen: Seen::new(problem.space()),
            rng: seed.stream("reinforce"),
            has_proposed: false,
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    /// The probability of a design under a policy.
    fn probability(policy: &Table, space: &DesignSpace, design: &Design) -> f32 {
        let steps = Steps::of(space, std::iter::once(design));
        let decisions = steps.decisions().iter();
        let log_p = decisions
            .map(|step| policy.distribution(step.parameter, &step.allowed).log_p(step.chosen))
            .sum::<f32>();
        log_p.exp()
    }

    /// Law: whatever it has learned, every legal design can be proposed and nothing else can.
    #[test]
    fn the_legal_designs_share_all_the_probability() {
        let toy = Toy::tied();
        let mut policy = Table::new(toy.space());
        for (rank, step) in [(3, 2.0), (20, -1.5), (36, 1.0)] {
            policy.reinforce(toy.space(), &toy.space().unrank(rank), step);
        }
        let p: Vec<f32> =
            toy.space().iter().map(|design| probability(&policy, toy.space(), &design)).collect();
        assert!(p.iter().all(|&p| p > 0.0), "{p:?}");
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{}", p.iter().sum::<f32>());
    }

    /// From four equal levels, a step of 0.4 towards one adds 0.4 * 3/4 to its logit and takes 0.4 / 4 from the others.
    #[test]
    fn a_step_by_hand() {
        let mut policy = Table { logits: vec![vec![0.0; 4]] };
        let parameters = vec![tapeout_core::Parameter::integer("a", 0, 3)];
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        policy.reinforce(&space, &space.unrank(2), 0.4);
        for (got, expected) in policy.logits[0].iter().zip([-0.1, -0.1, 0.3, -0.1]) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }

    /// The first value is the average; then 0.5 * 1 + 0.25 * 0 over 0.75.
    #[test]
    fn the_baseline_by_hand() {
        let mut average = MovingAverage::new(0.5);
        assert_eq!(average.update(0.0), 0.0);
        assert!((average.update(1.0) - 2.0 / 3.0).abs() < 1e-6);
    }
}
