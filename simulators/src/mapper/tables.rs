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

use std::cell::Cell;

use super::ground::{Ground, Point, Weighed, dot};
use super::labels::Still;
use super::plan::Choice;
use super::prices::Metrics;
use super::states::{Possible, States};
use super::stay::{Line, Stay, Table, take_least};

/// The tables of one unrolling.
pub(super) struct Tables {
    /// By stage, parents and weights; empty for the two outermost stages, which are searched from one state.
    tables: Vec<Vec<Vec<Table>>>,
    states: States,
    /// Weights of the metrics in each sum.
    weights: Vec<Metrics>,
    /// Minima over the lattice that were taken.
    pub(super) n_minima: Cell<u64>,
}

impl Tables {
    /// Those of the sums of metrics times each of `weights`.
    pub(super) fn new(ground: &Ground, weights: Vec<Metrics>) -> Self {
        let mut tables =
            Self { tables: Vec::new(), states: States::new(ground), weights, n_minima: Cell::new(0) };
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
            for parents in 0..ground.plan.stages[stage].choices.len() {
                let sums = 0..self.weights.len();
                let by_sum = sums.map(|sum| self.table(ground, stage, parents, sum)).collect();
                self.tables[stage].push(by_sum);
            }
        }
    }

    /// Minima over the lattice that tables of one sum take at most.
    pub(super) fn most_minima(ground: &Ground) -> u64 {
        let stages = ground.plan.stages.iter().skip(2);
        let n_parents: usize = stages.map(|stage| stage.choices.len()).sum();
        (n_parents * ground.problem.shapes.len()) as u64
    }

    /// The state at index `state`.
    #[inline]
    pub(super) fn point(&self, state: usize) -> &Point {
        &self.states.points[state]
    }

    /// How many sums there are.
    pub(super) fn n_sums(&self) -> usize {
        self.weights.len()
    }

    /// Costs at single states.
    pub(super) fn states(&self) -> &States {
        &self.states
    }

    /// Whether it can matter to the stages from `stage` on that `tensor` stays outside of them.
    pub(super) fn goes_on(&self, sum: usize, (stage, parents): (usize, usize), tensor: usize) -> bool {
        !self.tables[stage][parents][sum].going[tensor].is_empty()
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
        let table = &self.tables[stage][parents][sum];
        let fresh = table.fresh[state];
        let Some((tensor, trips)) = still else { return fresh };
        let lines = table.going[usize::from(tensor)].iter();
        lines.fold(fresh, |least, line| least.min(line.left(state, trips)))
    }

    fn table(&self, ground: &Ground, stage: usize, parents: usize, sum: usize) -> Table {
        let (n_states, n_tensors) = (ground.lattice.len(), ground.problem.shapes.len());
        let mut table = Table {
            fresh: vec![f64::INFINITY; n_states],
            going: (0..n_tensors).map(|_| Vec::new()).collect(),
        };
        let choices = &ground.plan.stages[stage].choices[parents];
        let costs = &ground.costs[stage][parents];
        let mut options = Vec::new();
        for (choice, cost) in choices.iter().zip(costs) {
            let weighed = cost.weighed(&self.weights[sum]);
            let possible = self.states.possible(ground, stage, choice, cost);
            let stays = (0..n_tensors).map(|tensor| Stay::new(&weighed, tensor)).collect();
            options.push(CostedChoice { choice, weighed, possible, stays });
        }
        for tensor in 0..n_tensors {
            self.leave(ground, stage, (sum, tensor), &options, &mut table);
        }
        table
    }

    /// Takes in that the loops outside of the stage leave `tensor` where it is.
    fn leave(
        &self,
        ground: &Ground,
        stage: usize,
        (sum, tensor): (usize, usize),
        options: &[CostedChoice],
        table: &mut Table,
    ) {
        // By what a trip adds: what is left.
        let mut groups: Vec<(Stay, Vec<f64>)> = Vec::new();
        let mut values = Vec::new();
        for option in options {
            let stay = &option.stays[tensor];
            let is_last = stage + 1 == ground.plan.stages.len();
            let next = option.choice.next;
            let inside = (!is_last).then(|| &self.tables[stage + 1][next][sum]);
            // That a tensor stays which costs nothing here is no better than that one stays which does, or than that none does.
            let is_idle =
                if option.stays.iter().all(Stay::is_nothing) { tensor > 0 } else { stay.is_nothing() };
            let lines = inside.map_or(&[] as &[Line], |inside| &inside.going[tensor]);
            if is_idle && lines.is_empty() {
                continue;
            }
            self.states.cost(&option.weighed, tensor, &mut values);
            for (_, value) in values.iter_mut().enumerate().filter(|&(state, _)| !option.possible.at(state)) {
                *value = f64::INFINITY;
            }
            let Some(Table { fresh, .. }) = inside else {
                let Some(units) = &ground.units[next] else { continue };
                let units = dot(units, &self.weights[sum]);
                take_least(group(&mut groups, stay), values.iter().map(|value| value + units));
                continue;
            };
            if !is_idle {
                let sums = values.iter().zip(fresh).map(|(value, inside)| value + inside);
                take_least(group(&mut groups, stay), sums);
            }
            for line in lines {
                let longer = stay.longer(&line.stay);
                let sums = values.iter().zip(&line.values).map(|(value, inside)| value + inside);
                take_least(group(&mut groups, &longer), sums);
            }
        }
        self.n_minima.set(self.n_minima.get() + groups.len() as u64);
        for (stay, least) in groups {
            stay.close(ground, &self.states, stage, tensor, least, table);
        }
    }
}

/// What a stage may keep, made ready for one sum.
struct CostedChoice<'a> {
    choice: &'a Choice,
    weighed: Weighed,
    possible: Possible<'a>,
    /// By tensor.
    stays: Vec<Stay>,
}

/// What is left of those that add as much for a trip as `stay`.
fn group<'a>(groups: &'a mut Vec<(Stay, Vec<f64>)>, stay: &Stay) -> &'a mut Vec<f64> {
    let index = groups.iter().position(|(known, _)| known == stay).unwrap_or_else(|| {
        groups.push((stay.clone(), Vec::new()));
        groups.len() - 1
    });
    &mut groups[index].1
}
