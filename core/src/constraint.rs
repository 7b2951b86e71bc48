//! Limits on what is measured: `area_m2 <= 27e-6`, `latency_s.unet < 30 ms`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::problem::ProblemError;
use crate::unit::in_unit;

/// The side on which a limit lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The metric may not be larger.
    AtMost,
    /// The metric may not be smaller.
    AtLeast,
    /// The metric must be smaller.
    Below,
    /// The metric must be larger.
    Above,
}

impl Side {
    /// Every side with the sign that says it, longer signs first.
    const SIGNS: [(&'static str, Self); 4] =
        [("<=", Self::AtMost), (">=", Self::AtLeast), ("<", Self::Below), (">", Self::Above)];

    /// Whether what is too large is beyond the limit.
    pub fn is_upper(self) -> bool {
        matches!(self, Self::AtMost | Self::Below)
    }

    /// Whether the limit itself is beyond it.
    fn is_strict(self) -> bool {
        matches!(self, Self::Below | Self::Above)
    }

    fn sign(self) -> &'static str {
        let sign = Self::SIGNS.iter().find(|(_, side)| *side == self);
        sign.expect("invariant: every side has a sign").0
    }
}

/// A limit on a metric. Written `area_m2 <= 27e-6`, `utilization > 0.5` or, in a unit, `area_m2 <= 27 mm2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    /// The metric's name.
    pub metric: String,
    /// Whether the limit is the largest or the smallest that is acceptable, or the first that is not.
    pub side: Side,
    /// The limit, in the metric's unit unless another was written.
    pub limit: f64,
    /// The unit that was written; empty for the metric's own.
    unit: String,
}

impl Constraint {
    /// The metric may not be larger than `limit`.
    pub fn at_most(metric: &str, limit: f64) -> Self {
        Self { metric: metric.to_owned(), side: Side::AtMost, limit, unit: String::new() }
    }

    /// The metric may not be smaller than `limit`.
    pub fn at_least(metric: &str, limit: f64) -> Self {
        Self { side: Side::AtLeast, ..Self::at_most(metric, limit) }
    }

    /// The same limit in `unit`, that of its metric.
    ///
    /// # Errors
    /// [`ProblemError::BadUnit`] if it was written in a unit of something else.
    pub fn in_unit_of(&self, unit: &str) -> Result<Self, ProblemError> {
        let limit = in_unit(self.limit, &self.unit, unit).ok_or_else(|| ProblemError::BadUnit {
            constraint: self.to_string(),
            got: self.unit.clone(),
            expected: unit.to_owned(),
        })?;
        Ok(Self { limit, unit: String::new(), ..self.clone() })
    }

    /// How far `value` lies beyond the limit, as a fraction of the limit (or plainly, for a limit of 0); 0 within it. On a limit that
    /// is to be kept away from, next to nothing, but more than 0.
    pub fn violation(&self, value: f64) -> f64 {
        let beyond = if self.side.is_upper() { value - self.limit } else { self.limit - value };
        let scale = if self.limit == 0.0 { 1.0 } else { self.limit.abs() };
        if self.side.is_strict() && beyond >= 0.0 {
            return (beyond / scale).max(f64::EPSILON);
        }
        beyond.max(0.0) / scale
    }

    /// Whether every value within this limit is within `other`, which is on the same metric.
    pub fn implies(&self, other: &Self) -> bool {
        let is_within =
            if other.side.is_upper() { self.limit <= other.limit } else { self.limit >= other.limit };
        let is_kept_away = self.limit != other.limit || self.side.is_strict() || !other.side.is_strict();
        self.metric == other.metric
            && self.side.is_upper() == other.side.is_upper()
            && is_within
            && is_kept_away
    }
}

impl FromStr for Constraint {
    type Err = ProblemError;

    fn from_str(text: &str) -> Result<Self, ProblemError> {
        let parsed = Side::SIGNS.iter().find_map(|&(sign, side)| {
            let (metric, limit) = text.split_once(sign)?;
            let limit = limit.trim();
            let end = limit.find(char::is_whitespace).unwrap_or(limit.len());
            // A unit may follow at once: `27mm2`.
            let (number, unit) =
                longest_number(&limit[..end]).map_or((&limit[..end], &limit[end..]), |at| limit.split_at(at));
            let limit: f64 = number.parse().ok().filter(|limit: &f64| limit.is_finite())?;
            let metric = metric.trim().to_owned();
            // Weights of networks stand in brackets: `latency_s.mean(unet=3, dlrm=1)`.
            let before_weights = metric.split('(').next().unwrap_or_default();
            let is_one = !before_weights.contains('=') && !metric.is_empty() && !metric.contains(['<', '>']);
            is_one.then(|| Self { metric, side, limit, unit: unit.trim().to_owned() })
        });
        parsed.ok_or_else(|| ProblemError::BadConstraint { got: text.to_owned() })
    }
}

/// Where the longest number ends that `text` begins with.
fn longest_number(text: &str) -> Option<usize> {
    let ends = (1..=text.len()).rev().filter(|&end| text.is_char_boundary(end));
    let is_number = |end: &usize| text[..*end].parse::<f64>().is_ok_and(f64::is_finite);
    ends.into_iter().find(is_number)
}

impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {:?}", self.metric, self.side.sign(), self.limit)?;
        if self.unit.is_empty() { Ok(()) } else { write!(formatter, " {}", self.unit) }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(text: &str) -> Constraint {
        text.parse().unwrap()
    }

    #[test]
    fn limits_are_read_as_they_are_written() {
        for text in
            ["area_m2 <= 2.7e-5", "area_m2 >= 0.5", "latency_s.unet < 30.0 ms", "utilization > 50.0 %"]
        {
            assert_eq!(constraint(text).to_string(), text);
        }
        assert_eq!(constraint("area_m2<=10mm2"), constraint("area_m2 <= 10 mm2"));
        assert_eq!(constraint("x <= 1e-3"), Constraint::at_most("x", 1e-3));
        for text in ["area_m2 = 3", "area_m2 <= NaN", "area_m2 <=", "<= 3", "1 <= x <= 3", "x <= ms"] {
            assert!(text.parse::<Constraint>().is_err(), "{text}");
        }
    }

    // By hand: 10 mm2 are 1e-5 m2 to the last digit.
    #[test]
    fn limits_in_other_units_are_those_of_the_metric() {
        let limit = |text: &str, unit: &str| constraint(text).in_unit_of(unit).map(|it| it.limit);
        assert_eq!(limit("a <= 10 mm2", "m2").unwrap(), 1e-5);
        assert_eq!(limit("a <= 30 ms", "s").unwrap(), 0.03);
        assert_eq!(limit("a <= 64 KiB", "byte").unwrap(), 65_536.0);
        assert_eq!(limit("a <= 50 %", "").unwrap(), 0.5);
        assert_eq!(
            limit("a <= 10 ms", "m2").unwrap_err().to_string(),
            "constraint `a <= 10.0 ms`: `ms` is no unit of a metric in m2"
        );
    }

    #[test]
    fn the_limit_itself_is_beyond_a_strict_one() {
        let (at_most, below) = (constraint("x <= 2"), constraint("x < 2"));
        assert_eq!((at_most.violation(2.0), at_most.violation(3.0), at_most.violation(1.0)), (0.0, 0.5, 0.0));
        assert_eq!((below.violation(1.0), below.violation(3.0)), (0.0, 0.5));
        assert!(below.violation(2.0) > 0.0 && constraint("x > 0").violation(0.0) > 0.0);
    }

    #[test]
    fn a_limit_within_another_implies_it() {
        let implies = |a: &str, b: &str| constraint(a).implies(&constraint(b));
        assert!(implies("x <= 2", "x <= 3") && implies("x <= 2", "x <= 2") && implies("x < 2", "x <= 2"));
        assert!(!implies("x <= 2", "x < 2") && !implies("x <= 2", "x <= 1") && !implies("x <= 2", "y <= 3"));
        assert!(implies("x >= 3", "x > 2") && !implies("x >= 3", "x <= 3"));
    }
}
