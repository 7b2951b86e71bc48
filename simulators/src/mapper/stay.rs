//! What runs leave where it is: tables of one stage, closed over the loops outside of it.

use super::ground::{Ground, Weighed};
use super::lattice::Slabs;
use super::states::States;

/// By state: what is left if no run goes on here, and by tensor, if its run does.
pub(super) struct Table {
    pub(super) fresh: Vec<f64>,
    pub(super) going: Vec<Vec<Line>>,
}

/// What is left by state, and what comes on top of that for each trip outside of the run that goes on.
pub(super) struct Line {
    pub(super) per_trip: f64,
    pub(super) values: Vec<f64>,
}

/// Most lines of a tensor; what is more is counted at the lesser price of two. Ours: bounds the time of tables.
const MOST_LINES: usize = 6;

/// What one tensor adds to a sum for each trip over dimensions that it does not use.
#[derive(Clone, PartialEq)]
pub(super) struct Stay {
    /// Of tiles that do not overlap.
    flow: f64,
    /// By level of the stage, of tiles that do: index into the windows of a choice, and price of a word.
    windows: Vec<(usize, f64)>,
}

impl Stay {
    pub(super) fn new(cost: &Weighed, tensor: usize) -> Self {
        let own = cost.windows.iter().filter(|term| term.tensor == tensor && term.per_word != 0.0);
        Self { flow: cost.flow[tensor], windows: own.map(|term| (term.level, term.per_word)).collect() }
    }

    /// Adds the words of `tensor` in tiles that overlap at the trips that `trips` gives by state.
    fn add_windows(&self, states: &States, tensor: usize, trips: impl Fn(usize) -> f64, values: &mut [f64]) {
        for &(level, per_word) in &self.windows {
            let linear = states.linear(level, tensor);
            for (state, value) in values.iter_mut().enumerate() {
                *value += per_word * linear[state] * trips(state);
            }
        }
    }

    /// This with `per_trip` more.
    pub(super) fn longer(&self, per_trip: f64) -> Self {
        Self { flow: self.flow + per_trip, windows: self.windows.clone() }
    }

    /// Whether a trip adds nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.flow == 0.0 && self.windows.is_empty()
    }

    /// Puts the minima over the loops outside of `stage` into `table`.
    pub(super) fn close(
        &self,
        ground: &Ground,
        states: &States,
        stage: usize,
        tensor: usize,
        mut least: Vec<f64>,
        table: &mut Table,
    ) {
        let loops = ground.plan.stages[stage].loops;
        if !self.is_nothing() {
            let mut going = least.clone();
            self.add_windows(states, tensor, |_| 1.0, &mut going);
            let uses = ground.problem.shapes[tensor].uses;
            let unused = loops.iter().filter(|&dim| !uses.contains(dim)).collect();
            ground.lattice.least_within(unused, &mut going);
            add_line(&mut table.going[tensor], Line { per_trip: self.flow, values: going });
        }
        let unused = &states.unused[tensor];
        match states.slabs(tensor).filter(|_| !self.windows.is_empty()) {
            Some(slabs) => self.close_windows(ground, states, slabs, (stage, tensor), &least, table),
            None => {
                ground.lattice.least_within(loops, &mut least);
                let sums = least.iter().zip(unused).map(|(value, trips)| value + self.flow * trips);
                take_least(&mut table.fresh, sums);
            }
        }
    }

    /// The same where tiles overlap: what a trip adds depends on the state inside, and the trips on the state outside, but on its
    /// unused dimensions alone.
    fn close_windows(
        &self,
        ground: &Ground,
        states: &States,
        slabs: &Slabs,
        (stage, tensor): (usize, usize),
        least: &[f64],
        table: &mut Table,
    ) {
        let loops = ground.plan.stages[stage].loops;
        let uses = ground.problem.shapes[tensor].uses;
        let idle = loops.iter().filter(|&dim| !uses.contains(dim)).collect();
        let windows: Vec<(&[f64], f64)> =
            self.windows.iter().map(|&(level, per_word)| (states.linear(level, tensor), per_word)).collect();
        let mut inside = Vec::new();
        let mut slab = Vec::new();
        for &start in &slabs.starts {
            let trips = states.unused[tensor][start];
            ground.lattice.within(start, idle, &mut inside);
            slab.clear();
            slab.resize(slabs.offsets.len(), f64::INFINITY);
            for &start in &inside {
                for (value, offset) in slab.iter_mut().zip(&slabs.offsets) {
                    let state = start + offset;
                    let words: f64 = windows.iter().map(|(linear, per_word)| per_word * linear[state]).sum();
                    let sum = least[state] + words * trips;
                    *value = if sum < *value { sum } else { *value };
                }
            }
            ground.lattice.least_within_slab(loops.and(uses), slabs, &mut slab);
            for (value, offset) in slab.iter().zip(&slabs.offsets) {
                let slot = &mut table.fresh[start + offset];
                *slot = slot.min(value + self.flow * trips);
            }
        }
    }
}

/// Adds `line`, with another one if it adds as much for a trip or there are too many.
fn add_line(lines: &mut Vec<Line>, line: Line) {
    let is_full = lines.len() >= MOST_LINES;
    let distance = |other: &Line| (other.per_trip - line.per_trip).abs();
    let nearest = lines.iter_mut().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    match nearest {
        Some(other) if is_full || other.per_trip == line.per_trip => {
            other.per_trip = other.per_trip.min(line.per_trip);
            take_least(&mut other.values, line.values.into_iter());
        }
        _ => lines.push(line),
    }
}

pub(super) fn take_least(values: &mut Vec<f64>, others: impl Iterator<Item = f64>) {
    if values.is_empty() {
        values.extend(others);
        return;
    }
    values
        .iter_mut()
        .zip(others)
        .for_each(|(value, other)| *value = if other < *value { other } else { *value });
}
