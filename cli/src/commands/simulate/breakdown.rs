//! What a simulation found, printed as tables and as JSON.

use std::path::PathBuf;

use serde_json::{Value, json};
use tapeout::experiment::plot::{ColumnScale, quantity};
use tapeout::simulators::loop_nest::{Architecture, Factor, LevelText};
use tapeout::simulators::network_cost::{LayerCost, NetworkCost};

use super::inputs::{Machine, Workload};
use super::why::Why;
use crate::number::count;
use crate::table::{Column, Table};

/// What a workload costs on a machine.
pub(super) struct Breakdown<'a> {
    /// The machine.
    pub(super) machine: &'a Machine,
    /// The workload.
    pub(super) workload: &'a Workload,
    /// What its layers cost, at least one.
    pub(super) cost: NetworkCost,
    /// Why it costs that, if that was asked.
    pub(super) why: Option<Why>,
}

impl Breakdown<'_> {
    fn architecture(&self) -> &Architecture {
        &self.machine.architecture
    }

    /// Area of everything whose area is known.
    fn area_m2(&self) -> f64 {
        let built = self.machine.template.as_ref().map(|template| template.built.area_m2());
        built.unwrap_or_else(|| self.architecture().area_m2())
    }

    /// Multiply-accumulates over what all units could do in the cycles, divided in the order in which the loop-nest model
    /// divides for a layer, so that where nothing is padded a network of one layer shows its layer's utilization.
    fn utilization(&self) -> f64 {
        self.cost.macs() / self.architecture().mac().instances as f64 / self.cost.cycles()
    }

    /// A table of layers, or for one layer all there is to know about it.
    pub(super) fn text(&self) -> String {
        let heading = format!("{} on {}\n\n", self.workload.name, self.machine.name);
        let tables = match self.cost.layers() {
            [layer] if layer.runs == 1.0 => self.layer(layer),
            _ => self.layers(),
        };
        let why = self.why.as_ref().map(|why| format!("\n{}", why.text())).unwrap_or_default();
        format!("{heading}{tables}{why}")
    }

    fn layers(&self) -> String {
        use Column::{Numbers, Words};
        let columns = [
            ("layer", Words),
            ("runs", Numbers),
            ("cycles", Numbers),
            ("utilization", Numbers),
            ("energy", Numbers),
            ("mapping", Words),
        ];
        let mut table = Table::new(&columns);
        let energies = self.cost.layers().iter().map(LayerCost::total_energy_j);
        let scale = ColumnScale::of(energies.chain([self.cost.energy_j()]), "J");
        for layer in self.cost.layers() {
            table.row([
                layer.name.clone(),
                whole(layer.runs),
                whole(layer.cycles()),
                percent(layer.best.utilization()),
                scale.quantity(layer.total_energy_j()),
                distance(layer),
            ]);
        }
        table.row([
            "all".to_owned(),
            whole(self.cost.layers().iter().map(|layer| layer.runs).sum()),
            whole(self.cost.cycles()),
            percent(self.utilization()),
            scale.quantity(self.cost.energy_j()),
            String::new(),
        ]);
        table.text()
    }

    fn layer(&self, layer: &LayerCost) -> String {
        let report = &layer.best.report;
        let latency = &report.latency;
        let waiting = latency.steady_cycles - latency.compute_cycles;
        let padding = match report.macs - layer.macs {
            0 => String::new(),
            macs => format!(" ({} of them on padding)", count(macs)),
        };
        format!(
            "cycles       {}: {} of work, {} waiting for bandwidth, {} loading, {} storing, {} filling the array\n\
             utilization  {}\n\
             energy       {}: {} in {} multiply-accumulates{padding}, {}\n\
             mapping      {}\n\
             \n{}\n{}\n{}",
            count(report.cycles),
            count(latency.compute_cycles),
            count(waiting),
            count(latency.load_cycles),
            count(latency.store_cycles),
            count(latency.array_cycles),
            percent(layer.best.utilization()),
            quantity(report.energy_j, "J"),
            quantity(report.mac_energy_j, "J"),
            count(report.macs),
            self.wires(report.network_energy_j),
            distance(layer),
            self.mapping(layer),
            self.levels(layer),
            self.tensors(layer),
        )
    }

    /// What wires take, or that nobody says what they cost.
    fn wires(&self, network_j: f64) -> String {
        let mut networks = self.architecture().levels().iter().map(|level| &level.network);
        match networks.any(|network| network.hop_j > 0.0 || network.router_j > 0.0) {
            true => format!("{} in networks", quantity(network_j, "J")),
            false => "networks and wires not priced".to_owned(),
        }
    }

    fn mapping(&self, layer: &LayerCost) -> String {
        use Column::Words;
        let mut table = Table::new(&[
            ("mapping", Words),
            ("keeps", Words),
            ("loops in time, outer first", Words),
            ("over x", Words),
            ("over y", Words),
        ]);
        let dashed = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let mapping = layer.best.mapping.to_text(self.architecture(), &layer.best.einsum);
        for LevelText { level, keep, temporal, spatial_x, spatial_y, .. } in mapping.levels {
            let [time, x, y] = [temporal, spatial_x, spatial_y].map(|list| dashed(loops(&list)));
            table.row([level, dashed(keep.join(" ")), time, x, y]);
        }
        table.text()
    }

    fn levels(&self, layer: &LayerCost) -> String {
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
            let entry = &layer.best.report.levels[index];
            table.row([
                level.name.clone(),
                format!("{} of {}", count(entry.used_instances), count(level.instances)),
                count(entry.cycles),
                quantity(entry.energy_j - entry.leakage_j, "J"),
                quantity(entry.leakage_j, "J"),
                quantity(layer.network_energy_j(index), "J"),
            ]);
        }
        table.text()
    }

    fn tensors(&self, layer: &LayerCost) -> String {
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
            for (tensor_index, tensor) in layer.best.einsum.tensors().iter().enumerate() {
                let entry = layer.best.report.tensor(level_index, tensor_index);
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
            "cycles": self.cost.cycles() as u64,
            "energy_j": self.cost.energy_j(),
            "utilization": self.utilization(),
            "area_m2": self.area_m2(),
            "layers": self.cost.layers().iter().map(|layer| self.layer_json(layer)).collect::<Vec<_>>(),
            "pictures": pictures,
            "why": self.why.as_ref().map(Why::json),
        })
    }

    fn layer_json(&self, layer: &LayerCost) -> Value {
        let report = &layer.best.report;
        let dims = layer.best.einsum.dims().iter().map(|dim| (dim.name.clone(), json!(dim.size)));
        let levels = (0..report.levels.len()).map(|level| self.level_json(layer, level));
        json!({
            "name": layer.name,
            "runs": layer.runs as u64,
            "macs": layer.macs,
            "mapped_dims": dims.collect::<serde_json::Map<_, _>>(),
            "mapped_macs": report.macs,
            "cycles": report.cycles,
            "compute_cycles": report.latency.compute_cycles,
            "steady_cycles": report.latency.steady_cycles,
            "load_cycles": report.latency.load_cycles,
            "store_cycles": report.latency.store_cycles,
            "array_cycles": report.latency.array_cycles,
            "used_macs": report.used_macs,
            "utilization": layer.best.utilization(),
            "energy_j": report.energy_j,
            "mac_energy_j": report.mac_energy_j,
            "network_energy_j": report.network_energy_j,
            "mapping_gap": layer.best.gap.is_finite().then_some(layer.best.gap),
            "levels": levels.collect::<Vec<_>>(),
            "mapping": layer.best.mapping.to_text(self.architecture(), &layer.best.einsum),
        })
    }

    fn level_json(&self, layer: &LayerCost, level: usize) -> Value {
        let entry = &layer.best.report.levels[level];
        let tensors = layer.best.einsum.tensors().iter().enumerate().map(|(index, tensor)| {
            let words = layer.best.report.tensor(level, index);
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

/// How far a mapping may be from the best one.
fn distance(layer: &LayerCost) -> String {
    match layer.best.gap {
        0.0 => "the best there is".to_owned(),
        gap if gap.is_finite() => format!("within {} of the best there is", percent(gap)),
        _ => "given".to_owned(),
    }
}

/// A count that was summed as a real number.
pub(super) fn whole(number: f64) -> String {
    count(number as u64)
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
