//! Where hypervolumes end: a point that somebody fixed, or one beyond the worst of all fronts.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use tapeout_core::names::nearest_name;
use tapeout_core::{Constraint, Direction, Problem};

use super::ComparisonError;
use crate::durable_file::put_whole;

/// How far beyond the worst loss a volume ends, as a share of the range: the ends of a front count, and little beside its middle.
/// Source: Ishibuchi, Imada, Setoguchi & Nojima (2018), doi:10.1162/evco_a_00226, 1/(H - 1) of the range for a front of H designs and two
/// objectives: here of 11. With more of them so many designs ask for more; ours is the same, so that the point is found in one way.
const MARGIN: f64 = 0.1;

/// Where a comparison notes it: a value a line, as they are written on the command line.
const NOTE: &str = "reference.txt";

/// A coordinate of a reference point that somebody fixed: `area_m2=10 mm2`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceValue(Constraint);

impl ReferenceValue {
    /// The metric.
    pub fn metric(&self) -> &str {
        &self.0.metric
    }

    /// Notes in the folder of a comparison where its volumes end, so that whoever reads it again measures the same.
    ///
    /// # Errors
    /// [`ComparisonError::Table`] if the note cannot be written.
    pub fn keep(fixed: &[Self], folder: &Path) -> Result<(), ComparisonError> {
        let path = folder.join(NOTE);
        let lines: String = fixed.iter().map(|value| format!("{value}\n")).collect();
        let put =
            if fixed.is_empty() && !path.exists() { Ok(()) } else { put_whole(&path, lines.as_bytes()) };
        put.map_err(|source| ComparisonError::Table { path, source })
    }

    /// What [`keep`](Self::keep) noted; nothing if there is no note.
    ///
    /// # Errors
    /// [`ComparisonError::Reference`] if the note cannot be read, or says something else.
    pub(super) fn kept(folder: &Path) -> Result<Vec<Self>, ComparisonError> {
        let path = folder.join(NOTE);
        let text = match tapeout_input::read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let got = format!("{error}` in `{}", path.display());
                return Err(ComparisonError::Reference {
                    got,
                    expected: "a file that can be read".to_owned(),
                });
            }
        };
        let value = |line: &str| {
            line.parse().map_err(|expected| ComparisonError::Reference {
                got: format!("{line}` in `{}", path.display()),
                expected,
            })
        };
        text.lines().map(value).collect()
    }

    /// The losses at which volumes of `problem` end, as far as `fixed` says so. Shape `[m]`.
    ///
    /// # Errors
    /// [`ComparisonError::Reference`] if a value is in a unit of something else than its metric.
    pub(super) fn losses(fixed: &[Self], problem: &Problem) -> Result<Vec<Option<f64>>, ComparisonError> {
        let loss = |index: usize| -> Result<Option<f64>, ComparisonError> {
            let (objective, metric) = (&problem.objectives()[index], problem.objective_metric(index));
            let Some(value) = fixed.iter().find(|value| value.metric() == objective.metric) else {
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
    /// [`ComparisonError::Reference`] with the nearest objective, or what is given twice.
    pub(super) fn check<'a>(
        fixed: &[Self],
        problems: impl Iterator<Item = &'a Problem>,
    ) -> Result<(), ComparisonError> {
        let is_given_before = |(place, value): &(usize, &Self)| {
            fixed[..*place].iter().any(|before| before.metric() == value.metric())
        };
        if let Some((_, again)) = fixed.iter().enumerate().find(is_given_before) {
            return Err(ComparisonError::Reference {
                got: again.to_string(),
                expected: format!("one value for {}, which has another already", again.metric()),
            });
        }
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
    use std::fs;

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

    // Claim: what was noted is read again, none if none is fixed any more, and a note that says something else is named.
    #[test]
    fn a_note_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let fixed: Vec<ReferenceValue> =
            ["latency_s=0.002", "area_m2=10.0 mm2"].map(|text| text.parse().unwrap()).to_vec();
        ReferenceValue::keep(&[], folder.path()).unwrap();
        assert!(!folder.path().join(NOTE).exists());
        for values in [fixed.as_slice(), &[]] {
            ReferenceValue::keep(values, folder.path()).unwrap();
            assert_eq!(ReferenceValue::kept(folder.path()).unwrap(), values);
        }
        fs::write(folder.path().join(NOTE), "latency").unwrap();
        assert!(ReferenceValue::kept(folder.path()).unwrap_err().to_string().contains(NOTE));
        // No text at all is no missing note.
        fs::write(folder.path().join(NOTE), [0xff]).unwrap();
        assert!(ReferenceValue::kept(folder.path()).unwrap_err().to_string().contains(NOTE));
    }

    #[test]
    fn a_metric_has_one_value() {
        let fixed = ["latency_s=1", "latency_s=2"].map(|text| text.parse().unwrap());
        let error = ReferenceValue::check(&fixed, std::iter::empty()).unwrap_err().to_string();
        assert!(error.contains("latency_s=2") && error.contains("has another already"), "{error}");
    }
}
