//! Cost-to-go: the least of each metric that all stages from one on can still add, by the state outside of them.
//!
//! From the innermost stage outwards, for a stage, the parents above it and a metric, with `t` the state of the stage,
//! `t'` one outside of it that divides `t`, and `s` the tensor that the loops in between leave where it is:
//!
//! ```text
//! C_s(t)    = least over choices of the words of all tensors but s, and of what is inside of t
//! fresh(t') = least over s and multiples t of t' of  C_s(t) + a_s U_s(t')
//! going(t') = least over multiples t of t' that equal it in all that s uses of  C_s(t) + a_s
//! ```
//!
//! `a_s U_s(t')` are the words of `s`: they depend on the state outside alone, so that the rest is the minimum over a
//! lattice, one pass for each dimension. `going` is what is left if the run of `s` began further outside and goes on here;
//! its trips are not known and taken to be 1. The tables are never above the true cost, and equal to it but for such
//! runs and for windows.

use std::ops::Range;

use super::ground::{ChoiceCost, Ground, Point, least};
use super::options::Objective;
use super::plan::{Choice, Stage};
use super::prices::{ENERGY, Metrics};
use super::states::States;

/// By state: what is left if the loops right outside leave no tensor where it is, and by tensor, if they do.
struct Table {
    fresh: Vec<f64>,
    going: Vec<Vec<f64>>,
}

/// The tables of one unrolling.
pub(super) struct Tables {
    /// By stage, parents and metric; empty for the two outermost stages, which are searched from one state.
    tables: Vec<Vec<Vec<Table>>>,
    states: States,
    /// Metrics that have tables.
    metrics: Range<usize>,
    detail: Detail,
    /// By stage, if parents are not told apart: what may be kept, each at its least cost below any parents; and the units.
    merged: Vec<(Vec<Choice>, Vec<ChoiceCost>)>,
    units: Option<Metrics>,
}

/// How much a table tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Every word at the price of its cheapest parent: less work, and a bound that is not as close.
    AnyParents,
    /// All parents.
    Parents,
}

/// Most metrics that have tables: energy, work, and the outermost ports, which limit most often.
const MOST_METRICS: usize = 5;

/// Metrics that `objective` needs tables of.
fn metrics(ground: &Ground, objective: Objective) -> Range<usize> {
    let n_metrics = ground.prices.n_metrics.min(MOST_METRICS);
    match objective {
        Objective::Energy => ENERGY..ENERGY + 1,
        // Energy decides among mappings that are as fast.
        Objective::Latency | Objective::EnergyDelay => ENERGY..n_metrics,
    }
}

impl Tables {
    pub(super) fn new(ground: &Ground, objective: Objective, detail: Detail) -> Self {
        let n_stages = ground.plan.stages.len();
        let mut tables = Self {
            tables: Vec::new(),
            states: States::new(ground),
            metrics: metrics(ground, objective),
            detail,
            merged: Vec::new(),
            units: ground.units.iter().flatten().copied().reduce(|a, b| least(&a, &b)),
        };
        if detail == Detail::AnyParents {
            tables.merged = (0..n_stages).map(|stage| merged(ground, stage)).collect();
        }
        tables.tables.resize_with(n_stages, Vec::new);
        for stage in (2..n_stages).rev() {
            let n_parents = match detail {
                Detail::AnyParents => 1,
                Detail::Parents => ground.plan.stages[stage].choices.len(),
            };
            for parents in 0..n_parents {
                let by_metric =
                    tables.metrics.clone().map(|metric| tables.table(ground, stage, parents, metric));
                let by_metric = by_metric.collect();
                tables.tables[stage].push(by_metric);
            }
        }
        tables
    }

    /// Entries that such tables have.
    pub(super) fn n_entries(ground: &Ground, objective: Objective, detail: Detail) -> u64 {
        let n_choices = |stage: &Stage| -> usize {
            let each = stage.choices.iter().map(|choices| choices.len() + 4);
            if detail == Detail::Parents { each.sum() } else { each.max().unwrap_or(0) }
        };
        let n_choices: usize = ground.plan.stages.iter().skip(2).map(n_choices).sum();
        (n_choices * metrics(ground, objective).len() * ground.problem.shapes.len() * ground.lattice.len())
            as u64
    }

    /// The state at index `state`.
    #[inline]
    pub(super) fn point(&self, state: usize) -> &Point {
        &self.states.points[state]
    }

    /// Whether a choice of a stage is possible at a state: [`Ground::allows`].
    #[inline]
    pub(super) fn allows(
        &self,
        ground: &Ground,
        stage: usize,
        choice: &Choice,
        cost: &ChoiceCost,
        state: usize,
    ) -> bool {
        self.states.allows(ground, stage, choice, cost, state)
    }

    /// What the stages from `stage` on add at least.
    #[inline]
    pub(super) fn add(
        &self,
        metrics: &mut Metrics,
        (stage, parents): (usize, usize),
        state: usize,
        still: Option<usize>,
    ) {
        let parents = if self.detail == Detail::Parents { parents } else { 0 };
        let metrics = &mut metrics[self.metrics.clone()];
        for (sum, table) in metrics.iter_mut().zip(&self.tables[stage][parents]) {
            let fresh = table.fresh[state];
            *sum += still.map_or(fresh, |tensor| fresh.min(table.going[tensor][state]));
        }
    }

    fn table(&self, ground: &Ground, stage: usize, parents: usize, metric: usize) -> Table {
        let (n_states, n_tensors) = (ground.lattice.len(), ground.problem.shapes.len());
        let mut table = Table {
            fresh: vec![f64::INFINITY; n_states],
            going: vec![vec![f64::INFINITY; n_states]; n_tensors],
        };
        for tensor in 0..n_tensors {
            self.leave(ground, (stage, parents), metric, tensor, &mut table);
        }
        table
    }

    /// Takes in that the loops outside of the stage leave `tensor` where it is.
    fn leave(
        &self,
        ground: &Ground,
        (stage, parents): (usize, usize),
        metric: usize,
        tensor: usize,
        table: &mut Table,
    ) {
        let (choices, costs) = match self.detail {
            Detail::AnyParents => (&self.merged[stage].0, &self.merged[stage].1),
            Detail::Parents => (&ground.plan.stages[stage].choices[parents], &ground.costs[stage][parents]),
        };
        let mut seen: Vec<Still> = Vec::new();
        let mut values = Vec::new();
        for cost in costs {
            let still = Still::new(cost, tensor, metric);
            if seen.contains(&still) {
                continue;
            }
            let mut least = vec![f64::INFINITY; ground.lattice.len()];
            for (choice, cost) in choices.iter().zip(costs) {
                if Still::new(cost, tensor, metric) == still {
                    self.states.metric(cost, metric, tensor, &mut values);
                    for (state, value) in values.iter_mut().enumerate() {
                        let is_possible = self.states.allows(ground, stage, choice, cost, state);
                        *value = if is_possible { *value } else { f64::INFINITY };
                    }
                    self.least_inside(ground, (stage + 1, choice.next), metric, tensor, &values, &mut least);
                }
            }
            still.close(ground, &self.states, stage, tensor, least, table);
            seen.push(still);
        }
    }

    /// Makes every value of `least` no more than what `base` and the stages inside of it amount to.
    fn least_inside(
        &self,
        ground: &Ground,
        (stage, parents): (usize, usize),
        metric: usize,
        tensor: usize,
        base: &[f64],
        least: &mut [f64],
    ) {
        if stage == ground.plan.stages.len() {
            let units = if self.detail == Detail::Parents { ground.units[parents] } else { self.units };
            let Some(units) = units else { return };
            least.iter_mut().zip(base).for_each(|(least, base)| *least = least.min(base + units[metric]));
            return;
        }
        let Table { fresh, going } = &self.tables[stage][parents][metric - self.metrics.start];
        let inside = fresh.iter().zip(&going[tensor]).map(|(fresh, going)| fresh.min(*going));
        least
            .iter_mut()
            .zip(base)
            .zip(inside)
            .for_each(|((least, base), inside)| *least = least.min(base + inside));
    }
}

/// Every set that `stage` may keep, at its least cost below any parents.
fn merged(ground: &Ground, stage: usize) -> (Vec<Choice>, Vec<ChoiceCost>) {
    let (mut choices, mut costs): (Vec<Choice>, Vec<ChoiceCost>) = (Vec::new(), Vec::new());
    let all = ground.plan.stages[stage].choices.iter().flatten().zip(ground.costs[stage].iter().flatten());
    for (choice, cost) in all {
        match choices.iter().position(|known| known.keep == choice.keep) {
            Some(index) => {
                costs[index].lower_to(cost);
                // Only what must be whole below all parents must be.
                choices[index].adopted.retain(|tensor| choice.adopted.contains(tensor));
            }
            None => {
                choices.push(Choice { next: 0, ..choice.clone() });
                costs.push(cost.clone());
            }
        }
    }
    (choices, costs)
}

/// What one tensor adds to a metric for each trip over dimensions that it does not use.
#[derive(Clone, PartialEq)]
struct Still {
    /// Of tiles that do not overlap.
    flow: f64,
    /// By level of the stage, of tiles that do: index into the windows of a choice, and price of a word.
    windows: Vec<(usize, f64)>,
}

impl Still {
    fn new(cost: &ChoiceCost, tensor: usize, metric: usize) -> Self {
        let own = cost.windows.iter().filter(|term| term.tensor == tensor);
        Self {
            flow: cost.flow[tensor][metric],
            windows: own
                .map(|term| (term.level, term.per_word[metric]))
                .filter(|term| term.1 != 0.0)
                .collect(),
        }
    }

    /// Adds the words of `tensor` at `times` the trips that `trips` gives by state.
    fn add(&self, states: &States, tensor: usize, trips: impl Fn(usize) -> f64, values: &mut [f64]) {
        for (state, value) in values.iter_mut().enumerate() {
            *value += self.flow * trips(state);
        }
        for &(level, per_word) in &self.windows {
            let linear = states.linear(level, tensor);
            for (state, value) in values.iter_mut().enumerate() {
                *value += per_word * linear[state] * trips(state);
            }
        }
    }

    /// Puts the minima over the loops outside of `stage` into `table`.
    fn close(
        &self,
        ground: &Ground,
        states: &States,
        stage: usize,
        tensor: usize,
        least: Vec<f64>,
        table: &mut Table,
    ) {
        let lattice = &ground.lattice;
        let loops = ground.plan.stages[stage].loops;
        let unused = &states.unused[tensor];
        let mut going = least.clone();
        self.add(states, tensor, |_| 1.0, &mut going);
        let uses = ground.problem.shapes[tensor].uses;
        lattice.least_within(loops.iter().filter(|&dim| !uses.contains(dim)).collect(), &mut going);
        take_least(&mut table.going[tensor], going.iter().copied());
        if self.windows.is_empty() {
            let mut within = least;
            lattice.least_within(loops, &mut within);
            take_least(
                &mut table.fresh,
                within.iter().zip(unused).map(|(value, trips)| value + self.flow * trips),
            );
            return;
        }
        let mut trips = unused.clone();
        trips.sort_by(f64::total_cmp);
        trips.dedup();
        for trips in trips {
            let mut within = least.clone();
            self.add(states, tensor, |_| trips, &mut within);
            lattice.least_within(loops, &mut within);
            let here = within.iter().zip(unused);
            let here = here.map(|(value, &own)| if own == trips { *value } else { f64::INFINITY });
            take_least(&mut table.fresh, here);
        }
    }
}

fn take_least(values: &mut [f64], others: impl Iterator<Item = f64>) {
    values
        .iter_mut()
        .zip(others)
        .for_each(|(value, other)| *value = if other < *value { other } else { *value });
}
