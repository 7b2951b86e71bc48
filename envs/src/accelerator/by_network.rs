//! Metrics of each network of a workload, where it has several: `latency_s.unet`.

use tapeout_core::Metric;
use tapeout_core::breakdown::Sheet;
use tapeout_simulators::network_cost::{LayerCost, NetworkCost};
use tapeout_simulators::networks::Workload;

/// The networks of a workload, and how often each runs the layers that are costed once for all.
#[derive(Default)]
pub(crate) struct ByNetwork {
    names: Vec<String>,
    /// Runs of each distinct layer in one run of a network; shape `[networks][layers]`.
    runs: Vec<Vec<f64>>,
}

impl ByNetwork {
    /// The networks of `workload`; none if it is but one, whose metrics are those of the workload.
    pub(crate) fn of(workload: &Workload) -> Self {
        if workload.entries().len() == 1 {
            return Self::default();
        }
        let names = workload.entries().iter().map(|entry| entry.network().id().to_owned());
        Self { names: names.collect(), runs: workload.runs_by_network() }
    }

    /// The metrics of each network, in the order of [`ByNetwork::values`].
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let kinds =
            [("latency_s", "s", "time"), ("energy_j", "J", "energy"), ("utilization", "", "utilization")];
        let of_kind = |(base, unit, what): (&str, &str, &str)| {
            let metric = |name: &String| {
                Metric::new(&format!("{base}.{name}"), unit, &format!("{what} of one run of {name}"))
            };
            self.names.iter().map(metric).collect::<Vec<_>>()
        };
        kinds.into_iter().flat_map(of_kind).collect()
    }

    /// What each network costs alone, by a cost of the whole workload at a clock of `clock_hz`.
    pub(crate) fn values(&self, cost: &NetworkCost, clock_hz: f64) -> Vec<f64> {
        let instances = cost.architecture().mac().instances as f64;
        let sums: Vec<[f64; 3]> = self.runs.iter().map(|runs| sums(runs, cost.layers())).collect();
        let latency = sums.iter().map(|[cycles, ..]| cycles / clock_hz);
        let energy = sums.iter().map(|[_, energy_j, _]| *energy_j);
        let utilization = sums.iter().map(|[cycles, _, macs]| macs / (instances * cycles));
        latency.chain(energy).chain(utilization).collect()
    }

    /// The same as a table; none if there is but one network.
    pub(crate) fn sheet(&self, cost: &NetworkCost, clock_hz: f64) -> Option<Sheet> {
        let n_networks = self.names.len();
        let values = self.values(cost, clock_hz);
        let mut sheet = Sheet::new("network", &[("latency_s", "s"), ("energy_j", "J"), ("utilization", "")]);
        for (index, name) in self.names.iter().enumerate() {
            let of_network = [0, 1, 2].map(|kind| values[kind * n_networks + index]);
            sheet.row(name, of_network.to_vec(), "");
        }
        (n_networks > 0).then_some(sheet)
    }
}

/// Cycles, energy and multiply-accumulates of so many runs of each layer.
fn sums(runs: &[f64], layers: &[LayerCost]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for (runs, layer) in runs.iter().zip(layers).filter(|(runs, _)| **runs > 0.0) {
        let one = [layer.best.report.cycles as f64, layer.energy_j, layer.macs as f64];
        sums.iter_mut().zip(one).for_each(|(sum, one)| *sum += runs * one);
    }
    sums
}
