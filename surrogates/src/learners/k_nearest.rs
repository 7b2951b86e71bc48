//! The learner `k-nearest`: the mean of the nearest logged designs, the nearer the more.
//!
//! Source: Cover & Hart (1967), "Nearest neighbor pattern classification", doi:10.1109/TIT.1967.1053964; weights by distance after Shepard
//! (1968), "A two-dimensional interpolation function for irregularly-spaced data", doi:10.1145/800186.810616. The search is
//! smartcore's. Spread and p(feasible) are those of `baseline`.

use serde::{Deserialize, Serialize};
use smartcore::error::Failed;
use tapeout_core::ConfigError;
use tapeout_core::config::check;

use crate::baseline::{Nearest, Regression, Weighting};
use crate::features::Inputs;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KNearestConfig {
    /// How many of the nearest designs count.
    pub n_neighbors: usize,
    /// What the columns of a design are.
    pub inputs: Inputs,
    /// Trials that are kept, at most; a prediction looks at each.
    pub max_points: usize,
}

impl Default for KNearestConfig {
    /// scikit-learn 1.7: five neighbours. Ours: log2 of sizes, so that near in size is near, and as many trials as are looked through
    /// in a millisecond.
    fn default() -> Self {
        Self { n_neighbors: 5, inputs: Inputs::Numbers, max_points: 5_000 }
    }
}

/// The mean of the nearest.
pub struct KNearest;

/// Logged rows and their targets.
#[derive(Serialize, Deserialize)]
pub struct LoggedRows {
    width: usize,
    nearest: Nearest,
}

impl Regression for KNearest {
    const ID: &'static str = "k-nearest";
    const SUMMARY: &'static str = "The mean of the nearest logged designs, the nearer the more";
    const DESCRIPTION: &'static str = include_str!("k_nearest.md");
    type Config = KNearestConfig;
    type Model = LoggedRows;

    fn check(config: &KNearestConfig) -> Result<(), ConfigError> {
        check("n_neighbors", config.n_neighbors, 1..=1_000)?;
        check("max_points", config.max_points, 2..=1_000_000)
    }

    fn extent(config: &KNearestConfig) -> (Inputs, usize) {
        (config.inputs, config.max_points)
    }

    fn fit(config: &KNearestConfig, rows: &[Vec<f64>], targets: &[f64]) -> Result<LoggedRows, Failed> {
        let nearest = Nearest::new(rows, targets, config.n_neighbors, Weighting::ByDistance)?;
        Ok(LoggedRows { width: rows.first().map_or(0, Vec::len), nearest })
    }

    fn predict(logged: &LoggedRows, row: &[f64]) -> f64 {
        logged.nearest.mean(row)
    }

    fn fits(logged: &LoggedRows, d: usize) -> bool {
        logged.width == d
    }
}
