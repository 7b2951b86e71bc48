//! A figure of some runs and how sure it is.

use serde::Serialize;
use tapeout_core::Seed;

use crate::statistics::{bootstrap_interval, grouped_interval, mean};

/// A figure and its interval: by resampling, but for superiorities.
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
    fn of(n: usize, statistic: impl Fn(&[usize]) -> f64) -> Self {
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

    /// The mean of `groups`, at least one, of as many runs each, on groups like these. Shape `[groups][runs]`.
    pub(super) fn of_grouped_mean(groups: &[Vec<f64>]) -> Self {
        let drawn_mean = |drawn: &[(usize, usize)]| {
            drawn.iter().map(|&(group, run)| groups[group][run]).sum::<f64>() / drawn.len() as f64
        };
        let n = groups.first().map_or(0, Vec::len);
        let [low, high] = grouped_interval(groups.len(), n, Seed::new(0), drawn_mean);
        Self { value: mean(&groups.concat()), low, high }
    }
}
