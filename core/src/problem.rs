//! What is wanted: objectives, constraints, and the one place where an outcome is judged.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::judgement::Judgement;
use crate::names::nearest_name;
use crate::outcome::{Metric, Outcome};
use crate::space::{Design, DesignSpace};
use crate::trial::Trial;

/// Which way a metric is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Less is better.
    Minimize,
    /// More is better.
    Maximize,
}

/// A metric to be made small or large. Written `latency_s` or `max:utilization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Objective {
    /// The metric's name.
    pub metric: String,
    /// Which way it is to go.
    pub direction: Direction,
}

impl Objective {
    /// The metric is to be made small.
    pub fn minimize(metric: &str) -> Self {
        Self { metric: metric.to_owned(), direction: Direction::Minimize }
    }

    /// The metric is to be made large.
    pub fn maximize(metric: &str) -> Self {
        Self { metric: metric.to_owned(), direction: Direction::Maximize }
    }
}

impl FromStr for Objective {
    type Err = ProblemError;

    fn from_str(text: &str) -> Result<Self, ProblemError> {
        match text.split_once(':') {
            None => Ok(Self::minimize(text.trim())),
            Some(("min", metric)) => Ok(Self::minimize(metric.trim())),
            Some(("max", metric)) => Ok(Self::maximize(metric.trim())),
            Some(_) => Err(ProblemError::BadObjective { got: text.to_owned() }),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Minimize => write!(formatter, "min:{}", self.metric),
            Direction::Maximize => write!(formatter, "max:{}", self.metric),
        }
    }
}

impl TryFrom<String> for Objective {
    type Error = ProblemError;

    fn try_from(text: String) -> Result<Self, ProblemError> {
        text.parse()
    }
}

impl From<Objective> for String {
    fn from(objective: Objective) -> Self {
        objective.to_string()
    }
}

/// The side on which a limit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The metric may not be larger.
    AtMost,
    /// The metric may not be smaller.
    AtLeast,
}

/// A limit on a metric. Written `area_m2 <= 27e-6` or `utilization >= 0.5`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    /// The metric's name.
    pub metric: String,
    /// Whether the limit is the largest or the smallest that is acceptable.
    pub side: Side,
    /// The limit, in the metric's unit.
    pub limit: f64,
}

impl Constraint {
    /// The metric may not be larger than `limit`.
    pub fn at_most(metric: &str, limit: f64) -> Self {
        Self { metric: metric.to_owned(), side: Side::AtMost, limit }
    }

    /// The metric may not be smaller than `limit`.
    pub fn at_least(metric: &str, limit: f64) -> Self {
        Self { metric: metric.to_owned(), side: Side::AtLeast, limit }
    }

    /// How far `value` lies beyond the limit, as a fraction of the limit (or plainly, for a limit of 0); 0 within it.
    pub fn violation(&self, value: f64) -> f64 {
        let beyond = match self.side {
            Side::AtMost => value - self.limit,
            Side::AtLeast => self.limit - value,
        };
        let scale = if self.limit == 0.0 { 1.0 } else { self.limit.abs() };
        beyond.max(0.0) / scale
    }
}

impl FromStr for Constraint {
    type Err = ProblemError;

    fn from_str(text: &str) -> Result<Self, ProblemError> {
        let sides = [("<=", Side::AtMost), (">=", Side::AtLeast)];
        let parsed = sides.iter().find_map(|&(sign, side)| {
            let (metric, limit) = text.split_once(sign)?;
            let limit: f64 = limit.trim().parse().ok().filter(|limit: &f64| limit.is_finite())?;
            Some(Self { metric: metric.trim().to_owned(), side, limit })
        });
        parsed.ok_or_else(|| ProblemError::BadConstraint { got: text.to_owned() })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.side {
            Side::AtMost => "<=",
            Side::AtLeast => ">=",
        };
        write!(formatter, "{} {sign} {:?}", self.metric, self.limit)
    }
}

impl TryFrom<String> for Constraint {
    type Error = ProblemError;

    fn try_from(text: String) -> Result<Self, ProblemError> {
        text.parse()
    }
}

impl From<Constraint> for String {
    fn from(constraint: Constraint) -> Self {
        constraint.to_string()
    }
}

/// Objectives and constraints, before they meet a space.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// What to optimise, at least one.
    pub objectives: Vec<Objective>,
    /// What is not acceptable.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
}

/// All that an agent is told: the space, and how outcomes will be judged. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Problem {
    space: DesignSpace,
    metrics: Vec<Metric>,
    goal: Goal,
    /// For each objective, the metric's index and the sign that makes it a loss.
    losses: Vec<(usize, f64)>,
    /// For each constraint, the metric's index.
    limited: Vec<usize>,
}

impl Problem {
    /// A goal over what an environment measures.
    ///
    /// # Errors
    /// [`ProblemError`] if there is no objective, one stands twice, or a metric is unknown.
    pub fn new(space: DesignSpace, metrics: Vec<Metric>, goal: Goal) -> Result<Self, ProblemError> {
        if goal.objectives.is_empty() {
            return Err(ProblemError::NoObjective);
        }
        let index_of = |name: &String| {
            metrics.iter().position(|metric| metric.name == *name).ok_or_else(|| {
                ProblemError::UnknownMetric {
                    got: name.clone(),
                    nearest: nearest_name(name, metrics.iter().map(|metric| metric.name.as_str())),
                    known: metrics.iter().map(|metric| metric.name.clone()).collect(),
                }
            })
        };
        let mut losses = Vec::new();
        for objective in &goal.objectives {
            let index = index_of(&objective.metric)?;
            if losses.iter().any(|&(earlier, _)| earlier == index) {
                return Err(ProblemError::ObjectiveTwice { metric: objective.metric.clone() });
            }
            let sign = match objective.direction {
                Direction::Minimize => 1.0,
                Direction::Maximize => -1.0,
            };
            losses.push((index, sign));
        }
        let limited = goal
            .constraints
            .iter()
            .map(|constraint| index_of(&constraint.metric))
            .collect::<Result<_, _>>()?;
        Ok(Self { space, metrics, goal, losses, limited })
    }

    /// The designs there are.
    pub fn space(&self) -> &DesignSpace {
        &self.space
    }

    /// What is measured, shape `[k]`.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// Objectives and constraints.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// What is optimised, shape `[m]`.
    pub fn objectives(&self) -> &[Objective] {
        &self.goal.objectives
    }

    /// What is not acceptable.
    pub fn constraints(&self) -> &[Constraint] {
        &self.goal.constraints
    }

    /// How many objectives there are, `m`.
    pub fn n_objectives(&self) -> usize {
        self.losses.len()
    }

    /// The metric behind objective `index`.
    pub fn objective_metric(&self, index: usize) -> &Metric {
        &self.metrics[self.losses[index].0]
    }

    /// The value of objective `index` in the metric's own direction, from its loss.
    pub fn objective_value(&self, index: usize, loss: f64) -> f64 {
        self.losses[index].1 * loss
    }

    /// What an outcome is worth. The only place where a sign is flipped or a constraint applied.
    pub fn judge(&self, outcome: &Outcome) -> Judgement {
        let metrics = match outcome {
            Outcome::Infeasible { violation, .. } => return Judgement::Infeasible { violation: *violation },
            Outcome::Measured(metrics) => metrics,
        };
        let losses = self.losses.iter().map(|&(metric, sign)| sign * metrics[metric]).collect();
        let violations = self.goal.constraints.iter().zip(&self.limited);
        let violation: f64 =
            violations.map(|(constraint, &metric)| constraint.violation(metrics[metric])).sum();
        if violation > 0.0 {
            Judgement::Unacceptable { losses, violation }
        } else {
            Judgement::Acceptable { losses }
        }
    }

    /// A trial of `design` with this outcome.
    pub fn trial(&self, design: Design, outcome: Outcome) -> Trial {
        let judgement = self.judge(&outcome);
        Trial { design, outcome, judgement }
    }
}

/// Why a goal cannot be pursued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemError {
    /// Nothing to optimise.
    #[error("`objectives` is empty; name at least one metric")]
    NoObjective,
    /// The same metric twice.
    #[error("objective `{metric}` stands twice")]
    ObjectiveTwice {
        /// The metric.
        metric: String,
    },
    /// The environment does not measure this.
    #[error("unknown metric `{got}`{}; the environment measures {}", crate::names::suggestion(.nearest), .known.join(", "))]
    UnknownMetric {
        /// The name asked for.
        got: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// Not `metric`, `min:metric` or `max:metric`.
    #[error("objective `{got}` is not of the form `metric`, `min:metric` or `max:metric`")]
    BadObjective {
        /// The text.
        got: String,
    },
    /// Not `metric <= number` or `metric >= number`.
    #[error("constraint `{got}` is not of the form `metric <= number` or `metric >= number`")]
    BadConstraint {
        /// The text.
        got: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Parameter;

    fn problem() -> Problem {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 3)], Vec::new()).unwrap();
        let metrics = vec![
            Metric::new("latency_s", "s", "time"),
            Metric::new("utilization", "", "share of units busy"),
        ];
        let goal = Goal {
            objectives: vec!["latency_s".parse().unwrap(), "max:utilization".parse().unwrap()],
            constraints: vec!["latency_s <= 2".parse().unwrap()],
        };
        Problem::new(space, metrics, goal).unwrap()
    }

    /// Latency 3 s against a limit of 2 s: half the limit beyond it. Utilization is maximised: its loss is negated.
    #[test]
    fn judging_by_hand() {
        let problem = problem();
        let within = problem.judge(&Outcome::Measured(vec![1.0, 0.25]));
        assert_eq!(within, Judgement::Acceptable { losses: vec![1.0, -0.25] });
        let beyond = problem.judge(&Outcome::Measured(vec![3.0, 0.5]));
        assert_eq!(beyond, Judgement::Unacceptable { losses: vec![3.0, -0.5], violation: 0.5 });
        let broken = problem.judge(&Outcome::infeasible("capacity", 7.0));
        assert!(within.dominates(&beyond) && beyond.dominates(&broken) && !broken.dominates(&within));
        assert_eq!(problem.objective_value(1, -0.25), 0.25);
    }

    #[test]
    fn goals_are_read_as_they_are_written() {
        for text in ["min:latency_s", "max:utilization"] {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), text);
        }
        let limit: Constraint = "area_m2<=2.7e-5".parse().unwrap();
        assert_eq!(limit, Constraint::at_most("area_m2", 2.7e-5));
        assert_eq!(limit.to_string().parse::<Constraint>().unwrap(), limit);
        assert!("area_m2 < 3".parse::<Constraint>().is_err());
        assert!("area_m2 <= NaN".parse::<Constraint>().is_err());
        assert!("best:latency_s".parse::<Objective>().is_err());
    }

    #[test]
    fn an_unknown_metric_is_named_with_the_nearest() {
        let problem = problem();
        let goal = Goal { objectives: vec![Objective::minimize("latency")], constraints: Vec::new() };
        let error = Problem::new(problem.space.clone(), problem.metrics.clone(), goal).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown metric `latency`; did you mean `latency_s`?; the environment measures latency_s, utilization"
        );
    }
}
