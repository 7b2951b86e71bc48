//! What is wanted: objectives, constraints, and the one place where an outcome is judged.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;
use crate::definition::{Column, Definition, Quantities};
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
    definitions: Vec<Definition>,
    /// The metrics, and what the goal asks for beside them.
    quantities: Quantities,
    goal: Goal,
    /// For each objective, the quantity's index and the sign that makes it a loss.
    losses: Vec<(usize, f64)>,
    /// For each constraint, the quantity's index.
    limited: Vec<usize>,
}

impl Problem {
    /// A goal over what an environment measures.
    ///
    /// # Errors
    /// [`ProblemError`] if there is no objective, one stands twice, or a metric is unknown.
    pub fn new(space: DesignSpace, metrics: Vec<Metric>, goal: Goal) -> Result<Self, ProblemError> {
        Self::with_definitions(space, metrics, Vec::new(), goal)
    }

    /// The same over metrics that follow from those of the environment, too. Limits are kept in the units of their metrics.
    ///
    /// # Errors
    /// [`ProblemError`] as [`Problem::new`], if a definition has no meaning, or a limit is in a unit of something else.
    pub fn with_definitions(
        space: DesignSpace,
        metrics: Vec<Metric>,
        definitions: Vec<Definition>,
        mut goal: Goal,
    ) -> Result<Self, ProblemError> {
        if goal.objectives.is_empty() {
            return Err(ProblemError::NoObjective);
        }
        let mut quantities = Quantities::new(&metrics, &definitions)?;
        let mut index_of = |name: &str| {
            quantities.find(name).ok_or_else(|| {
                if let Some(problem) = quantities.fault(name) {
                    return ProblemError::Weights { got: name.to_owned(), problem };
                }
                let known = || quantities.metrics().iter().map(|metric| metric.name.as_str());
                ProblemError::UnknownMetric {
                    got: name.to_owned(),
                    nearest: nearest_name(name, known()),
                    known: known().map(str::to_owned).collect(),
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
        let constraints = goal.constraints.iter();
        let limited =
            constraints.map(|constraint| index_of(&constraint.metric)).collect::<Result<Vec<_>, _>>()?;
        for (constraint, &index) in goal.constraints.iter_mut().zip(&limited) {
            *constraint = constraint.in_unit_of(&quantities.metrics()[index].unit)?;
        }
        Ok(Self { space, metrics, definitions, quantities, goal, losses, limited })
    }

    /// The designs there are.
    pub fn space(&self) -> &DesignSpace {
        &self.space
    }

    /// What is measured, shape `[k]`.
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The metrics that the goal defines, in order.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// What is measured, and what follows from it by definition or for the goal.
    pub fn quantities(&self) -> &[Metric] {
        self.quantities.metrics()
    }

    /// The value of each of [`Problem::quantities`] for these measurements, shape `[k]`; none if one has no value.
    pub fn quantity_values(&self, metrics: &[f64]) -> Option<Vec<f64>> {
        self.quantities.values(metrics)
    }

    /// The metric, defined metric, or metric over all networks called `name`; none if there is none.
    pub fn column(&self, name: &str) -> Option<Column> {
        Column::new(self.quantities.clone(), name)
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
        &self.quantities.metrics()[self.losses[index].0]
    }

    /// The value of objective `index` in the metric's own direction, from its loss.
    pub fn objective_value(&self, index: usize, loss: f64) -> f64 {
        self.losses[index].1 * loss
    }

    /// What an outcome is worth. The only place where a sign is flipped or a constraint applied. A design for which a defined metric
    /// has no value, such as a division by zero, is as good as one that cannot run.
    pub fn judge(&self, outcome: &Outcome) -> Judgement {
        let metrics = match outcome {
            Outcome::Infeasible { violation, .. } => return Judgement::Infeasible { violation: *violation },
            Outcome::Failed { .. } => return Judgement::Failed,
            Outcome::Measured(metrics) => metrics,
        };
        let values = if self.quantities.metrics().len() == metrics.len() {
            Cow::Borrowed(metrics)
        } else {
            match self.quantities.values(metrics) {
                Some(values) => Cow::Owned(values),
                None => return Judgement::Infeasible { violation: 1.0 },
            }
        };
        let losses = self.losses.iter().map(|&(metric, sign)| sign * values[metric]).collect();
        let violations = self.goal.constraints.iter().zip(&self.limited);
        let violation: f64 =
            violations.map(|(constraint, &metric)| constraint.violation(values[metric])).sum();
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
    /// A mean of networks whose weights are none.
    #[error("metric `{got}`: {problem}")]
    Weights {
        /// The name asked for.
        got: String,
        /// What is wrong.
        problem: String,
    },
    /// Not `metric`, `min:metric` or `max:metric`.
    #[error("objective `{got}` is not of the form `metric`, `min:metric` or `max:metric`")]
    BadObjective {
        /// The text.
        got: String,
    },
    /// Not `metric <= number`, or with another sign, or with a unit.
    #[error("constraint `{got}` is not of the form `metric <= number` (or `>=`, `<`, `>`), a unit behind it")]
    BadConstraint {
        /// The text.
        got: String,
    },
    /// A limit in a unit of something else.
    #[error("constraint `{constraint}`: `{got}` is no unit of a metric {}", if .expected.is_empty() { "without one".to_owned() } else { format!("in {expected}") })]
    BadUnit {
        /// The constraint as it was written.
        constraint: String,
        /// Its unit.
        got: String,
        /// The metric's unit.
        expected: String,
    },
    /// Not `name = expression`.
    #[error("`{got}` is not of the form `name = expression` or `name [unit] = expression`")]
    BadDefinition {
        /// The text.
        got: String,
    },
    /// A definition without a meaning here.
    #[error("`{name}`: {problem}")]
    Definition {
        /// The metric that it would define.
        name: String,
        /// What is wrong.
        problem: String,
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
        let unknown = problem.judge(&Outcome::failed("it crashed"));
        assert!(broken.dominates(&unknown) && unknown.losses().is_none() && !unknown.dominates(&unknown));
        assert_eq!(problem.objective_value(1, -0.25), 0.25);
    }

    #[test]
    fn goals_are_read_as_they_are_written() {
        for text in ["min:latency_s", "max:utilization"] {
            assert_eq!(text.parse::<Objective>().unwrap().to_string(), text);
        }
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

    // By hand: 2 s at 25 % are 8 s of work that is done; the limit of 5000 ms is 5 s.
    #[test]
    fn defined_metrics_are_objectives_and_constraints() {
        let plain = problem();
        let goal = Goal {
            objectives: vec!["wasted".parse().unwrap()],
            constraints: vec!["latency_s <= 5000 ms".parse().unwrap(), "wasted < 3".parse().unwrap()],
        };
        let definitions = vec!["wasted [s] = latency_s * (1 - utilization)".parse().unwrap()];
        let problem =
            Problem::with_definitions(plain.space.clone(), plain.metrics.clone(), definitions, goal).unwrap();
        assert_eq!(problem.constraints()[0], Constraint::at_most("latency_s", 5.0));
        assert_eq!(problem.objective_metric(0).unit, "s");
        let judged = problem.judge(&Outcome::Measured(vec![2.0, 0.25]));
        assert_eq!(judged, Judgement::Acceptable { losses: vec![1.5] });
        let judged = problem.judge(&Outcome::Measured(vec![4.0, 0.25]));
        assert!(matches!(judged, Judgement::Unacceptable { .. }), "{judged:?}");
        assert_eq!((problem.metrics().len(), problem.quantities().len()), (2, 3));
        assert_eq!(problem.column("wasted").unwrap().value(&[2.0, 0.25]), Some(1.5));
    }
}
