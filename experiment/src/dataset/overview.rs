//! What is in a data set: counts, infeasible shares by rule, quantiles of metrics.

use std::collections::BTreeMap;

use serde::Serialize;
use tapeout_core::Outcome;

use super::table::{Dataset, Row};
use crate::statistics::quantile;

/// The shares below which quantiles are told: the ends, the median, and a tenth from either end.
pub const SHARES: [f64; 5] = [0.0, 0.1, 0.5, 0.9, 1.0];

/// What is known of one workload, or of all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The workload; none for all.
    pub workload: Option<String>,
    /// How many rows.
    pub rows: usize,
    /// How many of them are infeasible.
    pub infeasible: usize,
    /// How many rows break each rule.
    pub broken: BTreeMap<String, usize>,
    /// Each metric among the feasible rows; empty if there are none.
    pub metrics: Vec<MetricOverview>,
}

/// How a metric is spread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricOverview {
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Its quantiles at [`SHARES`].
    pub quantiles: [f64; 5],
}

impl Dataset {
    /// What is in all rows, and then in those of each workload.
    pub fn overviews(&self) -> Vec<Overview> {
        let all = self.overview(None, |_| true);
        let of_workload = |(index, workload): (usize, &super::DatasetWorkload)| {
            self.overview(Some(workload.name.clone()), |row| row.workload == index)
        };
        [all].into_iter().chain(self.workloads().iter().enumerate().map(of_workload)).collect()
    }

    fn overview(&self, workload: Option<String>, belongs: impl Fn(&Row) -> bool) -> Overview {
        let rows: Vec<&Row> = self.rows().iter().filter(|row| belongs(row)).collect();
        let mut broken = BTreeMap::new();
        for row in &rows {
            if let Outcome::Infeasible { rule, .. } = &row.outcome {
                *broken.entry(rule.clone()).or_default() += 1;
            }
        }
        let measured: Vec<&[f64]> = rows.iter().filter_map(|row| row.outcome.metrics()).collect();
        let infeasible = rows.len() - measured.len();
        let metric = |(index, metric): (usize, &tapeout_core::Metric)| {
            let values: Vec<f64> = measured.iter().map(|metrics| metrics[index]).collect();
            (!values.is_empty()).then(|| MetricOverview {
                metric: metric.name.clone(),
                unit: metric.unit.clone(),
                quantiles: SHARES.map(|share| quantile(&values, share)),
            })
        };
        let metrics = self.metrics().iter().enumerate().filter_map(metric).collect();
        Overview { workload, rows: rows.len(), infeasible, broken, metrics }
    }
}
