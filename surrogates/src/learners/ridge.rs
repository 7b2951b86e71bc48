//! The learner `ridge`: linear regression with a penalty on the squares of its coefficients.
//!
//! Source: Hoerl & Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems", doi:10.1080/00401706.1970.10488634,
//! eq. 2.1; the solver is smartcore's. Spread and p(feasible) are those of `baseline`.
//! Departs from it: columns are standardised over all trials before, and targets brought to mean 0.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use smartcore::error::Failed;
use smartcore::linalg::basic::arrays::Array;
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};
use tapeout_core::ConfigError;
use tapeout_core::config::check;

use crate::baseline::{Regression, matrix};
use crate::features::Inputs;

/// Trials that a regression may learn from; smartcore copies their rows.
const POINTS: RangeInclusive<usize> = 2..=1_000_000;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RidgeConfig {
    /// The weight of the penalty, positive.
    pub alpha: f64,
    /// What the columns of a design are.
    pub inputs: Inputs,
    /// Trials that are learned from, at most.
    pub max_points: usize,
}

impl Default for RidgeConfig {
    /// scikit-learn 1.7: alpha 1. Ours: numbers and a column for each level, since a line through the numbers alone has no optimum but at
    /// an end.
    fn default() -> Self {
        Self { alpha: 1.0, inputs: Inputs::Both, max_points: 10_000 }
    }
}

/// Ridge regression.
pub struct Ridge;

/// A line through the targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    intercept: f64,
    /// Shape `[d]`.
    coefficients: Vec<f64>,
}

impl Regression for Ridge {
    const ID: &'static str = "ridge";
    const SUMMARY: &'static str =
        "Ridge regression: a line, the least that a surrogate should be better than";
    const DESCRIPTION: &'static str = include_str!("ridge.md");
    type Config = RidgeConfig;
    type Model = Line;

    fn check(config: &RidgeConfig) -> Result<(), ConfigError> {
        check("alpha", config.alpha, f64::EPSILON..=1e9)?;
        check("max_points", config.max_points, POINTS)
    }

    fn extent(config: &RidgeConfig) -> (Inputs, usize) {
        (config.inputs, config.max_points)
    }

    fn fit(config: &RidgeConfig, rows: &[Vec<f64>], targets: &[f64]) -> Result<Line, Failed> {
        let mean = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
        let (mut rows, d) = (rows.to_vec(), rows.first().map_or(0, Vec::len));
        let mut centred: Vec<f64> = targets.iter().map(|target| target - mean).collect();
        // smartcore refuses fewer rows than columns, which the penalty makes no harm. Rows of zeros are in neither XᵀX nor Xᵀy.
        let n = rows.len().max(d + 1);
        rows.resize(n, vec![0.0; d]);
        centred.resize(n, 0.0);
        let parameters = RidgeRegressionParameters::default().with_alpha(config.alpha).with_normalize(false);
        let fitted = RidgeRegression::fit(&matrix(&rows)?, &centred, parameters)?;
        let coefficients = fitted.coefficients().iterator(0).copied().collect();
        Ok(Line { intercept: mean, coefficients })
    }

    fn predict(line: &Line, row: &[f64]) -> f64 {
        line.intercept + line.coefficients.iter().zip(row).map(|(w, x)| w * x).sum::<f64>()
    }

    fn fits(line: &Line, d: usize) -> bool {
        line.coefficients.len() == d
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Targets 1, 3, 5 at -1, 0, 1: centred -2, 0, 2, so Xᵀy = 4 and XᵀX = 2, and with alpha 2 the slope is 4 / (2 + 2) = 1.
    #[test]
    fn a_line_by_hand() {
        let config = RidgeConfig { alpha: 2.0, ..RidgeConfig::default() };
        let rows = [[-1.0], [0.0], [1.0]].map(|row| row.to_vec());
        let line = Ridge::fit(&config, &rows, &[1.0, 3.0, 5.0]).unwrap();
        assert!(
            (line.intercept - 3.0).abs() < 1e-12 && (line.coefficients[0] - 1.0).abs() < 1e-12,
            "{line:?}"
        );
        assert!((Ridge::predict(&line, &[2.0]) - 5.0).abs() < 1e-12);
    }

    /// One row, three columns: w = x y / (x x + alpha) along the row, but the target is its own mean, so nothing is left to explain.
    #[test]
    fn fewer_rows_than_columns_are_learned_from() {
        let line = Ridge::fit(&RidgeConfig::default(), &[vec![1.0, 0.0, 2.0]], &[4.0]).unwrap();
        assert_eq!(line, Line { intercept: 4.0, coefficients: vec![0.0; 3] });
    }
}
