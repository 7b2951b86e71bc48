//! Bars of energy and cycles, by level summed over the layers, and by layer; the layers under the roof of the machine.

use std::path::{Path, PathBuf};

use tapeout::experiment::plot::{Axis, Bar, BarChart, Plot, RooflinePlot, Work};
use tapeout::simulators::loop_nest::Level;
use tapeout::simulators::network_cost::{LayerCost, LevelCost};

use super::breakdown::Breakdown;
use crate::failure::Failure;
use crate::number::count;

/// Draws energy, cycles and the roofline into `folder` as SVG and PNG, and returns their paths.
pub(super) fn write(breakdown: &Breakdown<'_>, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let failure = Failure::failed(error).context(format!("{}: cannot make the folder", folder.display()));
        failure.hint("choose a folder that can be written to")
    })?;
    let mut paths = Vec::new();
    let charts = [
        ("energy", energy(breakdown)),
        ("cycles", cycles(breakdown)),
        ("energy-by-layer", energy_by_layer(breakdown)),
        ("cycles-by-layer", cycles_by_layer(breakdown)),
    ];
    for (name, chart) in charts {
        paths.extend(chart.write(&folder.join(name))?);
    }
    if let Some(plot) = roofline(breakdown) {
        paths.extend(plot.write(&folder.join("roofline"))?);
    }
    Ok(paths)
}

/// Levels from the outermost to the multiply-accumulates, parted by tensor, leakage and network.
fn energy(breakdown: &Breakdown<'_>) -> BarChart {
    let cost = &breakdown.cost;
    let mut parts: Vec<String> = cost.tensors().into_iter().map(str::to_owned).collect();
    parts.extend(["network below", "leakage", "arithmetic"].map(str::to_owned));
    let bar = |level: LevelCost| {
        let rest = [level.network_j, level.leakage_j, 0.0];
        Bar { name: level.name, parts: level.accesses_j.into_iter().chain(rest).collect() }
    };
    let mut bars: Vec<Bar> = cost.levels().into_iter().rev().map(bar).collect();
    let mut arithmetic = vec![0.0; parts.len()];
    arithmetic[parts.len() - 1] = cost.mac_energy_j();
    bars.push(Bar { name: "MAC units".to_owned(), parts: arithmetic });
    drop_empty_parts(&mut parts, &mut bars);
    BarChart {
        title: format!("{} on {}: energy", breakdown.workload.name, breakdown.machine.name),
        x: Axis::new("energy", "J"),
        parts,
        bars,
        caption: String::new(),
    }
}

/// The whole time, then each level if all others kept up with it, down to the multiply-accumulates alone.
fn cycles(breakdown: &Breakdown<'_>) -> BarChart {
    let cost = &breakdown.cost;
    let bar = |name: &str, cycles: f64| Bar { name: name.to_owned(), parts: vec![cycles] };
    let mut bars = vec![bar("in all", cost.cycles())];
    bars.extend(cost.levels().iter().rev().map(|level| bar(&level.name, level.cycles)));
    bars.push(bar("MAC units", cost.compute_cycles()));
    BarChart {
        title: format!("{} on {}: cycles", breakdown.workload.name, breakdown.machine.name),
        x: Axis::new("cycles", ""),
        parts: vec!["cycles".to_owned()],
        bars,
        caption: format!(
            "{} cycles: the slowest level of each layer, and what nothing hides.",
            count(cost.cycles() as u64)
        ),
    }
}

/// Layers in the order in which they run, parted by level.
fn energy_by_layer(breakdown: &Breakdown<'_>) -> BarChart {
    let cost = &breakdown.cost;
    let mut parts: Vec<String> =
        cost.architecture().levels().iter().rev().map(|level| level.name.clone()).collect();
    parts.extend(["arithmetic", "program and the rest"].map(str::to_owned));
    let bar = |layer: &LayerCost| {
        let tensors = 0..layer.best.einsum.tensors().len();
        let of_level = |level: usize| {
            let accesses: f64 = tensors.clone().map(|tensor| layer.access_energy_j(level, tensor)).sum();
            accesses + layer.network_energy_j(level) + layer.runs * layer.best.report.levels[level].leakage_j
        };
        let levels = (0..layer.best.report.levels.len()).rev().map(of_level);
        let arithmetic = layer.runs * layer.best.report.mac_energy_j;
        let mut parts: Vec<f64> = levels.chain([arithmetic]).collect();
        // What an accelerator with parameters adds; without it the floating-point error of the sum.
        let rest = layer.total_energy_j() - parts.iter().sum::<f64>();
        parts.push(if rest > 1e-9 * layer.total_energy_j() { rest } else { 0.0 });
        Bar { name: layer.name.clone(), parts }
    };
    let mut bars: Vec<Bar> = cost.layers().iter().map(bar).collect();
    drop_empty_parts(&mut parts, &mut bars);
    BarChart {
        title: format!("{} on {}: energy by layer", breakdown.workload.name, breakdown.machine.name),
        x: Axis::new("energy", "J"),
        parts,
        bars,
        caption: "All runs of each layer; networks and leakage with their levels.".to_owned(),
    }
}

/// Layers in the order in which they run, parted by what the cycles are spent on.
fn cycles_by_layer(breakdown: &Breakdown<'_>) -> BarChart {
    let cost = &breakdown.cost;
    let names = ["work", "waiting for bandwidth", "loading", "storing", "filling the array"];
    let mut parts: Vec<String> = names.map(str::to_owned).to_vec();
    let bar = |layer: &LayerCost| {
        let latency = &layer.best.report.latency;
        let waiting = latency.steady_cycles.saturating_sub(latency.compute_cycles);
        let cycles = [
            latency.compute_cycles,
            waiting,
            latency.load_cycles,
            latency.store_cycles,
            latency.array_cycles,
        ];
        Bar { name: layer.name.clone(), parts: cycles.map(|cycles| layer.runs * cycles as f64).to_vec() }
    };
    let mut bars: Vec<Bar> = cost.layers().iter().map(bar).collect();
    drop_empty_parts(&mut parts, &mut bars);
    BarChart {
        title: format!("{} on {}: cycles by layer", breakdown.workload.name, breakdown.machine.name),
        x: Axis::new("cycles", ""),
        parts,
        bars,
        caption: "All runs of each layer.".to_owned(),
    }
}

/// Multiply-accumulates of each layer in a cycle, by those for each byte that crosses the port of the outermost level. `None` if nothing
/// crosses it.
fn roofline(breakdown: &Breakdown<'_>) -> Option<RooflinePlot> {
    let cost = &breakdown.cost;
    let architecture = cost.architecture();
    let outermost = architecture.levels().last()?;
    let (bytes_per_word, level) = (f64::from(outermost.word_bits) / 8.0, architecture.levels().len() - 1);
    let work = |layer: &LayerCost| {
        let report = &layer.best.report;
        let moved = |tensor| {
            let tensor = report.tensor(level, tensor);
            tensor.reads + tensor.fills + tensor.updates
        };
        let words: u64 = (0..layer.best.einsum.tensors().len()).map(moved).sum();
        let macs = layer.macs as f64;
        Work {
            name: layer.name.clone(),
            intensity: macs / (words as f64 * bytes_per_word),
            rate: macs / report.cycles as f64,
            share: layer.cycles() / cost.cycles(),
        }
    };
    let works: Vec<Work> =
        cost.layers().iter().map(work).filter(|work| work.intensity.is_finite() && work.rate > 0.0).collect();
    (!works.is_empty()).then(|| RooflinePlot {
        title: format!("{} on {}: roofline", breakdown.workload.name, breakdown.machine.name),
        x: Axis::new(&format!("multiply-accumulates for each byte of {}", outermost.name), ""),
        y: Axis::new("multiply-accumulates in a cycle", ""),
        peak: architecture.mac().instances as f64,
        bandwidth: words_per_cycle(outermost).map(|words| words * bytes_per_word),
        works,
        caption: format!(
            "What lies below the roof waits for levels inside of {}, or for loads and stores that nothing hides, or leaves units idle.",
            outermost.name
        ),
    })
}

/// Words that all instances of `level` can move in a cycle, read and written, if that is limited.
fn words_per_cycle(level: &Level) -> Option<f64> {
    let apart = level.bandwidth.read_words_per_cycle.zip(level.bandwidth.write_words_per_cycle);
    let apart = apart.map(|(read, written)| read + written);
    let words = [level.bandwidth.shared_words_per_cycle, apart].into_iter().flatten().reduce(f64::min);
    words.map(|words| words * level.instances as f64)
}

/// A part that is nowhere has no place in the legend.
fn drop_empty_parts(parts: &mut Vec<String>, bars: &mut [Bar]) {
    for part in (0..parts.len()).rev() {
        if bars.iter().all(|bar| bar.parts[part] == 0.0) {
            parts.remove(part);
            for bar in bars.iter_mut() {
                bar.parts.remove(part);
            }
        }
    }
}
