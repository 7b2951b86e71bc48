//! One unrolling made ready: what words, fills and capacity are at every state of its lattice.
//!
//! A tile that never overlaps the one before is fetched anew whenever a loop moves it. With `t` the trips outside of it,
//! `V` its words and `run` the trips of the innermost loops that leave it where it is,
//! `F = V prod_d t_d / run = full * U / run`: `full` are the words of the tensor that one instance handles, and `U` the
//! trips over dimensions that the tensor does not use. Tiles that overlap are in `window.rs`.

use super::lattice::Lattice;
use super::plan::{Choice, Plan, Stage};
use super::prices::{MAX_METRICS, Metrics, Prices, Toll};
use super::problem::{Problem, Shape};
use super::unrolling::Unrolling;
use super::window::{Overlapping, Steps};
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS, MAX_TENSORS, TensorSet};

/// A term of a choice's cost that is not a product of trips.
#[derive(Clone, Copy)]
pub(super) struct WindowTerm {
    pub(super) tensor: usize,
    pub(super) level: usize,
    pub(super) per_word: Metrics,
    pub(super) per_tile_word: Metrics,
}

/// What a choice costs: `fixed + sum_T flow_T U_T / run_T + tile_T / T_T`, and windows.
pub(super) struct ChoiceCost {
    pub(super) fixed: Metrics,
    pub(super) flow: [Metrics; MAX_TENSORS],
    tile: [Metrics; MAX_TENSORS],
    pub(super) windows: Vec<WindowTerm>,
    /// Whether tensors that no level outside keeps can be held as a whole.
    is_backed: bool,
}

/// An unrolling made ready.
pub(super) struct Ground<'a> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) plan: &'a Plan,
    pub(super) prices: &'a Prices<'a>,
    pub(super) lattice: Lattice,
    /// By tensor and state: trips over dimensions that it does not use, and over those that it does.
    pub(super) unused: Vec<Vec<f64>>,
    pub(super) used: Vec<Vec<f64>>,
    per_used: Vec<Vec<f64>>,
    /// By level and tensor: words that one instance handles.
    full: [[f64; MAX_TENSORS]; MAX_LEVELS],
    /// By level and tensor, for those whose tiles can overlap.
    overlapping: Vec<Vec<Option<Overlapping>>>,
    /// By level and state: bit `s` is set if the tiles of the set of tensors `s` fit; empty without a limit.
    fits: Vec<Vec<u64>>,
    /// By stage and state: whether what is left can run inside.
    reachable: Vec<Vec<bool>>,
    /// By stage, parents and choice.
    pub(super) costs: Vec<Vec<Vec<ChoiceCost>>>,
    /// By parents of the units.
    pub(super) units: Vec<Option<Metrics>>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        problem: &'a Problem<'a>,
        plan: &'a Plan,
        prices: &'a Prices<'a>,
        unrolling: &Unrolling,
    ) -> Self {
        let lattice = Lattice::new(problem, &unrolling.steps);
        let trips = |shape: &Shape, used: bool| {
            lattice.product(|dim, trips| if shape.uses.contains(dim) == used { trips as f64 } else { 1.0 })
        };
        // What two tensors do not use can leave both where they are; neither is then charged for it.
        let others = |tensor: usize| problem.shapes.iter().enumerate().filter(move |&(other, _)| other != tensor);
        let shares = |tensor: usize| {
            let stays = |shape: &Shape, dim: usize| !shape.uses.contains(dim);
            let own = &problem.shapes[tensor];
            (0..problem.n_dims).any(|dim| stays(own, dim) && others(tensor).any(|(_, other)| stays(other, dim)))
        };
        let unused = problem.shapes.iter().enumerate().map(|(tensor, shape)| match shares(tensor) {
            true => vec![1.0; lattice.len()],
            false => trips(shape, false),
        });
        let unused: Vec<_> = unused.collect();
        let used: Vec<_> = problem.shapes.iter().map(|shape| trips(shape, true)).collect();
        let per_used = used.iter().map(|list: &Vec<f64>| list.iter().map(|trips| trips.recip()).collect());
        let mut ground = Self {
            problem,
            plan,
            prices,
            per_used: per_used.collect(),
            unused,
            used,
            full: [[1.0; MAX_TENSORS]; MAX_LEVELS],
            overlapping: Vec::new(),
            fits: Vec::new(),
            reachable: Vec::new(),
            costs: Vec::new(),
            units: Vec::new(),
            lattice,
        };
        ground.measure(unrolling);
        let last = ground.lattice.last();
        let closed = |stage: &Stage| {
            let is_open = |dim: usize, trips: u64| stage.open.contains(dim) || trips == ground.lattice.trips(last, dim);
            ground.lattice.product(|dim, trips| f64::from(u8::from(is_open(dim, trips))))
        };
        ground.reachable =
            plan.stages.iter().map(|stage| closed(stage).into_iter().map(|value| value > 0.0).collect()).collect();
        ground.price(&prices.tolls(plan));
        ground
    }

    /// Works out the tiles of all levels.
    fn measure(&mut self, unrolling: &Unrolling) {
        let problem = self.problem;
        let mut extents = [1.0; MAX_DIMS];
        for level in 0..problem.n_levels {
            for (dim, extent) in extents.iter_mut().enumerate().take(problem.n_dims) {
                let inside: f64 = (0..=level).map(|level| self.prices.widths[level][dim]).product();
                *extent = unrolling.steps[dim] as f64 * inside;
            }
            let overlapping = problem.shapes.iter().enumerate().map(|(tensor, shape)| {
                self.full[level][tensor] = shape.words(&extents);
                (!shape.is_plain()).then(|| Overlapping::new(problem, &self.lattice, shape, &extents))
            });
            let overlapping = overlapping.collect();
            self.overlapping.push(overlapping);
            let fits = self.fit(level);
            self.fits.push(fits);
        }
    }

    /// Words of the tile of `tensor` at `level`.
    fn words(&self, level: usize, tensor: usize, state: usize) -> f64 {
        match &self.overlapping[level][tensor] {
            Some(overlapping) => overlapping.words[state],
            None => self.full[level][tensor] * self.per_used[tensor][state],
        }
    }

    /// By state, the sets of tensors whose tiles fit `level`.
    fn fit(&self, level: usize) -> Vec<u64> {
        let Some(capacity) = self.problem.costs[level].capacity_words else { return Vec::new() };
        let n_tensors = self.problem.shapes.len();
        let limit = capacity as f64 * (1.0 + 1e-12);
        let mut sums = vec![0.0; 1 << n_tensors];
        (0..self.lattice.len())
            .map(|state| {
                let mut mask = 1;
                for set in 1..sums.len() {
                    let tensor = set.trailing_zeros() as usize;
                    sums[set] = sums[set & (set - 1)] + self.words(level, tensor, state);
                    mask |= u64::from(sums[set] <= limit) << set;
                }
                mask
            })
            .collect()
    }

    /// Adds up the tolls of every choice.
    fn price(&mut self, tolls: &[Toll]) {
        let plan = self.plan;
        for stage in &plan.stages {
            let by_parents = stage.choices.iter().map(|choices| {
                choices.iter().map(|choice| self.choice_cost(choice, tolls)).collect::<Vec<_>>()
            });
            let by_parents = by_parents.collect();
            self.costs.push(by_parents);
        }
        let iterations: f64 = (0..self.problem.n_dims)
            .map(|dim| self.lattice.trips(self.lattice.last(), dim) as f64)
            .product();
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

    fn choice_cost(&self, choice: &Choice, tolls: &[Toll]) -> ChoiceCost {
        let mut cost = ChoiceCost {
            fixed: [0.0; MAX_METRICS],
            flow: [[0.0; MAX_METRICS]; MAX_TENSORS],
            tile: [[0.0; MAX_METRICS]; MAX_TENSORS],
            windows: Vec::new(),
            is_backed: choice.adopted.iter().all(|&(tensor, level)| self.is_undivided(tensor, level)),
        };
        for &index in &choice.crossings {
            let (crossing, toll) = (self.plan.crossings[index], &tolls[index]);
            let (tensor, Some(level)) = (crossing.tensor, crossing.child) else { continue };
            add(&mut cost.fixed, &toll.fixed, 1.0);
            if self.overlapping[level][tensor].is_some() {
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

    /// Whether a choice of a stage is possible at `state`.
    #[inline]
    pub(super) fn allows(&self, stage: usize, choice: &Choice, cost: &ChoiceCost, state: usize) -> bool {
        let outermost = self.plan.stages[stage].outermost;
        let unbacked = self.problem.quirks.unbacked_tensors;
        cost.is_backed
            && choice.keep.iter().enumerate().all(|(index, &keep)| {
                let fits = &self.fits[outermost - index];
                fits.is_empty() || fits[state] >> bits(keep) & 1 == 1
            })
            && choice.adopted.iter().all(|&(tensor, _)| unbacked || self.used[tensor][state] == 1.0)
    }

    /// Whether the levels inside of `stage` can run what is left at `state`.
    #[inline]
    pub(super) fn is_reachable(&self, stage: usize, state: usize) -> bool {
        self.reachable[stage][state]
    }

    /// The cost of a choice at `state` below a stage at `outside`, if the tensor `still` runs `trips` over dimensions that
    /// it does not use, and every other one all of them.
    #[inline]
    pub(super) fn cost(
        &self,
        cost: &ChoiceCost,
        outside: usize,
        state: usize,
        still: Option<(usize, f64)>,
    ) -> Metrics {
        let mut metrics = cost.fixed;
        for tensor in 0..self.problem.shapes.len() {
            let trips = self.trips(tensor, state, still);
            add(&mut metrics, &cost.flow[tensor], trips);
            add(&mut metrics, &cost.tile[tensor], self.per_used[tensor][state]);
        }
        for term in &cost.windows {
            if let Some(overlapping) = &self.overlapping[term.level][term.tensor] {
                let steps = Steps {
                    lattice: &self.lattice,
                    outside,
                    state,
                    trips: self.trips(term.tensor, state, still) * self.used[term.tensor][state],
                    still: still.filter(|&(tensor, _)| tensor != term.tensor).map(|(tensor, _)| tensor),
                };
                let any_order = overlapping.base[state] + overlapping.linear[state] * steps.trips / self.used[term.tensor][state];
                let words = any_order.max(overlapping.fetched(self.problem, term.tensor, &steps));
                add(&mut metrics, &term.per_word, words);
                add(&mut metrics, &term.per_tile_word, overlapping.words[state]);
            }
        }
        metrics
    }

    #[inline]
    fn trips(&self, tensor: usize, state: usize, still: Option<(usize, f64)>) -> f64 {
        match still {
            Some((other, trips)) if other == tensor => trips,
            _ => self.unused[tensor][state],
        }
    }

    /// One metric of [`Ground::cost`] at every state, less what `still` adds for each trip over dimensions that it does not
    /// use; every other tensor runs all of them.
    pub(super) fn metric(&self, cost: &ChoiceCost, metric: usize, still: usize, values: &mut Vec<f64>) {
        values.clear();
        values.resize(self.lattice.len(), cost.fixed[metric]);
        for tensor in 0..self.problem.shapes.len() {
            if tensor != still {
                add_scaled(values, &self.unused[tensor], cost.flow[tensor][metric]);
            }
            add_scaled(values, &self.per_used[tensor], cost.tile[tensor][metric]);
        }
        for term in &cost.windows {
            if let Some(overlapping) = &self.overlapping[term.level][term.tensor] {
                let per_word = term.per_word[metric];
                add_scaled(values, &overlapping.base, per_word);
                if per_word != 0.0 && term.tensor != still {
                    let trips = overlapping.linear.iter().zip(&self.unused[term.tensor]);
                    values.iter_mut().zip(trips).for_each(|(value, (words, trips))| *value += per_word * words * trips);
                }
                add_scaled(values, &overlapping.words, term.per_tile_word[metric]);
            }
        }
    }

    pub(super) fn overlapping(&self, level: usize, tensor: usize) -> Option<&Overlapping> {
        self.overlapping[level][tensor].as_ref()
    }
}

#[inline]
pub(super) fn add(sum: &mut Metrics, part: &Metrics, times: f64) {
    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part * times);
}

fn add_scaled(sum: &mut [f64], part: &[f64], times: f64) {
    if times != 0.0 {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part * times);
    }
}

/// The set as a number.
fn bits(set: TensorSet) -> usize {
    (0..MAX_TENSORS).filter(|&tensor| set.contains(tensor)).map(|tensor| 1 << tensor).sum()
}
