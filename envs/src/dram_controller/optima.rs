//! The best of the small space on each workload, found by simulating all of it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::DramController;
use super::space::Setting;
use serde::{Deserialize, Serialize};
use tapeout_core::{Design, Env, Outcome};

/// The least that a metric can be in the small space, refreshes required, and a design that has it.
///
/// For the built-in workloads with their default settings, in the order `fast`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DramOptimum {
    /// The kind of traffic.
    pub workload: String,
    /// The metric.
    pub metric: String,
    /// Its least value.
    pub value: f64,
    /// The levels of the first design, in the order of the space, that has this value.
    pub levels: Vec<u32>,
}

/// The metrics that optima are kept of.
pub(super) const METRICS: [&str; 4] = ["time_s", "energy_j", "latency_mean_s", "latency_p99_s"];

static OPTIMA: LazyLock<Vec<DramOptimum>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/optima/dram-controller.json"))
        .expect("invariant: the file was written by serde_json, and a test reads it")
});

/// The exact optima of the space `powers` on each workload, for time, energy, mean and 99th percentile of latency.
pub fn dram_optima() -> &'static [DramOptimum] {
    &OPTIMA
}

impl DramController {
    /// The first design of each kind of provably equal ones, in the order of the space.
    pub fn different_designs(&self) -> Vec<Design> {
        let mut seen: BTreeSet<Setting> = BTreeSet::new();
        self.space().iter().filter(|design| seen.insert(self.setting(design))).collect()
    }

    /// The best of `designs` for each metric that optima are kept of, if any of them is feasible.
    ///
    /// `workload`: what the result says it is of.
    pub fn best_of(&self, workload: &str, designs: &[Design]) -> Vec<DramOptimum> {
        let columns = METRICS.map(|name| {
            let column = self.metrics.iter().position(|metric| metric.name == name);
            column.expect("invariant: optima are kept of metrics")
        });
        let mut best: [Option<(f64, &Design)>; METRICS.len()] = [None; METRICS.len()];
        for design in designs {
            let setting = self.setting(design);
            if self.refused(&setting).is_some() {
                continue;
            }
            let Outcome::Measured(metrics) = self.outcome(&setting) else { continue };
            for (best, column) in best.iter_mut().zip(columns) {
                if best.is_none_or(|(value, _)| metrics[column] < value) {
                    *best = Some((metrics[column], design));
                }
            }
        }
        let optimum = |(metric, best): (&str, Option<(f64, &Design)>)| {
            best.map(|(value, design)| DramOptimum {
                workload: workload.to_owned(),
                metric: metric.to_owned(),
                value,
                levels: design.levels().to_vec(),
            })
        };
        METRICS.into_iter().zip(best).filter_map(optimum).collect()
    }
}
