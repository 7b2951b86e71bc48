//! Bars of energy and cycles by level, summed over the layers.

use std::path::{Path, PathBuf};

use tapeout::experiment::plot::{Axis, Bar, BarChart, Plot};
use tapeout::simulators::network_cost::LevelCost;

use super::breakdown::Breakdown;
use crate::failure::Failure;
use crate::number::count;

/// Draws `energy` and `cycles` into `folder` as SVG and PNG, and returns their paths.
pub(super) fn write(breakdown: &Breakdown<'_>, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let failure = Failure::failed(error).context(format!("{}: cannot make the folder", folder.display()));
        failure.hint("choose a folder that can be written to")
    })?;
    let mut paths = Vec::new();
    for (name, chart) in [("energy", energy(breakdown)), ("cycles", cycles(breakdown))] {
        paths.extend(chart.write(&folder.join(name))?);
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
    // A part that is nowhere has no place in the legend.
    for part in (0..parts.len()).rev() {
        if bars.iter().all(|bar| bar.parts[part] == 0.0) {
            parts.remove(part);
            for bar in &mut bars {
                bar.parts.remove(part);
            }
        }
    }
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
