//! The mapping of the least weighted sum of metrics with one unrolling, read off its tables.

use super::ground::{Ground, Weighed, add, dot};
use super::labels::{Decision, Still, stills};
use super::plan::Choice;
use super::prices::Metrics;
use super::tables::Tables;
use crate::loop_nest::MAX_TENSORS;

/// What a pass found.
pub(super) struct Found {
    /// The outermost stage first.
    pub(super) decisions: Vec<Decision>,
    /// What the mapping amounts to, windows as little as they can.
    pub(super) metrics: Metrics,
    /// No mapping with the unrolling has a lesser sum.
    pub(super) least: f64,
    /// Steps that were weighed.
    pub(super) n_tried: u64,
}

/// The mapping of the least sum of metrics times `weights`, as far as `tables`, which are of that sum, tell; `None` if
/// nothing fits.
pub(super) fn least(ground: &Ground, tables: &Tables, weights: &Metrics) -> Option<Found> {
    let mut pass = Pass { ground, tables, weights, states: vec![Vec::new(); 2], n_tried: 0 };
    let (mut state, mut parents, mut still): (usize, usize, Still) = (0, 0, None);
    let mut found =
        Found { decisions: Vec::new(), metrics: ground.prices.start, least: f64::INFINITY, n_tried: 0 };
    for stage in 0..ground.plan.stages.len() {
        let step = pass.step(stage, parents, state, still)?;
        if stage == 0 {
            found.least = step.sum + dot(&ground.prices.start, weights);
        }
        let choice = &ground.plan.stages[stage].choices[parents][step.choice];
        let cost = &ground.costs[stage][parents][step.choice];
        let trips = step.still.map(|(tensor, trips)| (usize::from(tensor), trips));
        let metrics = ground.cost(cost, &ground.point(state), tables.point(step.state), trips);
        add(&mut found.metrics, &metrics, 1.0);
        let still_tensor = step.still.map(|(tensor, _)| usize::from(tensor));
        found.decisions.push(Decision {
            parents,
            choice: step.choice,
            state: step.state,
            still: still_tensor,
        });
        (state, parents, still) = (step.state, choice.next, step.still);
    }
    add(&mut found.metrics, ground.units[parents].as_ref()?, 1.0);
    found.n_tried = pass.n_tried;
    Some(found)
}

struct Pass<'a> {
    ground: &'a Ground<'a>,
    tables: &'a Tables,
    weights: &'a Metrics,
    /// States looked at, for the outermost stage and for one more.
    states: Vec<Vec<usize>>,
    n_tried: u64,
}

/// One stage decided.
#[derive(Clone, Copy)]
struct Step {
    /// Of this stage and all inside.
    sum: f64,
    choice: usize,
    state: usize,
    still: Still,
}

impl Pass<'_> {
    /// The best that `stage` can do below `parents`, the stage outside of it being at `outside` with `still` staying.
    fn step(&mut self, stage: usize, parents: usize, outside: usize, still: Still) -> Option<Step> {
        let (ground, tables) = (self.ground, self.tables);
        let mut states = std::mem::take(&mut self.states[stage.min(1)]);
        ground.lattice.within(outside, ground.plan.stages[stage].loops, &mut states);
        let outside = *tables.point(outside);
        let mut best: Option<Step> = None;
        let costs = &ground.costs[stage][parents];
        for (number, (choice, cost)) in
            ground.plan.stages[stage].choices[parents].iter().zip(costs).enumerate()
        {
            let weighed = cost.weighed(self.weights);
            let single = tables.states().at_single_states(&weighed);
            let matters = self.matters(stage, choice, &weighed);
            let possible = tables.states().possible(ground, stage, choice, cost);
            for &state in states.iter().filter(|&&state| possible.at(state)) {
                let point = tables.point(state);
                let mut has_none = false;
                for still in stills(ground, still, &outside, point).into_iter().flatten() {
                    let still = still.filter(|&(tensor, _)| matters[usize::from(tensor)]);
                    // Of those that change nothing, one stands for all.
                    if still.is_none() && std::mem::replace(&mut has_none, true) {
                        continue;
                    }
                    self.n_tried += 1;
                    let own = match stage {
                        0 => self.outermost(&weighed, state),
                        _ => single.cost(state, still.map(|(tensor, trips)| (usize::from(tensor), trips))),
                    };
                    let least = best.map_or(f64::INFINITY, |best| best.sum);
                    if own >= least {
                        continue;
                    }
                    let inside = self.inside(stage, choice, state, still);
                    let mut sum = own + inside;
                    if sum < least && !cost.windows.is_empty() {
                        // Which loops are right outside is known here, and how many words of windows that makes.
                        let trips = still.map(|(tensor, trips)| (usize::from(tensor), trips));
                        let metrics = ground.cost(cost, &outside, point, trips);
                        sum = sum.max(dot(&metrics, self.weights) + inside);
                    }
                    if sum < least {
                        best = Some(Step { sum, choice: number, state, still });
                    }
                }
            }
        }
        self.states[stage.min(1)] = states;
        best
    }

    /// By tensor: whether it costs less at `stage` or inside of it that the tensor stays.
    fn matters(&self, stage: usize, choice: &Choice, weighed: &Weighed) -> [bool; MAX_TENSORS] {
        let inside = stage + 1;
        std::array::from_fn(|tensor| {
            let is_known = inside >= 2 && inside < self.ground.plan.stages.len();
            tensor < self.ground.problem.shapes.len()
                && (weighed.flow[tensor] != 0.0
                    || weighed.windows.iter().any(|term| term.tensor == tensor)
                    || inside == 1
                    || is_known && self.tables.goes_on(0, (inside, choice.next), tensor))
        })
    }

    /// What the outermost stage costs: nothing runs outside of it, so that nothing is fetched twice.
    fn outermost(&self, weighed: &Weighed, state: usize) -> f64 {
        let tiles: f64 = weighed.flow.iter().chain(&weighed.tile).sum();
        let windows = weighed.windows.iter().map(|term| {
            let words = self.ground.words(term.level, term.tensor, self.tables.point(state));
            words * (term.per_word + term.per_tile_word)
        });
        weighed.fixed + tiles + windows.sum::<f64>()
    }

    /// What is inside of `stage` at least.
    fn inside(&mut self, stage: usize, choice: &Choice, state: usize, still: Still) -> f64 {
        let inside = stage + 1;
        if inside == self.ground.plan.stages.len() {
            let units = self.ground.units[choice.next].as_ref();
            return units.map_or(f64::INFINITY, |units| dot(units, self.weights));
        }
        if inside == 1 {
            return self.step(inside, choice.next, state, still).map_or(f64::INFINITY, |step| step.sum);
        }
        self.tables.left(0, (inside, choice.next), state, still)
    }
}
