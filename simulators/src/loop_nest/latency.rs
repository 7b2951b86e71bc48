//! Cycles: bandwidth, and what bandwidth alone leaves out.
//!
//! The steady state is Timeloop's: every level needs `ceil(words / bandwidth)` cycles, all levels and the array
//! overlap, and the slowest sets the pace. Unless [`Quirks::perfect_overlap`] is on, three things come on top:
//!
//! - *loads*: the first tile of every level arrives before work can begin; at a single-buffered level
//!   (`multiple_buffering` below 2) no tile arrives while another is in use, so all its fills are exposed;
//! - *stores*: the last tile of every output leaves after the work is done;
//! - *fill and drain* of a systolic array, `x - 1 + y - 1` cycles for every tile that its instances hold, or once if
//!   they are double buffered. With single-buffered weights this gives the closed forms of [`super::systolic`].

use super::architecture::{Architecture, Bandwidth, Delivery, Level};
use super::nest::Nest;
use super::quirks::Quirks;
use super::report::{Illegal, LatencyReport, Report};

const TOO_LONG: Illegal = Illegal::Overflow { what: "cycles" };

/// Words that one instance of a level moves.
#[derive(Debug, Clone, Copy, Default)]
struct Demand {
    read: u64,
    written: u64,
}

impl Demand {
    fn add(&mut self, read: u64, written: u64) -> Result<(), Illegal> {
        self.read = self.read.checked_add(read).ok_or(TOO_LONG)?;
        self.written = self.written.checked_add(written).ok_or(TOO_LONG)?;
        Ok(())
    }

    /// Cycles at `bandwidth`; 0 if it is not limited.
    fn cycles(self, bandwidth: &Bandwidth) -> Result<u64, Illegal> {
        let (read, written) = (self.read as f64, self.written as f64);
        let cycles = |words: f64, limit: Option<f64>| limit.map_or(0.0, |limit| words / limit);
        let longest = cycles(read, bandwidth.read_words_per_cycle)
            .max(cycles(written, bandwidth.write_words_per_cycle))
            .max(cycles(read + written, bandwidth.shared_words_per_cycle));
        whole(longest).map(|cycles| cycles + u64::from((cycles as f64) < longest))
    }
}

/// Words per compute cycle that one instance of a level moves.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    read: f64,
    written: f64,
}

impl Rate {
    /// Share of the compute speed that `bandwidth` sustains, at most 1.
    fn slowdown(self, bandwidth: &Bandwidth) -> f64 {
        let share = |rate: f64, limit: Option<f64>| match limit {
            Some(limit) if rate > limit => limit / rate,
            _ => 1.0,
        };
        share(self.read, bandwidth.read_words_per_cycle)
            .min(share(self.written, bandwidth.write_words_per_cycle))
            .min(share(self.read + self.written, bandwidth.shared_words_per_cycle))
    }
}

fn whole(cycles: f64) -> Result<u64, Illegal> {
    if cycles < u64::MAX as f64 { Ok(cycles as u64) } else { Err(TOO_LONG) }
}

/// Fills in the cycles of `report` and of its levels.
pub(super) fn account(
    architecture: &Architecture,
    outputs: &[bool],
    nest: &Nest,
    quirks: Quirks,
    report: &mut Report,
) -> Result<(), Illegal> {
    let compute_cycles =
        if quirks.padded_imperfect_cycles { nest.padded_iterations } else { nest.iterations };
    let mut latency =
        LatencyReport { compute_cycles, steady_cycles: compute_cycles, ..LatencyReport::default() };
    for (index, level) in architecture.levels().iter().enumerate() {
        let (mut demand, mut rate) = (Demand::default(), Rate::default());
        for tensor in 0..outputs.len() {
            let entry = report.tensor(index, tensor);
            let written = entry.fills.checked_add(entry.updates).ok_or(TOO_LONG)?;
            demand.add(entry.reads, written)?;
            if quirks.rounded_slowdown {
                rate.read += entry.reads as f64 / compute_cycles as f64;
                rate.written += written as f64 / compute_cycles as f64;
            }
        }
        let (cycles, slowdown) = if quirks.rounded_slowdown {
            let slowdown = rate.slowdown(&level.bandwidth);
            (whole((compute_cycles as f64 / slowdown).ceil())?, slowdown)
        } else {
            let cycles = demand.cycles(&level.bandwidth)?.max(compute_cycles);
            (cycles, compute_cycles as f64 / cycles as f64)
        };
        report.levels[index].cycles = cycles;
        report.levels[index].slowdown = slowdown;
        latency.steady_cycles = latency.steady_cycles.max(cycles);
    }
    if !quirks.perfect_overlap {
        for index in 0..architecture.levels().len() {
            expose(architecture, index, outputs, nest, report, &mut latency)?;
        }
    }
    report.cycles = [latency.load_cycles, latency.store_cycles, latency.array_cycles]
        .iter()
        .try_fold(latency.steady_cycles, |sum, &part| sum.checked_add(part))
        .ok_or(TOO_LONG)?;
    report.latency = latency;
    Ok(())
}

/// Adds what nothing hides at level `index`.
fn expose(
    architecture: &Architecture,
    index: usize,
    outputs: &[bool],
    nest: &Nest,
    report: &Report,
    latency: &mut LatencyReport,
) -> Result<(), Illegal> {
    let levels = architecture.levels();
    let (x, y) = nest.fanout_xy[index];
    if levels[index].network.delivery == Delivery::Systolic {
        let double = index > 0 && levels[index - 1].multiple_buffering >= 2.0;
        let passes =
            nest.temporal.from(index).iter().try_fold(1u64, |passes, item| passes.checked_mul(item.bound));
        let passes = if double { 1 } else { passes.ok_or(TOO_LONG)? };
        let cycles = passes.checked_mul(x + y - 2).ok_or(TOO_LONG)?;
        latency.array_cycles = latency.array_cycles.checked_add(cycles).ok_or(TOO_LONG)?;
    }
    if levels[index].bandwidth == Bandwidth::default() {
        return expose_above(levels, index, outputs, nest, report, latency);
    }
    let single = levels[index].multiple_buffering < 2.0;
    let (mut load, mut store) = (Demand::default(), Demand::default());
    for (tensor, &output) in outputs.iter().enumerate() {
        let entry = report.tensor(index, tensor);
        let filled_from_above = (index + 1..levels.len()).any(|above| report.tensor(above, tensor).kept);
        if !entry.kept || !filled_from_above {
            continue;
        }
        let first_tile = if output { 0 } else { entry.tile_words };
        let exposed = if single { entry.fills } else { first_tile };
        load.written = load.written.checked_add(exposed).ok_or(TOO_LONG)?;
        if output {
            store.read = store.read.checked_add(entry.tile_words).ok_or(TOO_LONG)?;
        }
    }
    latency.load_cycles =
        latency.load_cycles.checked_add(load.cycles(&levels[index].bandwidth)?).ok_or(TOO_LONG)?;
    latency.store_cycles =
        latency.store_cycles.checked_add(store.cycles(&levels[index].bandwidth)?).ok_or(TOO_LONG)?;
    expose_above(levels, index, outputs, nest, report, latency)
}

/// Adds what the level above `index` takes to deliver first tiles and to take in last ones.
fn expose_above(
    levels: &[Level],
    index: usize,
    outputs: &[bool],
    nest: &Nest,
    report: &Report,
    latency: &mut LatencyReport,
) -> Result<(), Illegal> {
    let Some(parent) = levels.get(index + 1).filter(|parent| parent.bandwidth != Bandwidth::default()) else {
        return Ok(());
    };
    let (mut load, mut store) = (Demand::default(), Demand::default());
    for (tensor, &output) in outputs.iter().enumerate() {
        let entry = report.tensor(index, tensor);
        let above = report.tensor(index + 1, tensor);
        if !entry.kept || !above.kept {
            continue;
        }
        let sets: u64 = above.network.delivered.iter().map(|row| row.scatter).max().unwrap_or(1);
        let words = entry.tile_words.checked_mul(sets.min(nest.fanout[index + 1])).ok_or(TOO_LONG)?;
        let sum = if output { &mut store.written } else { &mut load.read };
        *sum = sum.checked_add(words).ok_or(TOO_LONG)?;
    }
    latency.load_cycles = latency.load_cycles.checked_add(load.cycles(&parent.bandwidth)?).ok_or(TOO_LONG)?;
    latency.store_cycles =
        latency.store_cycles.checked_add(store.cycles(&parent.bandwidth)?).ok_or(TOO_LONG)?;
    Ok(())
}
