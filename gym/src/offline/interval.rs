//! Intervals for what is proposed, from what came of designs that were held out and would have been proposed.
//!
//! Sources: Vovk, Gammerman & Shafer (2005), "Algorithmic learning in a random world", for conformal prediction; Barber, Candès,
//! Ramdas & Tibshirani (2021), "Predictive inference with the jackknife+", doi:10.1214/20-AOS1965, for residuals by
//! cross-validation; Thaler (1988), "Anomalies: the winner's curse", doi:10.1257/jep.2.1.191: what was chosen for its promise
//! keeps less of it in the mean.
//! Ours: a search picks where its model is wrong to its own advantage, and no residual of held-out rows tells by how much. So what is
//! promised is what a second learner says of what the first has found, as van Hasselt (2010), "Double Q-learning", NIPS, has one
//! estimator choose and another one judge. Residuals are of the second learner, on the held-out rows that both like most.

use serde::{Deserialize, Serialize};
use tapeout_core::Problem;
use tapeout_experiment::dataset::Dataset;
use tapeout_experiment::statistics::quantile;
use tapeout_surrogates::targets::TargetScale;

use super::held_out::{HeldOut, groups};

/// How many of the designs lie within the interval.
pub const LEVEL: f64 = 0.9;
/// Fewer residuals have no twentieth. Ours: 1 / (1 - [`LEVEL`]) twice, so that one lies beyond either end.
const LEAST_RESIDUALS: usize = 20;

/// Where a metric is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// One in twenty is below.
    pub low: f64,
    /// Half are below: what is expected once the winner's curse is taken off.
    pub middle: f64,
    /// One in twenty is above.
    pub high: f64,
}

/// What a model's promises of each metric come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Promises {
    /// Shape `[k]`.
    metrics: Vec<Residuals>,
}

/// How far the truth was from what was expected, on the scale of a metric.
#[derive(Debug, Clone, PartialEq)]
struct Residuals {
    is_logarithmic: bool,
    /// Quantiles of truth less expected: low, middle and high.
    quantiles: [f64; 3],
}

impl Promises {
    /// From what two learners said of the same rows, held out; none if they like too few of them to tell.
    pub fn of(dataset: &Dataset, problem: &Problem, first: &[HeldOut], second: &[HeldOut]) -> Option<Self> {
        let both: Vec<HeldOut> = first.iter().zip(second).map(|(one, other)| one.with(other)).collect();
        let mut liked: Vec<(&[f64], &[f64])> = Vec::new();
        for (by_both, by_second) in groups(dataset, &both).iter().zip(groups(dataset, second)) {
            let mut rows: Vec<usize> =
                (0..problem.n_objectives()).flat_map(|it| by_both.liked(problem, it)).collect();
            rows.sort_unstable();
            rows.dedup();
            let pair =
                |row: usize| Some((by_second.truth[row].metrics()?, by_second.said[row].mean.as_slice()));
            liked.extend(rows.into_iter().filter_map(pair));
        }
        if liked.len() < LEAST_RESIDUALS {
            return None;
        }
        let of_metric = |metric: usize| {
            let values: Vec<f64> =
                liked.iter().flat_map(|(truth, expected)| [truth[metric], expected[metric]]).collect();
            let is_logarithmic = TargetScale::of(&values).is_logarithmic;
            let residual = |&(truth, expected): &(&[f64], &[f64])| {
                let (truth, expected) = (truth[metric], expected[metric]);
                if is_logarithmic { (truth / expected).ln() } else { truth - expected }
            };
            Residuals {
                is_logarithmic,
                quantiles: conformal(&liked.iter().map(residual).collect::<Vec<f64>>()),
            }
        };
        Some(Self { metrics: (0..problem.metrics().len()).map(of_metric).collect() })
    }

    /// Where metric `metric` is to be expected if the model expects `expected`.
    pub fn interval(&self, metric: usize, expected: f64) -> Interval {
        let Residuals { is_logarithmic, quantiles } = &self.metrics[metric];
        let of = |shift: f64| if *is_logarithmic { expected * shift.exp() } else { expected + shift };
        let [low, middle, high] = quantiles.map(of);
        Interval { low, middle, high }
    }
}

/// The residuals between which [`LEVEL`] of the next ones lie, one in n + 1 for each of n, and the median.
/// Source: Barber et al. (2021), section 1, the ceil((1 - alpha)(n + 1))-th smallest.
fn conformal(residuals: &[f64]) -> [f64; 3] {
    let mut sorted = residuals.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let tail = (1.0 - LEVEL) / 2.0;
    let place = |share: f64| (share * (n + 1) as f64).ceil() as usize;
    let high = sorted[place(1.0 - tail).clamp(1, n) - 1];
    let low = sorted[n - place(1.0 - tail).clamp(1, n)];
    [low, quantile(&sorted, 0.5), high]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 to 39: of 40 equally likely places of the next, 0.95 * 40 = 38 are at or below the 38th smallest, and as many at or
    /// above the 2nd.
    #[test]
    fn conformal_ends_by_hand() {
        let residuals: Vec<f64> = (1..=39).rev().map(f64::from).collect();
        assert_eq!(conformal(&residuals), [2.0, 20.0, 38.0]);
    }

    /// The truth was 10 % above what was expected in the middle: of 2 s, 2.2 s are expected.
    #[test]
    fn the_curse_is_taken_off_by_a_factor() {
        let residuals = Residuals { is_logarithmic: true, quantiles: [0.0, 1.1f64.ln(), 1.5f64.ln()] };
        let interval = Promises { metrics: vec![residuals] }.interval(0, 2.0);
        assert!((interval.middle - 2.2).abs() < 1e-12 && (interval.high - 3.0).abs() < 1e-12, "{interval:?}");
    }
}
