//! Rewards: one number from what a problem thinks of an outcome.

use tapeout_core::{Judgement, Problem};

/// How a judgement becomes a reward.
///
/// Objectives differ in unit and scale, so no policy suits every problem: the parts are given here, each with its
/// default, and all of them can be set.
///
/// | judgement | reward |
/// |---|---|
/// | acceptable | the scalarization of its objectives |
/// | outside a constraint | the same, less `violation_weight` times the relative violation |
/// | infeasible | `infeasible` |
#[derive(Debug, Clone, PartialEq)]
pub struct RewardPolicy {
    /// How several objectives become one number.
    pub scalarization: Scalarization,
    /// The reward of a design that cannot be built or run. It should lie below that of the worst design worth having.
    /// -1 for a weighted sum, which in SI units lies below a design that takes 1 s; 0 for targets, whose rewards are
    /// positive.
    pub infeasible: f64,
    /// What each unit of relative violation costs; 1 by default: a limit overshot by half costs a half.
    /// Source: static penalties, Coello Coello (2002), doi:10.1016/S0045-7825(01)00323-1, section 2.
    pub violation_weight: f64,
}

/// How several objectives become one number.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalarization {
    /// The losses, weighted, added up and negated: `-sum(w_i * loss_i)`.
    WeightedSum {
        /// One weight for each objective, shape `[m]`; each is 1 if there are none.
        weights: Option<Vec<f64>>,
    },
    /// How near each objective is to its target, from either side: `sum(|target_i| / |target_i - value_i|)`.
    /// Source: ArchGym, Krishnan et al. (2023), doi:10.1145/3579371.3589049, reward of the DRAM environment.
    /// Departs from it: a value within `tolerance` counts as lying at its edge, because a target met would be worth
    /// infinity.
    Target {
        /// One target for each objective, in the metric's unit, shape `[m]`.
        targets: Vec<f64>,
        /// The distance that counts as met, relative to the target.
        tolerance: f64,
    },
}

impl RewardPolicy {
    /// The negated sum of the losses.
    pub fn weighted_sum() -> Self {
        let scalarization = Scalarization::WeightedSum { weights: None };
        Self { scalarization, infeasible: -1.0, violation_weight: 1.0 }
    }

    /// Nearness to these targets, in the metrics' units; within one percent they count as met.
    pub fn target(targets: Vec<f64>) -> Self {
        let scalarization = Scalarization::Target { targets, tolerance: 0.01 };
        Self { scalarization, infeasible: 0.0, violation_weight: 1.0 }
    }

    /// The reward for a judgement of `problem`.
    ///
    /// # Panics
    /// If the policy does not [suit](RewardPolicy::check) the problem.
    pub fn reward(&self, problem: &Problem, judgement: &Judgement) -> f64 {
        match judgement {
            Judgement::Acceptable { losses } => self.scalarize(problem, losses),
            Judgement::Unacceptable { losses, violation } => {
                self.scalarize(problem, losses) - self.violation_weight * violation
            }
            Judgement::Infeasible { .. } => self.infeasible,
        }
    }

    fn scalarize(&self, problem: &Problem, losses: &[f64]) -> f64 {
        match &self.scalarization {
            Scalarization::WeightedSum { weights } => {
                let weight = |index: usize| weights.as_ref().map_or(1.0, |weights| weights[index]);
                -losses.iter().enumerate().map(|(index, loss)| weight(index) * loss).sum::<f64>()
            }
            Scalarization::Target { targets, tolerance } => {
                let nearness = |(index, (&loss, target)): (usize, (&f64, &f64))| {
                    let distance = (target - problem.objective_value(index, loss)).abs();
                    target.abs() / distance.max(tolerance * target.abs())
                };
                losses.iter().zip(targets).enumerate().map(nearness).sum()
            }
        }
    }

    /// Checks that the policy suits a problem.
    ///
    /// # Errors
    /// [`RewardError`] if there are too few or too many weights or targets, or one cannot be used.
    pub fn check(&self, problem: &Problem) -> Result<(), RewardError> {
        let is_any = |number: f64| number.is_finite();
        let is_weight = |number: f64| number.is_finite() && number >= 0.0;
        require("infeasible", self.infeasible, is_any, "a finite number")?;
        require("violation_weight", self.violation_weight, is_weight, "a finite number not below 0")?;
        match &self.scalarization {
            Scalarization::WeightedSum { weights: None } => Ok(()),
            Scalarization::WeightedSum { weights: Some(weights) } => {
                require_one_each("weights", weights, problem)?;
                weights.iter().try_for_each(|&weight| {
                    require("weights", weight, is_weight, "a finite number not below 0")
                })
            }
            Scalarization::Target { targets, tolerance } => {
                require_one_each("targets", targets, problem)?;
                let is_positive = |number: f64| number.is_finite() && number > 0.0;
                require("tolerance", *tolerance, is_positive, "a finite number above 0")?;
                targets.iter().try_for_each(|&target| {
                    let is_target = |number: f64| number.is_finite() && number != 0.0;
                    require("targets", target, is_target, "a finite number other than 0")
                })
            }
        }
    }
}

impl Default for RewardPolicy {
    fn default() -> Self {
        Self::weighted_sum()
    }
}

fn require(
    field: &'static str,
    got: f64,
    holds: impl Fn(f64) -> bool,
    expected: &'static str,
) -> Result<(), RewardError> {
    if holds(got) { Ok(()) } else { Err(RewardError::NotUsable { field, got, expected }) }
}

fn require_one_each(field: &'static str, given: &[f64], problem: &Problem) -> Result<(), RewardError> {
    let expected = problem.n_objectives();
    if given.len() == expected {
        Ok(())
    } else {
        Err(RewardError::WrongCount { field, got: given.len(), expected })
    }
}

/// Why a reward policy does not suit a problem.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// Not one number for each objective.
    #[error("reward `{field}`: got {got} numbers, expected {expected}, one for each objective")]
    WrongCount {
        /// The setting.
        field: &'static str,
        /// How many there are.
        got: usize,
        /// How many objectives there are.
        expected: usize,
    },
    /// A number that makes no reward.
    #[error("reward `{field}`: got {got}, expected {expected}")]
    NotUsable {
        /// The setting.
        field: &'static str,
        /// The number.
        got: f64,
        /// What it can be.
        expected: &'static str,
    },
}
