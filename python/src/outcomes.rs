//! What became of designs, as columns.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tapeout::core::{Design, Outcome};

use crate::space::matrix;

/// Columns of `n` designs and outcomes: levels `[n][d]`; a column `[n]` for each of `k` metrics, NaN where a design is infeasible; for
/// each design the number of the rule that it breaks, -1 if it was measured; the rules; and the violations `[n]`, 0 where measured. A design
/// whose evaluation failed breaks the rule [`FAILED`] by 0, as no other does.
pub(crate) type Columns<'py> = (
    Bound<'py, PyArray2<u32>>,
    Vec<Bound<'py, PyArray1<f64>>>,
    Bound<'py, PyArray1<i32>>,
    Vec<String>,
    Bound<'py, PyArray1<f64>>,
);

/// What stands among the rules for designs of which nothing is known, since the evaluator failed.
const FAILED: &str = "evaluation_failed";

/// Columns that grow.
pub(crate) struct Builder {
    levels: Vec<u32>,
    metrics: Vec<Vec<f64>>,
    rule: Vec<i32>,
    rules: Vec<String>,
    violation: Vec<f64>,
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
        }
    }

    /// Adds a design, legal or not, and what became of it; `measured`: shape `[k]`, none if it is infeasible.
    pub(crate) fn add(&mut self, levels: &[u32], measured: Option<&[f64]>, broken: Option<(&str, f64)>) {
        self.levels.extend_from_slice(levels);
        for (index, column) in self.metrics.iter_mut().enumerate() {
            column.push(measured.map_or(f64::NAN, |measured| measured[index]));
        }
        let (rule, violation) =
            broken.map_or((-1, 0.0), |(rule, violation)| (self.rule_number(rule), violation));
        self.rule.push(rule);
        self.violation.push(violation);
    }

    /// Adds a design and its outcome.
    pub(crate) fn outcome(&mut self, design: &Design, outcome: &Outcome) {
        match outcome {
            Outcome::Measured(metrics) => self.add(design.levels(), Some(metrics), None),
            Outcome::Infeasible { rule, violation } => {
                self.add(design.levels(), None, Some((rule, *violation)));
            }
            Outcome::Failed { .. } => self.add(design.levels(), None, Some((FAILED, 0.0))),
        }
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
        ))
    }
}

/// The outcomes that columns say: metrics `[n][k]`, numbers of rules `[n]`, the rules, violations `[n]`.
pub(crate) fn outcomes(
    metrics: &PyReadonlyArray2<'_, f64>,
    rule: &PyReadonlyArray1<'_, i32>,
    rules: &[String],
    violation: &PyReadonlyArray1<'_, f64>,
) -> PyResult<Vec<Outcome>> {
    let rows = metrics.as_array();
    let one = |((row, &rule), &violation): ((numpy::ndarray::ArrayView1<'_, f64>, &i32), &f64)| {
        match usize::try_from(rule) {
            Err(_) => Ok(Outcome::Measured(row.to_vec())),
            Ok(number) => {
                let rule = rules.get(number).ok_or_else(|| {
                    PyValueError::new_err(format!("rule number {number} of {}", rules.len()))
                })?;
                Ok(if rule == FAILED && violation == 0.0 {
                    Outcome::failed(FAILED)
                } else {
                    Outcome::infeasible(rule, violation)
                })
            }
        }
    };
    rows.rows().into_iter().zip(rule.as_slice()?).zip(violation.as_slice()?).map(one).collect()
}
