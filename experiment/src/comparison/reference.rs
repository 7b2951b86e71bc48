//! Where hypervolumes end: a point that somebody fixed, or one beyond the worst of all fronts.

use std::fmt;
use std::str::FromStr;

use tapeout_core::names::nearest_name;
use tapeout_core::{Constraint, Direction, Problem};

use super::ComparisonError;

/// How far beyond the worst loss a volume ends, as a share of the range: the ends of a front count, and little beside its middle.
/// Source: Ishibuchi, Imada, Setoguchi & Nojima (2018), doi:10.1162/evco_a_00226, 1/(H - 1) of the range for a front of H designs and two
/// objectives: here of 11. With more of them so many designs ask for more; ours is the same, so that the point is found in one way.
const MARGIN: f64 = 0.1;

/// A coordinate of a reference point that somebody fixed: `area_m2=10 mm2`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceValue(Constraint);

impl ReferenceValue {
    /// The metric.
    pub fn metric(&self) -> &str {
        &self.0.metric
    }

    /// The losses at which volumes of `problem` end, as far as `fixed` says so. Shape `[m]`.
    ///
    /// # Errors
    /// [`ComparisonError::Reference`] if a value is in a unit of something else than its metric.
    pub(super) fn losses(fixed: &[Self], problem: &Problem) -> Result<Vec<Option<f64>>, ComparisonError> {
        let loss = |index: usize| -> Result<Option<f64>, ComparisonError> {
            let (objective, metric) = (&problem.objectives()[index], problem.objective_metric(index));
            let Some(value) = fixed.iter().rev().find(|value| value.metric() == objective.metric) else {
                return Ok(None);
            };
            let limit = value.0.in_unit_of(&metric.unit).map_err(|_| ComparisonError::Reference {
                got: value.to_string(),
                expected: format!("a value in `{}`, its unit, or one of its multiples", metric.unit),
            })?;
            Ok(Some(match objective.direction {
                Direction::Minimize => limit.limit,
                Direction::Maximize => 0.0 - limit.limit,
            }))
        };
        (0..problem.n_objectives()).map(loss).collect()
    }

    /// Fails unless each of `fixed` is of an objective of one of `problems` that has several.
    ///
    /// # Errors
    /// [`ComparisonError::Reference`] with the nearest objective.
    pub(super) fn check<'a>(
        fixed: &[Self],
        problems: impl Iterator<Item = &'a Problem>,
    ) -> Result<(), ComparisonError> {
        let several = problems.filter(|problem| problem.n_objectives() > 1);
        let names: Vec<&str> =
            several.flat_map(Problem::objectives).map(|objective| objective.metric.as_str()).collect();
        let Some(unknown) = fixed.iter().find(|value| !names.contains(&value.metric())) else {
            return Ok(());
        };
        let expected = match nearest_name(unknown.metric(), names.iter().copied()) {
            _ if names.is_empty() => "several objectives, for one has no volume".to_owned(),
            Some(nearest) => format!("an objective such as `{nearest}`"),
            None => format!("one of the objectives {}", names.join(", ")),
        };
        Err(ComparisonError::Reference { got: unknown.to_string(), expected })
    }
}

impl FromStr for ReferenceValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |(metric, value): (&str, &str)| format!("{metric} <= {value}").parse().ok();
        let constraint = text.split_once('=').and_then(read);
        constraint
            .map(Self)
            .ok_or_else(|| "expected a metric and a value, such as `area_m2=10 mm2`".to_owned())
    }
}

impl fmt::Display for ReferenceValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        formatter.write_str(&text.replacen(" <= ", "=", 1))
    }
}

/// The least and the largest loss of all fronts, for each objective.
pub(super) type Ranges = Vec<(f64, f64)>;

/// Where volumes end, in losses: where it is `fixed`, and else beyond the worst. Shape `[m]`.
pub(super) fn point(ranges: &Ranges, fixed: &[Option<f64>]) -> Vec<f64> {
    let fixed = fixed.iter().copied().chain(std::iter::repeat(None));
    ranges.iter().zip(fixed).map(|(range, fixed)| fixed.unwrap_or(range.1 + MARGIN * width(range))).collect()
}

/// From the least to the largest loss; of one that is the same on all fronts its size, and 1 if that is 0.
pub(super) fn width(&(low, high): &(f64, f64)) -> f64 {
    match high - low {
        range if range > 0.0 => range,
        _ if high != 0.0 => high.abs(),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_as_it_is_written() {
        for text in ["latency_s=0.002", "area_m2=10.0 mm2"] {
            assert_eq!(text.parse::<ReferenceValue>().unwrap().to_string(), text);
        }
        for text in ["", "latency_s", "=1", "latency_s=", "latency_s=fast", "latency_s<=2"] {
            assert!(text.parse::<ReferenceValue>().unwrap_err().contains("`area_m2=10 mm2`"), "{text}");
        }
    }
}
