//! What became of designs, as columns.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tapeout::core::Outcome;

use crate::space::matrix;

/// Columns of `n` designs and outcomes: levels `[n][d]`; a column `[n]` for each of `k` metrics, NaN where a design was not measured; for
/// each design the number of the rule that it breaks, [`MEASURED`], or [`FAILED`]; the rules; the violations `[n]`, 0 where no rule is
/// broken; and the place of each design whose evaluation failed, with the cause.
pub(crate) type Columns<'py> = (
    Bound<'py, PyArray2<u32>>,
    Vec<Bound<'py, PyArray1<f64>>>,
    Bound<'py, PyArray1<i32>>,
    Vec<String>,
    Bound<'py, PyArray1<f64>>,
    Vec<(usize, String)>,
);

/// What stands in the place of a rule where a design was measured.
const MEASURED: i32 = -1;
/// What stands in the place of a rule where nothing is known of a design, since the evaluator failed.
const FAILED: i32 = -2;

/// Columns that grow.
pub(crate) struct Builder {
    levels: Vec<u32>,
    metrics: Vec<Vec<f64>>,
    rule: Vec<i32>,
    rules: Vec<String>,
    violation: Vec<f64>,
    causes: Vec<(usize, String)>,
}

impl Builder {
    /// Room for `n` designs with `k` metrics.
    pub(crate) fn new(n: usize, n_metrics: usize) -> Self {
        Self {
            levels: Vec::new(),
            metrics: (0..n_metrics).map(|_| Vec::with_capacity(n)).collect(),
            rule: Vec::with_capacity(n),
            rules: Vec::new(),
            violation: Vec::with_capacity(n),
            causes: Vec::new(),
        }
    }

    /// Adds a design, legal or not, and what became of it.
    pub(crate) fn add(&mut self, levels: &[u32], outcome: &Outcome) {
        self.levels.extend_from_slice(levels);
        let measured = outcome.metrics();
        for (index, column) in self.metrics.iter_mut().enumerate() {
            column.push(measured.map_or(f64::NAN, |measured| measured[index]));
        }
        let (rule, violation) = match outcome {
            Outcome::Measured(_) => (MEASURED, 0.0),
            Outcome::Infeasible { rule, violation } => (self.rule_number(rule), *violation),
            Outcome::Failed { cause } => {
                self.causes.push((self.rule.len(), cause.clone()));
                (FAILED, 0.0)
            }
        };
        self.rule.push(rule);
        self.violation.push(violation);
    }

    fn rule_number(&mut self, rule: &str) -> i32 {
        let known = self.rules.iter().position(|known| known == rule);
        let number = known.unwrap_or_else(|| {
            self.rules.push(rule.to_owned());
            self.rules.len() - 1
        });
        i32::try_from(number).expect("a space has few rules")
    }

    /// The columns, which Python owns from now on.
    pub(crate) fn columns(self, py: Python<'_>, n_parameters: usize) -> PyResult<Columns<'_>> {
        Ok((
            matrix(py, self.levels, n_parameters)?,
            self.metrics.into_iter().map(|column| column.into_pyarray(py)).collect(),
            self.rule.into_pyarray(py),
            self.rules,
            self.violation.into_pyarray(py),
            self.causes,
        ))
    }
}

/// The outcomes that columns say: metrics `[n][k]`, numbers of rules `[n]`, the rules, violations `[n]`, and the causes of failures by
/// place.
pub(crate) fn outcomes(
    metrics: &PyReadonlyArray2<'_, f64>,
    rule: &PyReadonlyArray1<'_, i32>,
    rules: &[String],
    violation: &PyReadonlyArray1<'_, f64>,
    causes: Vec<(usize, String)>,
) -> PyResult<Vec<Outcome>> {
    let rows = metrics.as_array();
    let one = |((row, &rule), &violation): ((numpy::ndarray::ArrayView1<'_, f64>, &i32), &f64)| {
        match usize::try_from(rule) {
            // Which failure it is, is said below.
            Err(_) => Ok(Outcome::Measured(row.to_vec())),
            Ok(number) => {
                let rule = rules.get(number).ok_or_else(|| {
                    PyValueError::new_err(format!("rule number {number} of {}", rules.len()))
                })?;
                Ok(Outcome::infeasible(rule, violation))
            }
        }
    };
    let outcomes = rows.rows().into_iter().zip(rule.as_slice()?).zip(violation.as_slice()?).map(one);
    let mut outcomes = outcomes.collect::<PyResult<Vec<Outcome>>>()?;
    for (place, cause) in causes {
        let n = outcomes.len();
        let outcome = outcomes.get_mut(place);
        *outcome.ok_or_else(|| PyValueError::new_err(format!("failure at {place} of {n} outcomes")))? =
            Outcome::Failed { cause };
    }
    Ok(outcomes)
}
