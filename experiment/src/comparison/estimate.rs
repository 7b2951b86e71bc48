//! A figure of some runs and how sure it is.

use serde::Serialize;
use tapeout_core::Seed;

use crate::statistics::{bootstrap_interval, mean};

/// A figure and its bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct IntervalEstimate {
    /// The figure.
    pub value: f64,
    /// Lower end at 95 %.
    pub low: f64,
    /// Upper end at 95 %.
    pub high: f64,
}

impl IntervalEstimate {
    /// `statistic` of `n` runs; it takes the indices of those drawn, shape `[n]`.
    pub(super) fn of(n: usize, statistic: impl Fn(&[usize]) -> f64) -> Self {
        // The same draws for every figure, so that equal samples have equal intervals.
        let [low, high] = bootstrap_interval(n, Seed::new(0), &statistic);
        Self { value: statistic(&(0..n).collect::<Vec<usize>>()), low, high }
    }

    /// The mean of `sample`.
    pub(super) fn of_mean(sample: &[f64]) -> Self {
        let drawn_mean =
            |drawn: &[usize]| drawn.iter().map(|&index| sample[index]).sum::<f64>() / drawn.len() as f64;
        Self { value: mean(sample), ..Self::of(sample.len(), drawn_mean) }
    }
}
