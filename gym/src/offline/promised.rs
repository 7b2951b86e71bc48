//! What promises were worth, once it is known what came of them.

use serde::{Deserialize, Serialize};
use tapeout_core::{Metric, Outcome};
use tapeout_experiment::statistics::quantile;
use tapeout_surrogates::errors::kendall_tau;

use super::interval::Interval;

/// What the promises about some designs were worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Designs that were measured or found infeasible.
    pub designs: usize,
    /// Of these, infeasible ones.
    pub infeasible: usize,
    /// How many were to be expected infeasible; none if nothing was said of that.
    pub expected_infeasible: Option<f64>,
    /// Each metric that was promised of two designs at least.
    pub metrics: Vec<KeptMetric>,
}

/// What the promises of one metric were worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptMetric {
    /// The metric.
    pub metric: String,
    /// How many designs were measured.
    pub measured: usize,
    /// The share within its interval.
    pub within: f64,
    /// By how much the measured are above the middle of the interval, as a share of it: the median.
    pub above: f64,
    /// Kendall's tau between what was promised and what was measured.
    pub tau: f64,
}

/// What is known of one design: what was promised, how likely it was said to be feasible, and what came of it.
pub type Known<'a> = (Vec<Option<Interval>>, Option<f64>, &'a Outcome);

/// What the promises about these designs were worth.
pub fn kept(metrics: &[Metric], known: &[Known<'_>]) -> Kept {
    let of_metric = |(index, metric): (usize, &Metric)| {
        let pairs: Vec<(Interval, f64)> = known
            .iter()
            .filter_map(|(promised, _, outcome)| {
                Some((promised.get(index).copied().flatten()?, outcome.metrics()?[index]))
            })
            .collect();
        if pairs.len() < 2 {
            return None;
        }
        let is_within = |(promised, truth): &&(Interval, f64)| (promised.low..=promised.high).contains(truth);
        let above: Vec<f64> =
            pairs.iter().map(|(promised, truth)| (truth - promised.middle) / promised.middle.abs()).collect();
        let (promised, truth): (Vec<f64>, Vec<f64>) =
            pairs.iter().map(|(promised, truth)| (promised.middle, *truth)).unzip();
        Some(KeptMetric {
            metric: metric.name.clone(),
            measured: pairs.len(),
            within: pairs.iter().filter(is_within).count() as f64 / pairs.len() as f64,
            above: quantile(&above, 0.5),
            tau: kendall_tau(&promised, &truth),
        })
    };
    let p: Option<Vec<f64>> = known.iter().map(|(_, p_feasible, _)| *p_feasible).collect();
    Kept {
        designs: known.len(),
        infeasible: known.iter().filter(|(_, _, outcome)| outcome.metrics().is_none()).count(),
        expected_infeasible: p.map(|p| p.iter().map(|p| 1.0 - p).sum()),
        metrics: metrics.iter().enumerate().filter_map(of_metric).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 10, 20 and 40 promised, 11, 30 and 30 came: 10 % above, 50 % above, 25 % below, so in the median 10 % above. Two of them are
    /// within 20 % up or down: none but the first. One of the pairs (30, 30) is tied: 2 agree of 3, tau-b is 2 / sqrt(3 * 2).
    #[test]
    fn promises_by_hand() {
        let promise = |middle: f64| Some(Interval { low: 0.8 * middle, middle, high: 1.2 * middle });
        let outcomes = [11.0, 30.0, 30.0].map(|it| Outcome::Measured(vec![it]));
        let broken = Outcome::infeasible("area", 1.0);
        let known = [
            (vec![promise(10.0)], Some(0.9), &outcomes[0]),
            (vec![promise(20.0)], Some(0.9), &outcomes[1]),
            (vec![promise(40.0)], Some(0.7), &outcomes[2]),
            (vec![promise(40.0)], Some(0.5), &broken),
        ];
        let kept = kept(&[Metric::new("t", "s", "time")], &known);
        assert_eq!((kept.designs, kept.infeasible, kept.metrics[0].measured), (4, 1, 3));
        assert!((kept.expected_infeasible.unwrap() - 1.0).abs() < 1e-12);
        let metric = &kept.metrics[0];
        assert!(
            (metric.within - 1.0 / 3.0).abs() < 1e-12 && (metric.above - 0.1).abs() < 1e-12,
            "{metric:?}"
        );
        assert!((metric.tau - 2.0 / 6f64.sqrt()).abs() < 1e-12, "{metric:?}");
    }
}
