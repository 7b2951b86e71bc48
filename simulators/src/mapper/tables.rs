//! Cost-to-go: the least of weighted sums of metrics that all stages from one on can still add, by the state outside of them.
//!
//! From the innermost stage outwards, for a stage, the parents above it and a weighted sum of metrics, with `t` the state of the stage,
//! `t'` one outside of it that divides `t`, and `s` the tensor that the loops in between leave where it is:
//!
//! ```text
//! C_s(t)    = least over choices of the words of all tensors but s, and of what is inside of t
//! fresh(t') = least over s and multiples t of t' of  C_s(t) + (a_s + b) U_s(t')
//! going(t') = least over multiples t of t' that equal it in all that s uses of  C_s(t), at a_s + b a trip
//! ```
//!
//! `a_s U_s(t')` are the words of `s`: they depend on the state outside alone, so that the rest is the minimum over a
//! lattice, one pass for each dimension. `going` is what is left if the run of `s` began further outside and goes on here, by
//! what it then adds for each trip outside of where it began; `b` is that of the stage inside, if the run goes on there too, or
//! 0. The tables are never above the true cost, and equal to it but for windows.

use super::ground::{ChoiceCost, Ground, Point, Weighed, dot, least};
use super::labels::Still;
use super::plan::{Choice, Stage};
use super::prices::Metrics;
use super::states::States;

/// By state: what is left if no run goes on here, and by tensor, if its run does.
struct Table {
    fresh: Vec<f64>,
    going: Vec<Vec<Line>>,
}

/// What is left by state, and what comes on top of that for each trip outside of the run that goes on.
struct Line {
    per_trip: f64,
    values: Vec<f64>,
}

/// Most lines of a tensor; what is more is counted at the lesser price of two.
const MOST_LINES: usize = 6;

/// The tables of one unrolling.
pub(super) struct Tables {
    /// By stage, parents and weights; empty for the two outermost stages, which are searched from one state.
    tables: Vec<Vec<Vec<Table>>>,
    states: States,
    /// Weights of the metrics in each sum.
    weights: Vec<Metrics>,
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

impl Tables {
    /// Those of the sums of metrics times each of `weights`.
    pub(super) fn new(ground: &Ground, weights: Vec<Metrics>, detail: Detail) -> Self {
        let n_stages = ground.plan.stages.len();
        let mut tables = Self {
            tables: Vec::new(),
            states: States::new(ground),
            weights,
            detail,
            merged: Vec::new(),
            units: ground.units.iter().flatten().copied().reduce(|a, b| least(&a, &b)),
        };
        if detail == Detail::AnyParents {
            tables.merged = (0..n_stages).map(|stage| merged(ground, stage)).collect();
        }
        tables.fill(ground);
        tables
    }

    /// Makes the tables anew, those of the sums of metrics times each of `weights`.
    pub(super) fn weigh(&mut self, ground: &Ground, weights: Vec<Metrics>) {
        self.weights = weights;
        self.fill(ground);
    }

    fn fill(&mut self, ground: &Ground) {
        let n_stages = ground.plan.stages.len();
        self.tables.clear();
        self.tables.resize_with(n_stages, Vec::new);
        for stage in (2..n_stages).rev() {
            let n_parents = match self.detail {
                Detail::AnyParents => 1,
                Detail::Parents => ground.plan.stages[stage].choices.len(),
            };
            for parents in 0..n_parents {
                let sums = 0..self.weights.len();
                let by_sum = sums.map(|sum| self.table(ground, stage, parents, sum)).collect();
                self.tables[stage].push(by_sum);
            }
        }
    }

    /// Entries that tables of one sum have.
    pub(super) fn n_entries(ground: &Ground, detail: Detail) -> u64 {
        let n_choices = |stage: &Stage| -> usize {
            let each = stage.choices.iter().map(|choices| choices.len() + 4);
            if detail == Detail::Parents { each.sum() } else { each.max().unwrap_or(0) }
        };
        let n_choices: usize = ground.plan.stages.iter().skip(2).map(n_choices).sum();
        (n_choices * ground.problem.shapes.len() * ground.lattice.len()) as u64
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

    /// How many sums there are.
    pub(super) fn n_sums(&self) -> usize {
        self.weights.len()
    }

    /// Costs at single states.
    pub(super) fn states(&self) -> &States {
        &self.states
    }

    /// What the stages from `stage` on add to the sum at index `sum` at least.
    #[inline]
    pub(super) fn left(
        &self,
        sum: usize,
        (stage, parents): (usize, usize),
        state: usize,
        still: Still,
    ) -> f64 {
        let parents = if self.detail == Detail::Parents { parents } else { 0 };
        let table = &self.tables[stage][parents][sum];
        let fresh = table.fresh[state];
        let Some((tensor, trips)) = still else { return fresh };
        let lines = table.going[usize::from(tensor)].iter();
        lines.fold(fresh, |least, line| least.min(line.values[state] + line.per_trip * trips))
    }

    fn table(&self, ground: &Ground, stage: usize, parents: usize, sum: usize) -> Table {
        let (n_states, n_tensors) = (ground.lattice.len(), ground.problem.shapes.len());
        let mut table = Table {
            fresh: vec![f64::INFINITY; n_states],
            going: (0..n_tensors).map(|_| Vec::new()).collect(),
        };
        let (_, costs) = self.choices(ground, stage, parents);
        let weighed: Vec<Weighed> = costs.iter().map(|cost| cost.weighed(&self.weights[sum])).collect();
        for tensor in 0..n_tensors {
            self.leave(ground, (stage, parents), (sum, tensor), &weighed, &mut table);
        }
        table
    }

    /// What `stage` may keep below `parents`, and its costs.
    fn choices<'b>(
        &'b self,
        ground: &'b Ground,
        stage: usize,
        parents: usize,
    ) -> (&'b [Choice], &'b [ChoiceCost]) {
        match self.detail {
            Detail::AnyParents => (&self.merged[stage].0, &self.merged[stage].1),
            Detail::Parents => (&ground.plan.stages[stage].choices[parents], &ground.costs[stage][parents]),
        }
    }

    /// Takes in that the loops outside of the stage leave `tensor` where it is.
    fn leave(
        &self,
        ground: &Ground,
        (stage, parents): (usize, usize),
        (sum, tensor): (usize, usize),
        weighed: &[Weighed],
        table: &mut Table,
    ) {
        let (choices, costs) = self.choices(ground, stage, parents);
        // By what a trip adds: what is left.
        let mut groups: Vec<(Stay, Vec<f64>)> = Vec::new();
        let mut values = Vec::new();
        for ((choice, cost), weighed) in choices.iter().zip(costs).zip(weighed) {
            self.states.cost(weighed, tensor, &mut values);
            for (state, value) in values.iter_mut().enumerate() {
                let is_possible = self.states.allows(ground, stage, choice, cost, state);
                *value = if is_possible { *value } else { f64::INFINITY };
            }
            let stay = Stay::new(weighed, tensor);
            if stage + 1 == ground.plan.stages.len() {
                let units =
                    if self.detail == Detail::Parents { ground.units[choice.next] } else { self.units };
                let Some(units) = units.map(|units| dot(&units, &self.weights[sum])) else { continue };
                take_least(group(&mut groups, &stay), values.iter().map(|value| value + units));
                continue;
            }
            let parents = if self.detail == Detail::Parents { choice.next } else { 0 };
            let Table { fresh, going } = &self.tables[stage + 1][parents][sum];
            let sums = values.iter().zip(fresh).map(|(value, inside)| value + inside);
            take_least(group(&mut groups, &stay), sums);
            for line in &going[tensor] {
                let longer = Stay { flow: stay.flow + line.per_trip, ..stay.clone() };
                let sums = values.iter().zip(&line.values).map(|(value, inside)| value + inside);
                take_least(group(&mut groups, &longer), sums);
            }
        }
        for (stay, least) in groups {
            stay.close(ground, &self.states, stage, tensor, least, table);
        }
    }
}

/// What is left of those that add as much for a trip as `stay`.
fn group<'a>(groups: &'a mut Vec<(Stay, Vec<f64>)>, stay: &Stay) -> &'a mut Vec<f64> {
    let index = groups.iter().position(|(known, _)| known == stay).unwrap_or_else(|| {
        groups.push((stay.clone(), Vec::new()));
        groups.len() - 1
    });
    &mut groups[index].1
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

/// What one tensor adds to a sum for each trip over dimensions that it does not use.
#[derive(Clone, PartialEq)]
struct Stay {
    /// Of tiles that do not overlap.
    flow: f64,
    /// By level of the stage, of tiles that do: index into the windows of a choice, and price of a word.
    windows: Vec<(usize, f64)>,
}

impl Stay {
    fn new(cost: &Weighed, tensor: usize) -> Self {
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
        self.add_windows(states, tensor, |_| 1.0, &mut going);
        let uses = ground.problem.shapes[tensor].uses;
        lattice.least_within(loops.iter().filter(|&dim| !uses.contains(dim)).collect(), &mut going);
        add_line(&mut table.going[tensor], Line { per_trip: self.flow, values: going });
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
            self.add_windows(states, tensor, |_| trips, &mut within);
            lattice.least_within(loops, &mut within);
            let here = within
                .iter()
                .zip(unused)
                .map(|(value, &own)| if own == trips { value + self.flow * trips } else { f64::INFINITY });
            take_least(&mut table.fresh, here);
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

fn take_least(values: &mut Vec<f64>, others: impl Iterator<Item = f64>) {
    if values.is_empty() {
        values.extend(others);
        return;
    }
    values
        .iter_mut()
        .zip(others)
        .for_each(|(value, other)| *value = if other < *value { other } else { *value });
}
