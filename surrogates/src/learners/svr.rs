//! The learner `svr`: support vector regression with a Gaussian kernel.
//!
//! Source: Smola & Schoelkopf (2004), "A tutorial on support vector regression", doi:10.1023/B:STCO.0000035301.49549.88; the solver is
//! smartcore's. Spread and p(feasible) are those of `baseline`.

use std::ops::Bound::{Excluded, Included};

use serde::{Deserialize, Serialize};
use smartcore::error::{Failed, FailedError};
use smartcore::svm::Kernels;
use smartcore::svm::svr::{SVR, SVRParameters};
use tapeout_core::config::{above, check};
use tapeout_core::{ConfigError, Saved};

use crate::baseline::{Regression, matrix};
use crate::features::Inputs;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SvrConfig {
    /// `C`: how much an error beyond the tube counts, against a flat function.
    pub c: f64,
    /// Half the width of the tube in which an error counts for nothing, in standard deviations of the target.
    pub epsilon: f64,
    /// Of the kernel exp(-gamma |x - y|²); 1 over the number of columns if absent.
    pub gamma: Option<f64>,
    /// What the columns of a design are.
    pub inputs: Inputs,
    /// Trials that are learned from, at most; the solver keeps a covariance for each pair.
    pub max_points: usize,
}

impl Default for SvrConfig {
    /// scikit-learn 1.7: C 1, epsilon 0.1, gamma 1/d for columns of variance 1. Ours: 1,000 trials.
    fn default() -> Self {
        Self { c: 1.0, epsilon: 0.1, gamma: None, inputs: Inputs::Numbers, max_points: 1_000 }
    }
}

/// Support vector regression.
pub struct Svr;

/// A sum of kernels around some of the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KernelSum {
    gamma: f64,
    width: usize,
    /// Shape `[vectors][d]`.
    vectors: Vec<Vec<f64>>,
    /// Shape `[vectors]`.
    weights: Vec<f64>,
    offset: f64,
}

/// A fitted `SVR` as it is serialized, in the order of its fields. It borrows its parameters and shows nothing of what it learned, so this is the
/// one way to a model that can be kept.
#[derive(Deserialize)]
struct Written {
    instances: Option<Vec<Vec<f64>>>,
    _parameters: Option<SVRParameters<f64>>,
    w: Option<Vec<f64>>,
    b: f64,
}

impl Regression for Svr {
    const ID: &'static str = "svr";
    const SUMMARY: &'static str =
        "Support vector regression with a Gaussian kernel, on up to a thousand trials";
    const DESCRIPTION: &'static str = include_str!("svr.md");
    type Config = SvrConfig;
    type Model = KernelSum;

    fn check(config: &SvrConfig) -> Result<(), ConfigError> {
        check("c", config.c, (Excluded(0.0), Included(1e9)))?;
        check("epsilon", config.epsilon, 0.0..=10.0)?;
        check("gamma", config.gamma.unwrap_or(1.0), above(0.0))?;
        check("max_points", config.max_points, 2..=10_000)
    }

    fn extent(config: &SvrConfig) -> (Inputs, usize) {
        (config.inputs, config.max_points)
    }

    fn fit(config: &SvrConfig, rows: &[Vec<f64>], targets: &[f64]) -> Result<KernelSum, Failed> {
        let width = rows.first().map_or(0, Vec::len);
        let gamma = config.gamma.unwrap_or(1.0 / width.max(1) as f64);
        let parameters = SVRParameters::default()
            .with_c(config.c)
            .with_eps(config.epsilon)
            .with_kernel(Kernels::rbf().with_gamma(gamma));
        let (matrix, targets) = (matrix(rows)?, targets.to_vec());
        let fitted = SVR::fit(&matrix, &targets, &parameters)?;
        let unreadable = |error| Failed::because(FailedError::FitFailed, &format!("{error}"));
        let written: Written = Saved::new(Self::ID, 1, &fitted).state().map_err(unreadable)?;
        let (vectors, weights) = (written.instances.unwrap_or_default(), written.w.unwrap_or_default());
        Ok(KernelSum { gamma, width, vectors, weights, offset: written.b })
    }

    fn predict(sum: &KernelSum, row: &[f64]) -> f64 {
        let kernel = |vector: &[f64]| {
            let squared: f64 = vector.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum();
            (-sum.gamma * squared).exp()
        };
        let terms = sum.vectors.iter().zip(&sum.weights).map(|(vector, weight)| weight * kernel(vector));
        sum.offset + terms.sum::<f64>()
    }

    fn fits(sum: &KernelSum, d: usize) -> bool {
        sum.width == d
            && sum.vectors.len() == sum.weights.len()
            && sum.vectors.iter().all(|vector| vector.len() == d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Law: the sum that is kept says what smartcore's own prediction says, and errors beyond the tube are at its edge where the penalty
    /// allows: |error| <= epsilon for a C as large as this.
    #[test]
    fn what_is_kept_predicts_what_was_fitted() {
        let config = SvrConfig { c: 1e3, epsilon: 0.05, gamma: Some(0.5), ..SvrConfig::default() };
        let rows: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i) / 4.0, f64::from(i % 3)]).collect();
        let targets: Vec<f64> = rows.iter().map(|row| row[0].sin() + 0.3 * row[1]).collect();
        let sum = Svr::fit(&config, &rows, &targets).unwrap();
        let parameters = SVRParameters::default()
            .with_c(config.c)
            .with_eps(config.epsilon)
            .with_kernel(Kernels::rbf().with_gamma(0.5));
        let matrix = matrix(&rows).unwrap();
        let predicted = SVR::fit(&matrix, &targets, &parameters).unwrap().predict(&matrix).unwrap();
        for ((row, expected), target) in rows.iter().zip(predicted).zip(&targets) {
            let got = Svr::predict(&sum, row);
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
            assert!((got - target).abs() < 0.05 + 2e-3, "{got} {target}");
        }
        assert!(Svr::fits(&sum, 2) && !Svr::fits(&sum, 3));
    }
}
