//! Cycles: bandwidth, and what bandwidth alone leaves out.
//!
//! The steady state is Timeloop's: every level needs `ceil(words / bandwidth)` cycles, all levels and the array
//! overlap, and the slowest sets the pace. Unless [`Quirks::perfect_overlap`] is on, three things come on top:
//!
//! - *loads*: the first tile of every level is read from the next level above that keeps the tensor, and written,
//!   before work can begin; at a single-buffered level ([`Level::fills_overlap`] is false) no tile arrives while another
//!   is in use, so that all its fills are waited for like the first;
//! - *stores*: the last tile of every output leaves after the work is done;
//! - *fill and drain* of a systolic array of `x` by `y` instances, all of which a word crosses whether they are in use
//!   or not: `x - 1 + y - 1` cycles for every tile that a single-buffered instance works on, or once if tiles follow
//!   each other without a gap; and the time in which inputs that stay are shifted in through the columns, `y` cycles a
//!   word, as far as it is longer than the exposed load. With buffers that never wait these are the closed forms of
//!   [`super::systolic`], which count from cycle 0.
//!
//! Words that are waited for are no part of the pace, at either end of their way: no word is counted twice.

use super::architecture::{Architecture, Bandwidth, Delivery, MAX_LEVELS};
use super::einsum::MAX_TENSORS;
use super::nest::Nest;
use super::projection::Projection;
use super::quirks::Quirks;
use super::report::{Illegal, LatencyReport, Report, TensorReport};
use super::traffic::share_of;

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

    /// What is left without `part`.
    fn less(self, part: Self) -> Self {
        // Averages over instances are rounded, a tile is not: a part may come out larger than the whole by some words.
        let read = self.read.saturating_sub(part.read);
        Self { read, written: self.written.saturating_sub(part.written) }
    }

    /// Cycles at `bandwidth`; 0 if it is not limited.
    fn cycles(self, bandwidth: &Bandwidth) -> Result<u64, Illegal> {
        let (read, written) = (self.read as f64, self.written as f64);
        let mut longest = 0.0f64;
        for (words, limit) in [
            (read, bandwidth.read_words_per_cycle),
            (written, bandwidth.write_words_per_cycle),
            (read + written, bandwidth.shared_words_per_cycle),
        ] {
            if let Some(limit) = limit {
                longest = longest.max(words / limit);
            }
        }
        // A part of a cycle is a whole one.
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

/// The parts of an evaluation that cycles follow from.
pub(super) struct Timing<'a> {
    pub(super) architecture: &'a Architecture,
    pub(super) projections: &'a [Projection],
    pub(super) nest: &'a Nest,
    /// By level: instances of the chip below one instance, in x and y.
    pub(super) meshes: &'a [(u64, u64)],
    pub(super) quirks: Quirks,
}

impl Timing<'_> {
    /// Fills in the cycles of `report` and of its levels.
    pub(super) fn account(&self, report: &mut Report) -> Result<(), Illegal> {
        let padded = self.quirks.padded_imperfect_cycles;
        let compute_cycles = if padded { self.nest.padded_iterations } else { self.nest.iterations };
        let mut latency =
            LatencyReport { compute_cycles, steady_cycles: compute_cycles, ..LatencyReport::default() };
        // By level: words that are waited for.
        let mut exposed = [Demand::default(); MAX_LEVELS];
        if !self.quirks.perfect_overlap {
            self.expose(report, &mut latency, &mut exposed)?;
        }
        for (index, level) in self.architecture.levels().iter().enumerate() {
            // A level without a limit keeps up with whatever the units ask.
            let (mut cycles, mut slowdown) = (compute_cycles, 1.0);
            if level.bandwidth != Bandwidth::default() {
                let entries = report.at(index);
                (cycles, slowdown) = self.pace(entries, exposed[index], &level.bandwidth, compute_cycles)?;
            }
            report.levels[index].cycles = cycles;
            report.levels[index].slowdown = slowdown;
            latency.steady_cycles = latency.steady_cycles.max(cycles);
        }
        report.cycles = [latency.load_cycles, latency.store_cycles, latency.array_cycles]
            .iter()
            .try_fold(latency.steady_cycles, |sum, &part| sum.checked_add(part))
            .ok_or(TOO_LONG)?;
        report.latency = latency;
        Ok(())
    }

    /// Cycles of a level if everything but the words that are waited for overlaps, and the share of the compute speed that
    /// this is.
    fn pace(
        &self,
        entries: &[TensorReport],
        exposed: Demand,
        bandwidth: &Bandwidth,
        compute_cycles: u64,
    ) -> Result<(u64, f64), Illegal> {
        if self.quirks.rounded_slowdown {
            let mut rate = Rate::default();
            for entry in entries {
                rate.read += entry.reads as f64 / compute_cycles as f64;
                let written = entry.fills.checked_add(entry.updates).ok_or(TOO_LONG)?;
                rate.written += written as f64 / compute_cycles as f64;
            }
            let slowdown = rate.slowdown(bandwidth);
            return Ok((whole((compute_cycles as f64 / slowdown).ceil())?, slowdown));
        }
        let mut demand = Demand::default();
        for entry in entries {
            demand.add(entry.reads, entry.fills)?;
            demand.add(0, entry.updates)?;
        }
        let cycles = demand.less(exposed).cycles(bandwidth)?.max(compute_cycles);
        Ok((cycles, compute_cycles as f64 / cycles as f64))
    }

    /// Adds what nothing hides, from the outermost level inwards, to cycles and to words.
    fn expose(
        &self,
        report: &Report,
        latency: &mut LatencyReport,
        exposed: &mut [Demand; MAX_LEVELS],
    ) -> Result<(), Illegal> {
        let levels = self.architecture.levels();
        let mut suppliers = [None; MAX_TENSORS];
        // Outermost first, since a tile comes from the next level above that keeps its tensor. Loads follow each other from
        // level to level, so their cycles add up.
        for index in (0..levels.len()).rev() {
            let parent = levels.get(index + 1).map(|parent| parent.network.delivery);
            let loaded = self.exchange(report, index, &suppliers, latency, exposed)?;
            if parent == Some(Delivery::Systolic) {
                let array = self.cross_array(report.at(index), index, &suppliers, loaded)?;
                latency.array_cycles = latency.array_cycles.checked_add(array).ok_or(TOO_LONG)?;
            }
            for (tensor, entry) in report.at(index).iter().enumerate() {
                let sets = entry.network.sets;
                suppliers[tensor] = match (entry.kept, suppliers[tensor]) {
                    (true, above) => Some(Supplier { level: index, sets, is_outermost: above.is_none() }),
                    // The words of different sets also differ above a level that lets them pass.
                    (false, Some(above)) => {
                        Some(Supplier { sets: above.sets.checked_mul(sets).ok_or(TOO_LONG)?, ..above })
                    }
                    (false, None) => None,
                };
            }
        }
        if levels[0].network.delivery == Delivery::Systolic {
            // Units of arithmetic keep nothing that work could have to wait for.
            let (x, y) = self.meshes[0];
            latency.array_cycles = latency.array_cycles.checked_add(x + y - 2).ok_or(TOO_LONG)?;
        }
        // Cycles are counted from 0, which takes one off; an array of a single unit has none to take.
        latency.array_cycles = latency.array_cycles.saturating_sub(1);
        Ok(())
    }

    /// Adds the exposed loads and stores of level `index`. Returns the cycles of the loads.
    fn exchange(
        &self,
        report: &Report,
        index: usize,
        suppliers: &[Option<Supplier>; MAX_TENSORS],
        latency: &mut LatencyReport,
        exposed: &mut [Demand; MAX_LEVELS],
    ) -> Result<u64, Illegal> {
        let levels = self.architecture.levels();
        let single = !levels[index].fills_overlap();
        let (mut load, mut store) = (Demand::default(), Demand::default());
        // By level above: words that it reads or takes in.
        let mut above = [(Demand::default(), Demand::default()); MAX_LEVELS];
        let mut outermost = index;
        for (tensor, entry) in report.at(index).iter().enumerate().filter(|(_, entry)| entry.kept) {
            let Some(Supplier { level, sets, is_outermost }) = suppliers[tensor] else { continue };
            // The supplier reads a tile once for each set of instances that needs another one.
            let mut there = entry.tile_words.checked_mul(sets).ok_or(TOO_LONG)?;
            if is_outermost {
                there = share_of(self.projections[tensor].stored, there);
            }
            let output = self.projections[tensor].output;
            if output {
                store.add(entry.tile_words, 0)?;
                above[level].1.add(0, there)?;
            }
            // With a single buffer every tile is waited for, partial sums that come back included; with two, only the first
            // tile of an operand is.
            match (single, output) {
                (true, _) => {
                    load.add(0, entry.fills)?;
                    above[level].0.add(report.tensor(level, tensor).reads, 0)?;
                }
                (false, true) => {}
                (false, false) => {
                    load.add(0, entry.tile_words)?;
                    above[level].0.add(there, 0)?;
                }
            }
            outermost = outermost.max(level);
        }
        let (mut loaded, mut stored) = (0, 0);
        for (level, (read, written)) in above.iter().enumerate().take(outermost + 1).skip(index + 1) {
            // Levels above work side by side.
            if read.read > 0 {
                loaded = read.cycles(&levels[level].bandwidth)?.max(loaded);
            }
            if written.written > 0 {
                stored = written.cycles(&levels[level].bandwidth)?.max(stored);
            }
            exposed[level].add(read.read, written.written)?;
        }
        // A tile is written once it has been read; the two do not overlap.
        if load.written > 0 {
            loaded = loaded.checked_add(load.cycles(&levels[index].bandwidth)?).ok_or(TOO_LONG)?;
        }
        if store.read > 0 {
            stored = stored.checked_add(store.cycles(&levels[index].bandwidth)?).ok_or(TOO_LONG)?;
        }
        exposed[index].add(0, load.written)?;
        latency.load_cycles = latency.load_cycles.checked_add(loaded).ok_or(TOO_LONG)?;
        latency.store_cycles = latency.store_cycles.checked_add(stored).ok_or(TOO_LONG)?;
        Ok(loaded)
    }

    /// Cycles in which a systolic array of instances of level `index` fills, drains, and is loaded with what stays,
    /// less the `loaded` cycles that are counted as loads.
    fn cross_array(
        &self,
        entries: &[TensorReport],
        index: usize,
        suppliers: &[Option<Supplier>; MAX_TENSORS],
        loaded: u64,
    ) -> Result<u64, Illegal> {
        let (x, y) = self.meshes[index + 1];
        let single = !self.architecture.levels()[index].fills_overlap();
        let (mut passes, mut shifted) = (1, 0u64);
        for (tensor, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.kept) {
            if suppliers[tensor].is_none() {
                continue;
            }
            let projection = &self.projections[tensor];
            // Two buffers let one tile drain while the next fills, so the array fills once; a single one empties it each time.
            let tiles = if single { self.nest.tiles(projection, index + 1) } else { 1 };
            passes = passes.max(tiles);
            if !projection.output {
                // Where instances differ, the first has the most to load.
                let words = match single && !self.nest.uneven {
                    true => entry.fills,
                    false => entry.tile_words.checked_mul(tiles).ok_or(TOO_LONG)?,
                };
                shifted = shifted.checked_add(words).ok_or(TOO_LONG)?;
            }
        }
        // A word that stays reaches the last row through all others: `y` cycles. What of it passes while the level loads was
        // counted there. A wave of `x` by `y` instances is over `x - 1 + y - 1` cycles after it began.
        let shifting = shifted.checked_mul(y).ok_or(TOO_LONG)?.saturating_sub(loaded);
        passes.checked_mul(x + y - 2).and_then(|filling| filling.checked_add(shifting)).ok_or(TOO_LONG)
    }
}

/// The next level above that keeps a tensor.
#[derive(Debug, Clone, Copy)]
struct Supplier {
    level: usize,
    /// Sets of instances of the level below that it sends different words to.
    sets: u64,
    /// Whether no level above it keeps the tensor.
    is_outermost: bool,
}
