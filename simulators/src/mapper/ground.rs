//! One unrolling made ready: what words, fills and capacity are at every state of its lattice.
//!
//! A tile that never overlaps the one before is fetched anew whenever a loop moves it. With `t` the trips outside of it,
//! `V` its words and `run` the trips of the innermost loops that leave it where it is,
//! `F = V prod_d t_d / run = full * U / run`: `full` are the words of the tensor that one instance handles, and `U` the
//! trips over dimensions that the tensor does not use. Tiles that overlap are in `window.rs`.

use super::constraints::DimSet;
use super::lattice::Lattice;
use super::plan::{Choice, Plan, Stage};
use super::prices::{MAX_METRICS, Metrics, Prices, ROUNDING, Toll};
use super::problem::{Problem, Shape};
use super::unrolling::Unrolling;
use super::window::{Overlap, Steps, Window};
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS, MAX_TENSORS};

/// A term of a choice's cost that is not a product of trips.
#[derive(Clone, Copy)]
pub(super) struct WindowTerm {
    pub(super) tensor: usize,
    pub(super) level: usize,
    pub(super) per_word: Metrics,
    pub(super) per_tile_word: Metrics,
}

/// What a choice costs: `fixed + sum_T flow_T U_T / run_T + tile_T / T_T`, and windows.
#[derive(Clone)]
pub(super) struct ChoiceCost {
    pub(super) fixed: Metrics,
    pub(super) flow: [Metrics; MAX_TENSORS],
    pub(super) tile: [Metrics; MAX_TENSORS],
    pub(super) windows: Vec<WindowTerm>,
    /// Whether tensors that no level outside keeps can be held as a whole.
    pub(super) is_backed: bool,
}

/// A weighted sum of the metrics of a [`ChoiceCost`].
pub(super) struct Weighed {
    pub(super) fixed: f64,
    pub(super) flow: [f64; MAX_TENSORS],
    pub(super) tile: [f64; MAX_TENSORS],
    pub(super) windows: Vec<WeighedWindow>,
}

/// A weighted sum of the metrics of a [`WindowTerm`].
#[derive(Clone, Copy)]
pub(super) struct WeighedWindow {
    pub(super) tensor: usize,
    pub(super) level: usize,
    pub(super) per_word: f64,
    pub(super) per_tile_word: f64,
}

impl ChoiceCost {
    /// The sum of its metrics times `weights`.
    pub(super) fn weighed(&self, weights: &Metrics) -> Weighed {
        let window = |term: &WindowTerm| WeighedWindow {
            tensor: term.tensor,
            level: term.level,
            per_word: dot(&term.per_word, weights),
            per_tile_word: dot(&term.per_tile_word, weights),
        };
        Weighed {
            fixed: dot(&self.fixed, weights),
            flow: std::array::from_fn(|tensor| dot(&self.flow[tensor], weights)),
            tile: std::array::from_fn(|tensor| dot(&self.tile[tensor], weights)),
            windows: self.windows.iter().map(window).collect(),
        }
    }
}

/// What a state is, as costs need it.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) state: usize,
    trips: [u64; MAX_DIMS],
    /// By tensor: trips over dimensions that it does not use, and over those that it does.
    pub(super) unused: [f64; MAX_TENSORS],
    pub(super) used: [f64; MAX_TENSORS],
}

/// An unrolling made ready.
pub(super) struct Ground<'a> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) plan: &'a Plan,
    pub(super) prices: &'a Prices<'a>,
    pub(super) lattice: Lattice,
    /// By level and dimension: points of a tile if nothing ran outside.
    extents: [[f64; MAX_DIMS]; MAX_LEVELS],
    /// By level and tensor: words that one instance handles.
    full: [[f64; MAX_TENSORS]; MAX_LEVELS],
    /// Tensors that do not use some dimension that another one does not use either: loops over it can leave both where
    /// they are, so that neither is charged for it.
    shared: [bool; MAX_TENSORS],
    /// By stage, parents and choice.
    pub(super) costs: Vec<Vec<Vec<ChoiceCost>>>,
    /// By parents of the units.
    pub(super) units: Vec<Option<Metrics>>,
}

impl<'a> Ground<'a> {
    /// `unrolling` with the states of `lattice`.
    pub(super) fn new(
        problem: &'a Problem<'a>,
        plan: &'a Plan,
        prices: &'a Prices<'a>,
        unrolling: &Unrolling,
        lattice: Lattice,
    ) -> Self {
        let mut ground = Self {
            problem,
            plan,
            prices,
            lattice,
            extents: [[1.0; MAX_DIMS]; MAX_LEVELS],
            full: [[1.0; MAX_TENSORS]; MAX_LEVELS],
            shared: [false; MAX_TENSORS],
            costs: Vec::new(),
            units: Vec::new(),
        };
        let idle =
            |shape: &Shape| (0..problem.n_dims).filter(|&dim| !shape.uses.contains(dim)).collect::<DimSet>();
        for (tensor, shape) in problem.shapes.iter().enumerate() {
            let others = problem.shapes.iter().enumerate().filter(|&(other, _)| other != tensor);
            ground.shared[tensor] =
                others.into_iter().any(|(_, other)| !idle(shape).and(idle(other)).is_empty());
        }
        let mut inside = [1.0; MAX_DIMS];
        for level in 0..problem.n_levels {
            for (dim, inside) in inside.iter_mut().enumerate().take(problem.n_dims) {
                *inside *= prices.widths[level][dim];
                ground.extents[level][dim] = unrolling.steps[dim] as f64 * *inside;
            }
            for (full, shape) in ground.full[level].iter_mut().zip(&problem.shapes) {
                *full = shape.words(&ground.extents[level]);
            }
        }
        ground.price();
        ground
    }

    /// The state at index `state`.
    pub(super) fn point(&self, state: usize) -> Point {
        let mut trips = [1; MAX_DIMS];
        for (dim, trips) in trips.iter_mut().enumerate().take(self.problem.n_dims) {
            *trips = self.lattice.trips(state, dim);
        }
        self.point_at(state, &trips)
    }

    /// The same if its trips are known.
    pub(super) fn point_at(&self, state: usize, trips: &[u64; MAX_DIMS]) -> Point {
        let all = trips[..self.problem.n_dims].iter().map(|&trips| trips as f64).product::<f64>();
        let mut point = Point { state, trips: *trips, unused: [1.0; MAX_TENSORS], used: [1.0; MAX_TENSORS] };
        for (tensor, shape) in self.problem.shapes.iter().enumerate() {
            point.used[tensor] = shape.uses.iter().map(|dim| trips[dim] as f64).product();
            // Products of whole numbers below 2^53, so that the division is exact.
            point.unused[tensor] = if self.shared[tensor] { 1.0 } else { all / point.used[tensor] };
        }
        point
    }

    /// Words of `tensor` that one instance of `level` handles.
    pub(super) fn full(&self, level: usize, tensor: usize) -> f64 {
        self.full[level][tensor]
    }

    /// Words of the tile of `tensor` at `level`.
    pub(super) fn words(&self, level: usize, tensor: usize, point: &Point) -> f64 {
        let shape = &self.problem.shapes[tensor];
        if shape.is_plain {
            return self.full[level][tensor] / point.used[tensor];
        }
        shape.words(&self.tile(level, point))
    }

    /// Points by dimension of the tile of `level`.
    fn tile(&self, level: usize, point: &Point) -> [f64; MAX_DIMS] {
        let mut tile = self.extents[level];
        tile.iter_mut().zip(&point.trips).for_each(|(points, &trips)| *points /= trips as f64);
        tile
    }

    /// Adds up the tolls of every choice.
    fn price(&mut self) {
        let (plan, tolls) = (self.plan, &self.prices.tolls);
        for stage in &plan.stages {
            let by_parents = stage
                .choices
                .iter()
                .map(|choices| choices.iter().map(|choice| self.choice_cost(choice)).collect::<Vec<_>>());
            let by_parents = by_parents.collect();
            self.costs.push(by_parents);
        }
        let iterations: f64 =
            (0..self.problem.n_dims).map(|dim| self.lattice.trips(self.lattice.last(), dim) as f64).product();
        let units = plan.units.iter().map(|crossings| {
            let mut metrics = [0.0; MAX_METRICS];
            for &crossing in crossings {
                add(&mut metrics, &tolls[crossing].per_word, iterations);
                add(&mut metrics, &tolls[crossing].fixed, 1.0);
            }
            (!crossings.is_empty()).then_some(metrics)
        });
        self.units = units.collect();
    }

    fn choice_cost(&self, choice: &Choice) -> ChoiceCost {
        let mut cost = ChoiceCost {
            fixed: [0.0; MAX_METRICS],
            flow: [[0.0; MAX_METRICS]; MAX_TENSORS],
            tile: [[0.0; MAX_METRICS]; MAX_TENSORS],
            windows: Vec::new(),
            is_backed: choice.adopted.iter().all(|&(tensor, level)| self.is_undivided(tensor, level)),
        };
        for &index in &choice.crossings {
            let (crossing, toll) = (self.plan.crossings[index], &self.prices.tolls[index]);
            let (tensor, Some(level)) = (crossing.tensor, crossing.child) else { continue };
            add(&mut cost.fixed, &toll.fixed, 1.0);
            if !self.problem.shapes[tensor].is_plain {
                let Toll { per_word, per_tile_word, .. } = *toll;
                cost.windows.push(WindowTerm { tensor, level, per_word, per_tile_word });
            } else {
                add(&mut cost.flow[tensor], &toll.per_word, self.full[level][tensor]);
                add(&mut cost.tile[tensor], &toll.per_tile_word, self.full[level][tensor]);
            }
        }
        cost
    }

    /// Whether no loop over instances outside of `level` divides `tensor`.
    fn is_undivided(&self, tensor: usize, level: usize) -> bool {
        let (problem, shape) = (self.problem, &self.problem.shapes[tensor]);
        problem.quirks.unbacked_tensors
            || (level + 1..problem.n_levels)
                .all(|outer| shape.uses.iter().all(|dim| self.prices.widths[outer][dim] == 1.0))
    }

    /// Whether a choice of `stage` is possible at `point`: its tiles fit, tensors from nowhere are whole, and the levels inside
    /// can run what is left.
    pub(super) fn allows(&self, stage: usize, choice: &Choice, cost: &ChoiceCost, point: &Point) -> bool {
        let stage = &self.plan.stages[stage];
        self.is_whole(choice, cost, point) && self.is_open(stage, point) && self.fits(stage, choice, point)
    }

    /// Whether the levels inside of `stage` can run what is left at `point`.
    pub(super) fn is_open(&self, stage: &Stage, point: &Point) -> bool {
        let last = self.lattice.last();
        (0..self.problem.n_dims)
            .all(|dim| stage.open.contains(dim) || point.trips[dim] == self.lattice.trips(last, dim))
    }

    /// Whether tensors that no level outside keeps are whole at `point`.
    #[inline]
    pub(super) fn is_whole(&self, choice: &Choice, cost: &ChoiceCost, point: &Point) -> bool {
        let unbacked = self.problem.quirks.unbacked_tensors;
        cost.is_backed && choice.adopted.iter().all(|&(tensor, _)| unbacked || point.used[tensor] == 1.0)
    }

    /// Whether the tiles that the levels of `stage` keep fit.
    pub(super) fn fits(&self, stage: &Stage, choice: &Choice, point: &Point) -> bool {
        choice.keep.iter().enumerate().all(|(index, keep)| {
            let level = stage.outermost - index;
            let Some(capacity) = self.problem.costs[level].capacity_words else { return true };
            let kept = (0..self.problem.shapes.len()).filter(|&tensor| keep.contains(tensor));
            let words: f64 = kept.map(|tensor| self.words(level, tensor, point)).sum();
            words <= capacity as f64 * (1.0 + ROUNDING)
        })
    }

    /// The cost of a choice at `point` below a stage at `outside`, if the tensor `still` runs `trips` over dimensions that
    /// it does not use, and every other one all of them.
    pub(super) fn cost(
        &self,
        cost: &ChoiceCost,
        outside: &Point,
        point: &Point,
        still: Option<(usize, f64)>,
    ) -> Metrics {
        let trips = |tensor: usize| match still {
            Some((other, trips)) if other == tensor => trips,
            _ => point.unused[tensor],
        };
        let mut metrics = cost.fixed;
        for tensor in 0..self.problem.shapes.len() {
            add(&mut metrics, &cost.flow[tensor], trips(tensor));
            add(&mut metrics, &cost.tile[tensor], point.used[tensor].recip());
        }
        for term in &cost.windows {
            let window = self.window(term.tensor, term.level, point);
            let Overlap { linear, base, words } = window.overlap();
            let steps = Steps {
                outside: outside.trips,
                trips: trips(term.tensor) * point.used[term.tensor],
                still: still.filter(|&(tensor, _)| tensor != term.tensor).map(|(tensor, _)| tensor),
            };
            let fetched = (base + linear * trips(term.tensor)).max(window.fetched(words, &steps));
            add(&mut metrics, &term.per_word, fetched);
            add(&mut metrics, &term.per_tile_word, words);
        }
        metrics
    }

    /// The tile of `tensor` at `level` and what moves it.
    pub(super) fn window(&self, tensor: usize, level: usize, point: &Point) -> Window<'_> {
        Window {
            problem: self.problem,
            shape: &self.problem.shapes[tensor],
            tile: self.tile(level, point),
            trips: point.trips,
            widths: &self.prices.widths,
            level,
        }
    }
}

#[inline]
pub(super) fn add(sum: &mut Metrics, part: &Metrics, times: f64) {
    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part * times);
}

/// The sum of `metrics` times `weights`.
#[inline]
pub(super) fn dot(metrics: &Metrics, weights: &Metrics) -> f64 {
    metrics.iter().zip(weights).map(|(metric, weight)| metric * weight).sum()
}

/// The lesser of two metrics each.
pub(super) fn least(a: &Metrics, b: &Metrics) -> Metrics {
    std::array::from_fn(|metric| a[metric].min(b[metric]))
}
