//! All states of a lattice side by side, as the tables go through them.

use std::collections::BTreeMap;

use super::ground::{ChoiceCost, Ground, Point, Weighed, WeighedWindow};
use super::lattice::Slabs;
use super::plan::{Choice, Stage};
use super::prices::ROUNDING;
use crate::loop_nest::{MAX_TENSORS, TensorSet};

/// Words of one tensor at one level by state: [`super::window::Overlap`].
struct Overlaps {
    linear: Vec<f64>,
    base: Vec<f64>,
    words: Vec<f64>,
}

impl Overlaps {
    /// Those of `tensor` at `level`, from what holds of each of its ranks alone.
    fn new(
        ground: &Ground,
        (level, tensor): (usize, usize),
        points: &[Point],
        ranks: &[ProjectedRank],
    ) -> Self {
        let shape = &ground.problem.shapes[tensor];
        let (mut words, mut fresh) = (vec![1.0; points.len()], vec![1.0f64; points.len()]);
        for (rank, projected) in shape.ranks.iter().zip(ranks) {
            let at = |&state: &usize| {
                let window = ground.window(tensor, level, &points[state]);
                (shape.points(rank, &window.tile), window.least_fresh_by(rank))
            };
            let by_rank: Vec<(f64, f64)> = projected.states.iter().map(at).collect();
            for ((words, fresh), &index) in words.iter_mut().zip(&mut fresh).zip(&projected.indices) {
                let (points, share) = by_rank[index as usize];
                *words *= points;
                *fresh = fresh.min(share);
            }
        }
        let (mut linear, mut base) = (Vec::with_capacity(points.len()), Vec::with_capacity(points.len()));
        for ((words, share), point) in words.iter().zip(&fresh).zip(points) {
            let fresh = words * share;
            linear.push(point.used[tensor] * fresh);
            base.push(words - fresh);
        }
        Self { linear, base, words }
    }
}

/// What the states are in the dimensions of one rank.
struct ProjectedRank {
    /// By state: index into `states`.
    indices: Vec<u32>,
    /// One state of each kind.
    states: Vec<usize>,
}

/// The states of one unrolling.
pub(super) struct States {
    pub(super) points: Vec<Point>,
    /// By tensor: trips over dimensions that it does not use, and one over those that it does.
    pub(super) unused: Vec<Vec<f64>>,
    per_used: Vec<Vec<f64>>,
    /// By level and tensor, where tiles can overlap.
    overlaps: BTreeMap<(usize, usize), Overlaps>,
    /// By tensor whose tiles can overlap: the states apart by the dimensions that it does not use.
    slabs: Vec<Option<Slabs>>,
    /// By stage but the outermost: what may be kept, and by state whether that fits and what is left can run inside.
    fits: Vec<Vec<(Vec<TensorSet>, Vec<bool>)>>,
}

impl States {
    pub(super) fn new(ground: &Ground) -> Self {
        let (n_states, n_tensors) = (ground.lattice.len(), ground.problem.shapes.len());
        let mut points = Vec::with_capacity(n_states);
        ground.lattice.for_each_state(|state, trips| points.push(ground.point_at(state, trips)));
        let by_tensor = |value: &dyn Fn(&Point, usize) -> f64| -> Vec<Vec<f64>> {
            (0..n_tensors).map(|tensor| points.iter().map(|point| value(point, tensor)).collect()).collect()
        };
        let mut states = Self {
            unused: by_tensor(&|point, tensor| point.unused[tensor]),
            per_used: by_tensor(&|point, tensor| point.used[tensor].recip()),
            overlaps: BTreeMap::new(),
            slabs: (0..n_tensors).map(|tensor| slabs(ground, tensor)).collect(),
            fits: Vec::new(),
            points,
        };
        let mut projected: [Option<Vec<ProjectedRank>>; MAX_TENSORS] = Default::default();
        // Outside of the outermost stage nothing runs.
        for (stage, costs) in ground.plan.stages.iter().zip(&ground.costs).skip(1) {
            for term in costs.iter().flatten().flat_map(|cost| &cost.windows) {
                let points = &states.points;
                let ranks =
                    projected[term.tensor].get_or_insert_with(|| projected_ranks(ground, term.tensor));
                let key = (term.level, term.tensor);
                states.overlaps.entry(key).or_insert_with(|| Overlaps::new(ground, key, points, ranks));
            }
            let mut fits: Vec<(Vec<TensorSet>, Vec<bool>)> = Vec::new();
            for choice in stage.choices.iter().flatten() {
                if fits.iter().all(|(keep, _)| *keep != choice.keep) {
                    fits.push((choice.keep.clone(), states.fits(ground, stage, choice)));
                }
            }
            states.fits.push(fits);
        }
        states
    }

    /// By state: whether what `choice` keeps fits, and what is left can run inside.
    fn fits(&self, ground: &Ground, stage: &Stage, choice: &Choice) -> Vec<bool> {
        let mut fits = vec![true; self.points.len()];
        if (0..ground.problem.n_dims).any(|dim| !stage.open.contains(dim)) {
            fits.iter_mut().zip(&self.points).for_each(|(fits, point)| *fits = ground.is_open(stage, point));
        }
        let mut words = Vec::new();
        for (index, keep) in choice.keep.iter().enumerate() {
            let level = stage.outermost - index;
            let Some(capacity) = ground.problem.costs[level].capacity_words else { continue };
            words.clear();
            words.resize(self.points.len(), 0.0);
            for tensor in (0..self.unused.len()).filter(|&tensor| keep.contains(tensor)) {
                match self.overlaps.get(&(level, tensor)) {
                    Some(overlaps) => add_scaled(&mut words, &overlaps.words, 1.0),
                    None if ground.problem.shapes[tensor].is_plain => {
                        add_scaled(&mut words, &self.per_used[tensor], ground.full(level, tensor));
                    }
                    None => {
                        let own = self.points.iter().map(|point| ground.words(level, tensor, point));
                        words.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
                    }
                }
            }
            let limit = capacity as f64 * (1.0 + ROUNDING);
            fits.iter_mut().zip(&words).for_each(|(fits, &words)| *fits &= words <= limit);
        }
        fits
    }

    /// If tiles of `tensor` can overlap, the states apart by the dimensions that it does not use.
    pub(super) fn slabs(&self, tensor: usize) -> Option<&Slabs> {
        self.slabs[tensor].as_ref()
    }

    /// What a trip over unused dimensions adds to the words of `tensor` at `level`, by state.
    pub(super) fn linear(&self, level: usize, tensor: usize) -> &[f64] {
        &self.overlaps[&(level, tensor)].linear
    }

    /// At which states `choice` of `stage` is possible.
    pub(super) fn possible<'a>(
        &'a self,
        ground: &'a Ground,
        stage: usize,
        choice: &'a Choice,
        cost: &'a ChoiceCost,
    ) -> Possible<'a> {
        // The outermost stage has one state.
        let fits = stage.checked_sub(1).and_then(|inner| {
            let known = self.fits[inner].iter().find(|(keep, _)| *keep == choice.keep);
            known.map(|(_, fits)| fits.as_slice())
        });
        let is_sure = cost.is_backed && choice.adopted.is_empty();
        Possible { ground, stage, choice, cost, points: &self.points, fits, is_sure }
    }

    /// A weighted [`Ground::cost`] at every state, less what `still` adds for each trip over dimensions that it does not
    /// use; every other tensor runs all of them.
    pub(super) fn cost(&self, cost: &Weighed, still: usize, values: &mut Vec<f64>) {
        values.clear();
        values.resize(self.points.len(), cost.fixed);
        for (tensor, (unused, per_used)) in self.unused.iter().zip(&self.per_used).enumerate() {
            if tensor != still {
                add_scaled(values, unused, cost.flow[tensor]);
            }
            add_scaled(values, per_used, cost.tile[tensor]);
        }
        for term in &cost.windows {
            let overlaps = &self.overlaps[&(term.level, term.tensor)];
            add_scaled(values, &overlaps.base, term.per_word);
            if term.per_word != 0.0 && term.tensor != still {
                let words = overlaps.linear.iter().zip(&self.unused[term.tensor]);
                values
                    .iter_mut()
                    .zip(words)
                    .for_each(|(value, (words, trips))| *value += term.per_word * words * trips);
            }
            add_scaled(values, &overlaps.words, term.per_tile_word);
        }
    }

    /// `cost` with the windows that it is of.
    pub(super) fn at_single_states<'a>(&'a self, cost: &'a Weighed) -> SingleStates<'a> {
        let windows = cost.windows.iter().map(|term| (*term, &self.overlaps[&(term.level, term.tensor)]));
        SingleStates { states: self, cost, windows: windows.collect() }
    }
}

/// Where a choice is possible, to be asked state by state: [`Ground::allows`].
pub(super) struct Possible<'a> {
    ground: &'a Ground<'a>,
    stage: usize,
    choice: &'a Choice,
    cost: &'a ChoiceCost,
    points: &'a [Point],
    /// By state, if that is known.
    fits: Option<&'a [bool]>,
    /// Whether all that fits is possible.
    is_sure: bool,
}

impl Possible<'_> {
    #[inline]
    pub(super) fn at(&self, state: usize) -> bool {
        match self.fits {
            Some(fits) => {
                fits[state]
                    && (self.is_sure || self.ground.is_whole(self.choice, self.cost, &self.points[state]))
            }
            None => self.ground.allows(self.stage, self.choice, self.cost, &self.points[state]),
        }
    }
}

/// A weighted cost, to be asked state by state.
pub(super) struct SingleStates<'a> {
    states: &'a States,
    cost: &'a Weighed,
    windows: Vec<(WeighedWindow, &'a Overlaps)>,
}

impl SingleStates<'_> {
    /// [`States::cost`] at `state`, if `still` runs `trips` over dimensions that it does not use.
    #[inline]
    pub(super) fn cost(&self, state: usize, still: Option<(usize, f64)>) -> f64 {
        let trips = |tensor: usize| match still {
            Some((other, trips)) if other == tensor => trips,
            _ => self.states.unused[tensor][state],
        };
        let mut sum = self.cost.fixed;
        for (tensor, per_used) in self.states.per_used.iter().enumerate() {
            sum += self.cost.flow[tensor] * trips(tensor) + self.cost.tile[tensor] * per_used[state];
        }
        for (term, overlaps) in &self.windows {
            let words = overlaps.base[state] + overlaps.linear[state] * trips(term.tensor);
            sum += term.per_word * words + term.per_tile_word * overlaps.words[state];
        }
        sum
    }
}

fn projected_ranks(ground: &Ground, tensor: usize) -> Vec<ProjectedRank> {
    let project = |rank: &Vec<(usize, f64)>| {
        let (indices, states) = ground.lattice.projected(rank.iter().map(|&(dim, _)| dim).collect());
        ProjectedRank { indices, states }
    };
    ground.problem.shapes[tensor].ranks.iter().map(project).collect()
}

fn slabs(ground: &Ground, tensor: usize) -> Option<Slabs> {
    let shape = &ground.problem.shapes[tensor];
    let idle = || (0..ground.problem.n_dims).filter(|&dim| !shape.uses.contains(dim)).collect();
    (!shape.is_plain).then(|| ground.lattice.slabs(idle()))
}

fn add_scaled(sum: &mut [f64], part: &[f64], times: f64) {
    if times != 0.0 {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part * times);
    }
}

#[cfg(test)]
mod tests {
    use super::super::constraints::MappingConstraints;
    use super::super::lattice::{Chains, Lattice};
    use super::super::plan::Plan;
    use super::super::prices::Prices;
    use super::super::problem::Problem;
    use super::super::unrolling;
    use super::*;
    use crate::architectures::architecture;
    use crate::loop_nest::Quirks;
    use crate::networks::network;

    // Claim: what is put together from the ranks of a tensor is what its tile says as a whole, to the last bit.
    #[test]
    fn overlaps_by_rank_are_those_of_the_tile() {
        let machine = architecture("eyeriss-like").unwrap();
        let mut n_compared = 0;
        for (name, index) in [("alexnet", 0), ("alexnet", 1), ("resnet50", 2)] {
            let layer = network(name).unwrap().layers()[index].einsum().clone();
            let free = MappingConstraints::free(&machine, &layer);
            let problem = Problem::new(&machine, &layer, Quirks::default(), &free).unwrap();
            let plan = Plan::new(&problem);
            let mut prices = Prices::new(&problem, &plan);
            for sketch in unrolling::fewest_steps(&problem, 4) {
                let unrolling = sketch.unrolling(&problem);
                prices.set(&unrolling);
                let lattice = Lattice::new(&problem, &unrolling.steps, 200, &mut Chains::default());
                let ground = Ground::new(&problem, &plan, &prices, &unrolling, lattice);
                let states = States::new(&ground);
                for (&(level, tensor), overlaps) in &states.overlaps {
                    for (state, point) in states.points.iter().enumerate() {
                        let whole = ground.window(tensor, level, point).overlap();
                        let by_rank = (overlaps.linear[state], overlaps.base[state], overlaps.words[state]);
                        assert_eq!(
                            by_rank,
                            (whole.linear, whole.base, whole.words),
                            "{name} {level} {state}"
                        );
                        n_compared += 1;
                    }
                }
            }
        }
        assert!(n_compared > 1_000, "{n_compared}");
    }
}
