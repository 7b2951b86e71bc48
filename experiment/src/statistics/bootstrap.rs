//! Intervals by resampling.

use rand::RngExt;
use tapeout_core::Seed;

use super::quantile::between;

/// Share of intervals that are to hold the true figure. Ours: what papers and referees expect.
pub const CONFIDENCE: f64 = 0.95;

/// How many times a sample is drawn anew. Ours: twice the 1,000 that Efron & Tibshirani (1993), An Introduction to the
/// Bootstrap, chapter 13, find enough for percentile intervals.
pub const RESAMPLES: usize = 2000;

/// Percentile interval of `statistic` at [`CONFIDENCE`], over `n` runs that are drawn anew [`RESAMPLES`] times.
///
/// `n`: at least one. `statistic`: takes the indices of the runs drawn, shape `[n]`, each from 0 to `n` - 1. The same seed
/// gives the same interval.
/// Source: Efron & Tibshirani (1993), chapter 13.
///
/// ```
/// # use tapeout_core::Seed;
/// # use tapeout_experiment::statistics::{bootstrap_interval, mean};
/// let results = [3.0, 4.0, 5.0, 6.0, 7.0];
/// let mean_of = |drawn: &[usize]| mean(&drawn.iter().map(|&run| results[run]).collect::<Vec<f64>>());
/// let [low, high] = bootstrap_interval(results.len(), Seed::new(0), mean_of);
/// assert!(3.0 < low && low < 5.0 && 5.0 < high && high < 7.0);
/// ```
pub fn bootstrap_interval(n: usize, seed: Seed, statistic: impl Fn(&[usize]) -> f64) -> [f64; 2] {
    let mut stream = seed.stream("bootstrap");
    let mut drawn = vec![0; n];
    percentiles(|| {
        drawn.fill_with(|| stream.random_range(0..n));
        statistic(&drawn)
    })
}

/// The same where runs come in `n_groups` of `n` each, such as problems: groups are drawn, and of each group that is drawn its runs, so that the
/// interval says how far a figure would move on other groups. With one group it is that of its runs alone.
///
/// `n_groups` and `n`: at least one. `statistic`: takes group and run of each that is drawn, shape `[n_groups * n]`.
/// Source: Davison & Hinkley (1997), Bootstrap Methods and their Application, section 3.8, strategy 2.
pub fn grouped_interval(
    n_groups: usize,
    n: usize,
    seed: Seed,
    statistic: impl Fn(&[(usize, usize)]) -> f64,
) -> [f64; 2] {
    let mut stream = seed.stream("bootstrap");
    let mut drawn = vec![(0, 0); n_groups * n];
    percentiles(|| {
        for runs in drawn.chunks_mut(n) {
            let group = stream.random_range(0..n_groups);
            runs.fill_with(|| (group, stream.random_range(0..n)));
        }
        statistic(&drawn)
    })
}

/// Between which [`CONFIDENCE`] of the figures lie that are drawn.
fn percentiles(draw: impl FnMut() -> f64) -> [f64; 2] {
    let mut figures: Vec<f64> = std::iter::repeat_with(draw).take(RESAMPLES).collect();
    figures.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    [between(&figures, tail), between(&figures, 1.0 - tail)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::mean;

    fn interval(sample: &[f64], seed: u64) -> [f64; 2] {
        bootstrap_interval(sample.len(), Seed::new(seed), |drawn| {
            mean(&drawn.iter().map(|&index| sample[index]).collect::<Vec<f64>>())
        })
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let sample = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6];
        assert_eq!(interval(&sample, 1), interval(&sample, 1));
        assert_ne!(interval(&sample, 1), interval(&sample, 2));
    }

    #[test]
    fn equal_results_leave_no_doubt() {
        assert_eq!(interval(&[2.0; 5], 0), [2.0; 2]);
    }

    // By hand: the resampled mean of n/2 zeros and n/2 ones has standard deviation 0.5 / sqrt(n); with n = 400 the
    // interval is 0.5 +- 1.96 * 0.025 = [0.451, 0.549]. An end of it, estimated from 2,000 draws, has a standard error
    // of 0.0015; 0.008 is five of them.
    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal_law() {
        let sample: Vec<f64> = (0..400).map(|index| f64::from(index % 2)).collect();
        let [low, high] = interval(&sample, 0);
        assert!((low - 0.451).abs() < 0.008 && (high - 0.549).abs() < 0.008, "{low} {high}");
    }

    // By hand: of two groups whose runs are all 0 and all 1 either is drawn twice in a quarter of the resamples, however many runs each has.
    #[test]
    fn many_runs_of_a_group_are_no_more_groups() {
        let share = |drawn: &[(usize, usize)]| {
            drawn.iter().map(|&(group, _)| group as f64).sum::<f64>() / drawn.len() as f64
        };
        assert_eq!(grouped_interval(2, 50, Seed::new(0), share), [0.0, 1.0]);
    }
}
