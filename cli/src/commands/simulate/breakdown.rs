//! What a simulation found, as tables and as JSON.

use std::path::PathBuf;

use serde_json::{Value, json};
use tapeout::experiment::plot::quantity;
use tapeout::simulators::loop_nest::{Architecture, Einsum, Factor, LevelText, Mapping, Report};
use tapeout::simulators::networks::Layer;

use super::inputs::{Machine, Workload};
use crate::number::count;
use crate::table::{Column, Table};

/// One layer, mapped and costed.
#[derive(Clone)]
pub(super) struct Run {
    /// The layer.
    pub(super) layer: Layer,
    /// Multiply-accumulates of the layer over what all units could do in its cycles.
    pub(super) utilization: f64,
    /// What was mapped: the layer, perhaps padded.
    pub(super) einsum: Einsum,
    /// Where the loops run.
    pub(super) mapping: Mapping,
    /// The cost of one run.
    pub(super) report: Report,
}

/// All layers of a workload on a machine.
pub(super) struct Breakdown<'a> {
    /// The machine.
    pub(super) machine: &'a Machine,
    /// The workload.
    pub(super) workload: &'a Workload,
    /// Its layers, at least one.
    pub(super) runs: Vec<Run>,
}

impl Run {
    fn runs(&self) -> f64 {
        self.layer.count() as f64
    }

    /// Energy of all runs.
    fn energy_j(&self) -> f64 {
        self.runs() * self.report.energy_j
    }

    /// Cycles of all runs.
    fn cycles(&self) -> u128 {
        u128::from(self.report.cycles) * u128::from(self.layer.count())
    }

    /// What an access to `level` for `tensor` costs over all runs, networks apart.
    pub(super) fn access_j(&self, level: usize, tensor: usize) -> f64 {
        self.runs() * self.report.tensor(level, tensor).energy_j
    }

    /// Energy of the network below `level` over all runs.
    pub(super) fn network_j(&self, level: usize) -> f64 {
        let tensors = 0..self.einsum.tensors().len();
        self.runs() * tensors.map(|tensor| self.report.tensor(level, tensor).network.energy_j).sum::<f64>()
    }

    /// Leakage of `level` over all runs.
    pub(super) fn leakage_j(&self, level: usize) -> f64 {
        self.runs() * self.report.levels[level].leakage_j
    }

    /// Energy of the multiply-accumulates of all runs.
    pub(super) fn mac_j(&self) -> f64 {
        self.runs() * self.report.mac_energy_j
    }
}

impl Breakdown<'_> {
    fn architecture(&self) -> &Architecture {
        &self.machine.architecture
    }

    /// Energy of everything.
    pub(super) fn energy_j(&self) -> f64 {
        self.runs.iter().map(Run::energy_j).sum()
    }

    /// Cycles of everything, one layer after the other.
    pub(super) fn cycles(&self) -> u128 {
        self.runs.iter().map(Run::cycles).sum()
    }

    /// Useful multiply-accumulates over what all units could do in the cycles.
    fn utilization(&self) -> f64 {
        let macs: f64 = self.runs.iter().map(|run| run.layer.total_macs() as f64).sum();
        macs / self.architecture().mac().instances as f64 / self.cycles() as f64
    }

    /// A table of layers, or for one layer all there is to know about it.
    pub(super) fn text(&self) -> String {
        let heading = format!("{} on {}\n\n", self.workload.name, self.machine.name);
        match self.runs.as_slice() {
            [run] if run.layer.count() == 1 => format!("{heading}{}", self.layer(run)),
            _ => format!("{heading}{}", self.layers()),
        }
    }

    fn layers(&self) -> String {
        use Column::{Numbers, Words};
        let columns = [
            ("layer", Words),
            ("runs", Numbers),
            ("cycles", Numbers),
            ("utilization", Numbers),
            ("energy", Numbers),
        ];
        let mut table = Table::new(&columns);
        for run in &self.runs {
            table.row([
                run.layer.name().to_owned(),
                count(run.layer.count()),
                count(run.cycles()),
                percent(run.utilization),
                quantity(run.energy_j(), "J"),
            ]);
        }
        let runs: u64 = self.runs.iter().map(|run| run.layer.count()).sum();
        table.row([
            "all".to_owned(),
            count(runs),
            count(self.cycles()),
            percent(self.utilization()),
            quantity(self.energy_j(), "J"),
        ]);
        table.text()
    }

    fn layer(&self, run: &Run) -> String {
        let report = &run.report;
        let latency = &report.latency;
        let waiting = latency.steady_cycles - latency.compute_cycles;
        let padding = match report.macs - run.layer.macs() {
            0 => String::new(),
            macs => format!(" ({} of them on padding)", count(macs)),
        };
        format!(
            "cycles       {}: {} of work, {} waiting for bandwidth, {} loading, {} storing, {} filling the array\n\
             utilization  {}\n\
             energy       {}: {} in {} multiply-accumulates{padding}, {} in networks\n\
             \n{}\n{}\n{}",
            count(report.cycles),
            count(latency.compute_cycles),
            count(waiting),
            count(latency.load_cycles),
            count(latency.store_cycles),
            count(latency.array_cycles),
            percent(run.utilization),
            quantity(report.energy_j, "J"),
            quantity(report.mac_energy_j, "J"),
            count(report.macs),
            quantity(report.network_energy_j, "J"),
            self.mapping(run),
            self.levels(run),
            self.tensors(run),
        )
    }

    fn mapping(&self, run: &Run) -> String {
        use Column::Words;
        let mut table = Table::new(&[
            ("mapping", Words),
            ("keeps", Words),
            ("loops in time, outer first", Words),
            ("over x", Words),
            ("over y", Words),
        ]);
        let dashed = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let mapping = run.mapping.to_text(self.architecture(), &run.einsum);
        for LevelText { level, keep, temporal, spatial_x, spatial_y, .. } in mapping.levels {
            let [time, x, y] = [temporal, spatial_x, spatial_y].map(|list| dashed(loops(&list)));
            table.row([level, dashed(keep.join(" ")), time, x, y]);
        }
        table.text()
    }

    fn levels(&self, run: &Run) -> String {
        use Column::{Numbers, Words};
        let mut table = Table::new(&[
            ("level", Words),
            ("instances used", Numbers),
            ("cycles", Numbers),
            ("accesses", Numbers),
            ("leakage", Numbers),
            ("network below", Numbers),
        ]);
        for (index, level) in self.architecture().levels().iter().enumerate() {
            let entry = &run.report.levels[index];
            table.row([
                level.name.clone(),
                format!("{} of {}", count(entry.used_instances), count(level.instances)),
                count(entry.cycles),
                quantity(entry.energy_j - entry.leakage_j, "J"),
                quantity(entry.leakage_j, "J"),
                quantity(run.network_j(index), "J"),
            ]);
        }
        table.text()
    }

    fn tensors(&self, run: &Run) -> String {
        use Column::{Numbers, Words};
        let mut table = Table::new(&[
            ("words of an instance", Words),
            ("tensor", Words),
            ("tile", Numbers),
            ("reads", Numbers),
            ("fills", Numbers),
            ("updates", Numbers),
            ("energy of all", Numbers),
        ]);
        for (level_index, level) in self.architecture().levels().iter().enumerate() {
            for (tensor_index, tensor) in run.einsum.tensors().iter().enumerate() {
                let entry = run.report.tensor(level_index, tensor_index);
                if !entry.kept {
                    continue;
                }
                let counts = [entry.tile_words, entry.reads, entry.fills, entry.updates].map(count);
                let names = [level.name.clone(), tensor.name().to_owned()];
                table.row(names.into_iter().chain(counts).chain([quantity(entry.energy_j, "J")]));
            }
        }
        table.text()
    }

    /// Everything, in SI units; the entries of a layer are those of one run.
    pub(super) fn json(&self, pictures: &[PathBuf]) -> Value {
        json!({
            "architecture": self.machine.name,
            "workload": self.workload.name,
            "cycles": self.cycles(),
            "energy_j": self.energy_j(),
            "utilization": self.utilization(),
            "area_m2": self.architecture().area_m2(),
            "layers": self.runs.iter().map(|run| self.layer_json(run)).collect::<Vec<_>>(),
            "pictures": pictures,
        })
    }

    fn layer_json(&self, run: &Run) -> Value {
        let report = &run.report;
        let dims = run.einsum.dims().iter().map(|dim| (dim.name.clone(), json!(dim.size)));
        let levels = (0..report.levels.len()).map(|level| self.level_json(run, level));
        json!({
            "name": run.layer.name(),
            "runs": run.layer.count(),
            "macs": run.layer.macs(),
            "mapped_dims": dims.collect::<serde_json::Map<_, _>>(),
            "mapped_macs": report.macs,
            "cycles": report.cycles,
            "compute_cycles": report.latency.compute_cycles,
            "steady_cycles": report.latency.steady_cycles,
            "load_cycles": report.latency.load_cycles,
            "store_cycles": report.latency.store_cycles,
            "array_cycles": report.latency.array_cycles,
            "used_macs": report.used_macs,
            "utilization": run.utilization,
            "energy_j": report.energy_j,
            "mac_energy_j": report.mac_energy_j,
            "network_energy_j": report.network_energy_j,
            "levels": levels.collect::<Vec<_>>(),
            "mapping": run.mapping.to_text(self.architecture(), &run.einsum),
        })
    }

    fn level_json(&self, run: &Run, level: usize) -> Value {
        let entry = &run.report.levels[level];
        let tensors = run.einsum.tensors().iter().enumerate().map(|(index, tensor)| {
            let words = run.report.tensor(level, index);
            json!({
                "name": tensor.name(),
                "kept": words.kept,
                "tile_words": words.tile_words,
                "reads": words.reads,
                "fills": words.fills,
                "updates": words.updates,
                "energy_j": words.energy_j,
                "network_energy_j": words.network.energy_j,
            })
        });
        json!({
            "name": self.architecture().levels()[level].name,
            "used_instances": entry.used_instances,
            "cycles": entry.cycles,
            "energy_j": entry.energy_j,
            "leakage_j": entry.leakage_j,
            "tensors": tensors.collect::<Vec<_>>(),
        })
    }
}

/// `K 4, C 16`: bounds, and behind a slash what the last iteration does if that is less.
fn loops(list: &[(String, Factor)]) -> String {
    let texts = list.iter().filter_map(|(dim, factor)| match factor {
        Factor::Perfect(1) => None,
        Factor::Perfect(bound) => Some(format!("{dim} {bound}")),
        Factor::Imperfect(bound, residual) => Some(format!("{dim} {bound}/{residual}")),
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
