//! A design on its workload, taken apart: by network, layer, memory and area, and what bounds it.

use std::collections::BTreeMap;

use tapeout_core::breakdown::{Breakdown, Sheet};
use tapeout_simulators::network_cost::NetworkCost;

use super::ByNetwork;

/// The cost of a workload on a chip, taken apart.
///
/// `outside`: what is on the chip beside units and levels, with its area.
pub(crate) fn breakdown(
    cost: &NetworkCost,
    clock_hz: f64,
    by_network: &ByNetwork,
    outside: &[(String, f64)],
) -> Breakdown {
    let mut sheets = vec![layers(cost, clock_hz), memories(cost, clock_hz)];
    sheets.extend(area(cost, outside));
    if let Some(networks) = by_network.sheet(cost, clock_hz) {
        sheets.insert(0, networks);
    }
    Breakdown { sheets, bounds: bounds(cost) }
}

fn layers(cost: &NetworkCost, clock_hz: f64) -> Sheet {
    let columns = [("runs", ""), ("latency_s", "s"), ("energy_j", "J"), ("utilization", "")];
    let mut sheet = Sheet::new("layer", &columns);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for layer in cost.layers() {
        // Layers of several networks may have one name.
        let count = seen.entry(layer.name.as_str()).or_default();
        *count += 1;
        let name = if *count == 1 { layer.name.clone() } else { format!("{} ({count})", layer.name) };
        let utilization = layer.best.utilization();
        let values = vec![layer.runs, layer.cycles() / clock_hz, layer.total_energy_j(), utilization];
        sheet.row(&name, values, &layer.bound(cost.architecture()));
    }
    sheet
}

fn memories(cost: &NetworkCost, clock_hz: f64) -> Sheet {
    let mut columns = vec![("energy_j", "J"), ("latency_s", "s"), ("network_j", "J"), ("leakage_j", "J")];
    let tensors: Vec<String> =
        cost.tensors().iter().map(|tensor| format!("{}_j", tensor.to_lowercase())).collect();
    columns.extend(tensors.iter().map(|name| (name.as_str(), "J")));
    let mut sheet = Sheet::new("memory", &columns);
    for level in cost.levels() {
        let mut values = vec![level.energy_j(), level.cycles / clock_hz, level.network_j, level.leakage_j];
        values.extend(level.accesses_j.iter().copied());
        sheet.row(&level.name, values, "");
    }
    let mut arithmetic = vec![cost.mac_energy_j(), cost.compute_cycles() / clock_hz, 0.0, 0.0];
    arithmetic.resize(columns.len(), 0.0);
    sheet.row(ARITHMETIC, arithmetic, "");
    sheet
}

/// What multiply-accumulate units are called among the parts.
const ARITHMETIC: &str = "multiply-accumulate units";

/// The parts with their areas; none if no part has one.
fn area(cost: &NetworkCost, outside: &[(String, f64)]) -> Option<Sheet> {
    let mut sheet = Sheet::new("part", &[("instances", ""), ("area_m2", "m2")]);
    let architecture = cost.architecture();
    let mac = architecture.mac();
    let of_all = |area_m2: Option<f64>, instances: u64| area_m2.unwrap_or(0.0) * instances as f64;
    sheet.row(ARITHMETIC, vec![mac.instances as f64, of_all(mac.area_m2, mac.instances)], "");
    for level in architecture.levels().iter().filter(|level| level.area_m2.is_some()) {
        let instances = level.instances;
        sheet.row(&level.name, vec![instances as f64, of_all(level.area_m2, instances)], "");
    }
    for (name, area_m2) in outside {
        sheet.row(name, vec![1.0, *area_m2], "");
    }
    let has_area = mac.area_m2.is_some() || sheet.rows.len() > 1;
    has_area.then_some(sheet)
}

/// What layers are bound by, with the share of the cycles that these layers take.
fn bounds(cost: &NetworkCost) -> Vec<String> {
    let share = |(name, share): (String, f64)| {
        format!("{name} (layers that take {:.1} % of the time)", 100.0 * share)
    };
    cost.bounds().into_iter().map(share).collect()
}
