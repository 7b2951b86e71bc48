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
    pub(super) stay: Stay,
    pub(super) values: Vec<f64>,
    /// By state, what a trip adds in tiles that overlap; empty if there are none.
    window_trips: Vec<f64>,
}

impl Line {
    fn new(stay: Stay, states: &States, tensor: usize, values: Vec<f64>) -> Self {
        let window_trips = stay.window_trips(states, tensor, values.len());
        Self { stay, values, window_trips }
    }

    /// What is left at `state` if the run began where `trips` were outside.
    #[inline]
    pub(super) fn left(&self, state: usize, trips: f64) -> f64 {
        let windows = self.window_trips.get(state).copied().unwrap_or(0.0);
        self.values[state] + (self.stay.flow + windows) * trips
    }
}

/// Most lines of a tensor; what is more is counted at the lesser price of two. Ours: bounds the time of tables.
const MOST_LINES: usize = 6;

/// What one tensor adds to a sum for each trip over dimensions that it does not use.
#[derive(Clone, PartialEq)]
pub(super) struct Stay {
    /// Of tiles that do not overlap.
    flow: f64,
    /// Of tiles that do: level and price of a word, the outermost first.
    windows: Vec<(usize, f64)>,
}

impl Stay {
    pub(super) fn new(cost: &Weighed, tensor: usize) -> Self {
        let own = cost.windows.iter().filter(|term| term.tensor == tensor && term.per_word != 0.0);
        Self { flow: cost.flow[tensor], windows: own.map(|term| (term.level, term.per_word)).collect() }
    }

    /// By state, what a trip adds in tiles of `tensor` that overlap; nothing if there are none. It depends on trips over the dimensions
    /// that the tensor uses alone, so it is the same all along a run.
    fn window_trips(&self, states: &States, tensor: usize, n_states: usize) -> Vec<f64> {
        if self.windows.is_empty() {
            return Vec::new();
        }
        let mut trips = vec![0.0; n_states];
        for &(level, per_word) in &self.windows {
            let linear = states.linear(level, tensor);
            trips.iter_mut().zip(linear).for_each(|(sum, words)| *sum += per_word * words);
        }
        trips
    }

    /// This, the run going on inside with `inner`.
    pub(super) fn longer(&self, inner: &Self) -> Self {
        let windows = self.windows.iter().chain(&inner.windows).copied().collect();
        Self { flow: self.flow + inner.flow, windows }
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
            let uses = ground.problem.shapes[tensor].uses;
            let unused = loops.iter().filter(|&dim| !uses.contains(dim)).collect();
            ground.lattice.least_within(unused, &mut going);
            let line = Line::new(self.clone(), states, tensor, going);
            add_line(&mut table.going[tensor], line, states, tensor);
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
        let window_trips = self.window_trips(states, tensor, least.len());
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
                    let sum = least[state] + window_trips[state] * trips;
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
fn add_line(lines: &mut Vec<Line>, line: Line, states: &States, tensor: usize) {
    let is_full = lines.len() >= MOST_LINES;
    let distance =
        |other: &Line| (other.stay.windows != line.stay.windows, (other.stay.flow - line.stay.flow).abs());
    let nearer = |a: &&mut Line, b: &&mut Line| {
        let (a, b) = (distance(a), distance(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    match lines.iter_mut().min_by(nearer) {
        Some(other) if is_full || other.stay == line.stay => {
            let flow = other.stay.flow.min(line.stay.flow);
            let mut windows = std::mem::take(&mut other.stay.windows);
            windows.retain(|window| line.stay.windows.contains(window));
            take_least(&mut other.values, line.values.into_iter());
            *other = Line::new(Stay { flow, windows }, states, tensor, std::mem::take(&mut other.values));
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
