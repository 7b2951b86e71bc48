//! Rewards: one number from what a problem thinks of an outcome.

use tapeout_core::problem::Direction;
use tapeout_core::{Env, EvalError, Judgement, Objective, Problem, Seed};

/// How a judgement becomes a reward.
///
/// Objectives differ in unit and scale, so no policy suits every problem: the parts are given here, each with its
/// default, and all of them can be set.
///
/// | judgement | reward |
/// |---|---|
/// | acceptable | the scalarization of its objectives |
/// | outside a constraint | the same, less `violation_weight` times the relative violation; in octaves, of one more than that |
/// | infeasible | `infeasible` |
///
/// [`RewardPolicy::relative`] is free of units and scales, so it suits any problem whose objectives are positive; it is what
/// environments of the catalog are made with when nobody says.
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

/// Designs drawn to find out what is usual, at most. Ours: in the catalog's environments one design in a hundred can be built where
/// the fewest can, and those that cannot cost little.
const MOST_DRAWN: usize = 2_048;
/// Designs measured to find out what is usual. Ours: enough for a median, and a second or less in the catalog's simulators.
const MEASURED: usize = 15;
/// Of how many of these the evaluator may fail. Ours: as many as are measured; one that fails more often answers nobody, and may be slow at it.
const MOST_FAILED: usize = MEASURED;
/// How many octaves from what is usual a value counts for at most, since the logarithm of 0 is worth infinity. Ours: a thousand times
/// as good or as bad.
const MOST_OCTAVES: f64 = 10.0;

/// How several objectives become one number.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalarization {
    /// By how many octaves each objective is better than what is usual, added up: 1 for a latency half as long, or for a
    /// throughput twice as large. `sum(log2(usual_i / value_i))`, with the sign turned where the objective is maximised, each at most 10 from
    /// 0. What lies below the worst that is usual, an octave above `infeasible`, is pressed into the upper half of that octave, in the same
    /// order, so that nothing that can be built is worth less than what cannot.
    Octaves {
        /// One value above 0 for each objective, in the metric's unit, shape `[m]`.
        usual: Vec<f64>,
    },
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
    /// Octaves by which a design is better than is usual among designs drawn at random: the median of the first 15 that can be
    /// built and run. One that cannot gets an octave less than the worst of these, violated constraints counted. A function of environment
    /// and goal. Designs whose evaluation failed are passed over, as those that cannot be built are, and say nothing.
    ///
    /// # Errors
    /// [`RewardError::NothingUsual`] if none of 2,048 drawn designs can be built and run, a median is not above 0, or a value is below it;
    /// [`RewardError::Evaluation`] if the evaluator failed of more than 15.
    pub fn relative(env: &dyn Env, problem: &Problem) -> Result<Self, RewardError> {
        let mut rng = Seed::new(0).stream("usual designs");
        let mut measured: Vec<(Vec<f64>, f64)> = Vec::new();
        let mut n_failed = 0;
        for _ in 0..MOST_DRAWN {
            if measured.len() == MEASURED {
                break;
            }
            let design = env.space().sample(&mut rng);
            let outcome = match env.evaluate(&design) {
                Ok(outcome) => outcome,
                Err(_) if n_failed < MOST_FAILED => {
                    n_failed += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let judgement = problem.judge(&outcome);
            if let Some(losses) = judgement.losses() {
                let violation = match judgement {
                    Judgement::Unacceptable { violation, .. } => violation,
                    Judgement::Acceptable { .. } | Judgement::Infeasible { .. } | Judgement::Failed => 0.0,
                };
                measured.push((objective_values(problem, losses), violation));
            }
        }
        let median = |objective: usize| {
            let mut values: Vec<f64> = measured.iter().map(|(values, _)| values[objective]).collect();
            values.sort_by(f64::total_cmp);
            let is_usual = |&median: &f64| median > 0.0 && values[0] >= 0.0;
            let usual = values.get(values.len() / 2).copied().filter(is_usual);
            usual.ok_or_else(|| RewardError::NothingUsual {
                metric: problem.objective_metric(objective).name.clone(),
                measured: values.len(),
            })
        };
        let usual: Vec<f64> = (0..problem.n_objectives()).map(median).collect::<Result<_, _>>()?;
        let rewards =
            measured.iter().map(|(values, violation)| octaves(problem, &usual, values) - beyond(*violation));
        let worst = rewards.fold(0.0, f64::min);
        let scalarization = Scalarization::Octaves { usual };
        Ok(Self { scalarization, infeasible: worst - 1.0, violation_weight: 1.0 })
    }

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
            Judgement::Acceptable { losses } => self.above_infeasible(self.scalarize(problem, losses)),
            Judgement::Unacceptable { losses, violation } => {
                let cost = match self.scalarization {
                    Scalarization::Octaves { .. } => beyond(*violation),
                    Scalarization::WeightedSum { .. } | Scalarization::Target { .. } => *violation,
                };
                self.above_infeasible(self.scalarize(problem, losses) - self.violation_weight * cost)
            }
            Judgement::Infeasible { .. } | Judgement::Failed => self.infeasible,
        }
    }

    /// Octaves as they are, down to one above what cannot be built, and pressed together below.
    fn above_infeasible(&self, reward: f64) -> f64 {
        let worst = self.infeasible + 1.0;
        match self.scalarization {
            Scalarization::Octaves { .. } if reward < worst => worst - 0.5 * (1.0 - (reward - worst).exp2()),
            _ => reward,
        }
    }

    fn scalarize(&self, problem: &Problem, losses: &[f64]) -> f64 {
        match &self.scalarization {
            Scalarization::Octaves { usual } => octaves(problem, usual, &objective_values(problem, losses)),
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
            Scalarization::Octaves { usual } => {
                require_one_each("usual", usual, problem)?;
                let is_positive = |number: f64| number.is_finite() && number > 0.0;
                usual
                    .iter()
                    .try_for_each(|&usual| require("usual", usual, is_positive, "a finite number above 0"))
            }
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

/// The values of the objectives, in the metrics' units, shape `[m]`.
fn objective_values(problem: &Problem, losses: &[f64]) -> Vec<f64> {
    losses.iter().enumerate().map(|(index, &loss)| problem.objective_value(index, loss)).collect()
}

/// Octaves that a relative violation costs: one for a limit that is overshot by as much again.
fn beyond(violation: f64) -> f64 {
    (1.0 + violation).log2()
}

/// The octaves by which `values`, shape `[m]`, are better than what is `usual`, added up.
fn octaves(problem: &Problem, usual: &[f64], values: &[f64]) -> f64 {
    let better = |((objective, &value), &usual): ((&Objective, &f64), &f64)| {
        let octaves = (value / usual).max(0.0).log2().clamp(-MOST_OCTAVES, MOST_OCTAVES);
        match objective.direction {
            Direction::Minimize => -octaves,
            Direction::Maximize => octaves,
        }
    };
    problem.objectives().iter().zip(values).zip(usual).map(better).sum()
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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// There is nothing above 0 to compare with.
    #[error(
        "no usual value above 0 of `{metric}` among {measured} designs that can be built and run; name a reward"
    )]
    NothingUsual {
        /// The objective's metric.
        metric: String,
        /// How many designs were measured.
        measured: usize,
    },
    /// The evaluator failed while designs were drawn.
    #[error("finding out what is usual: an evaluation failed")]
    Evaluation(#[from] EvalError),
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
