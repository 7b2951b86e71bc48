//! The search: unrollings in the order of their bounds, labels within each, until nothing that is open can be better.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

use super::compulsory::{Counted, compulsory};
use super::constraints::MappingConstraints;
use super::costing::Costing;
use super::ground::Ground;
use super::labels::Labels;
use super::lattice::{Chains, Lattice};
use super::listing;
use super::merge::merge;
use super::options::{Objective, Options, compare};
use super::outcome::{Best, NoMapping};
use super::outline::outline;
use super::pass;
use super::plan::Plan;
use super::prices::Prices;
use super::problem::Problem;
use super::sum::{Sum, singles};
use super::tables::Tables;
use super::unrolling::{self, Sketch, Unrolling};
use crate::loop_nest::{Architecture, Einsum};

/// What is better by less than this share is not looked for. Ours: covers the floating-point error of the bounds, sums of some thousand terms.
const SLACK: f64 = 1e-9;

/// Work that an evaluation by the model and the outline of an unrolling amount to, in labels, and steps of a pass that amount to one.
/// Ours: as long as they take, about.
const EVALUATION: u64 = 50;
const OUTLINE: u64 = 10;
const STEPS: u64 = 10;

/// Unrollings of the fewest steps that are looked at before all are listed. Ours: enough to begin a climb; 32 took 1.07 of the time for
/// mappings as good in the median.
const BEAM_UNROLLINGS: usize = 16;

/// Of those, the ones that mappings are looked for in at first. Ours: with 8 results were as good in the same time on 480 layers and
/// designs of `edge-accelerator`.
const STARTS: usize = 3;

/// Most states of an unrolling that is met on the way. Ours: of 48, 96, 256 and 1024 the best at equal time over
/// `edge-accelerator`, `eyeriss` and Gemmini.
const FIRST_STATES: usize = 96;

/// Most states of any unrolling. Ours: bounds the memory, to some hundred megabytes. Of what has more, some sizes of tiles are left out,
/// and nothing is proven.
const MOST_STATES: usize = 1 << 18;

/// What is better by less than this share is no reason to look around it. Ours: a tenth of the gap that environments ask for.
const NO_BETTER: f64 = 1e-3;

/// Most sums of metrics whose least is looked for with one unrolling. Ours: energy and cycles, energy alone,
/// and both again with what was found to be the limit.
const MOST_SUMS: usize = 4;

/// Most sets of factors that are tried while unrollings are listed, each for the work of a label. Ours: bounds the memory to some hundred
/// megabytes.
const MOST_UNROLLINGS: u64 = 1 << 20;

/// The part of what is left of the effort that may go to the list: of a list that takes more, the rest would not suffice to look at
/// much. Ours: with all of it, layers of `edge-accelerator` took 1.5 times as long, and one design in a hundred was better by over a thousandth.
const LISTING_SHARE: u64 = 8;

/// Work on one unrolling before others come first. Ours: about a tenth of a second.
const SHARE: u64 = 1_000_000;

/// Labels of each stage that are extended at once, so that a whole mapping is found soon. Ours: a few.
const BEAM: usize = 4;

/// The best mapping of `einsum` onto `architecture` within `constraints`, its cost, and how far it may be from the best
/// there is.
///
/// Deterministic, whatever else was asked before.
///
/// # Errors
/// [`NoMapping`]: which level and tensor do not fit and by how much, or what else stands in the way.
pub fn best_mapping(
    architecture: &Architecture,
    einsum: &Einsum,
    objective: Objective,
    constraints: &MappingConstraints,
    options: Options,
) -> Result<Best, NoMapping> {
    let merged = merge(einsum, constraints, options.quirks);
    let (einsum, constraints) =
        merged.as_ref().map_or((einsum, constraints), |(einsum, constraints)| (einsum, constraints));
    // Where nothing costs energy, all mappings are equal in it and in its product with cycles.
    let objective = if architecture.is_free_of_energy() { Objective::Latency } else { objective };
    let problem = Problem::new(architecture, einsum, options.quirks, constraints)?;
    problem.check_smallest()?;
    let plan = Plan::new(&problem);
    let mut search = Search {
        problem: &problem,
        plan: &plan,
        objective,
        options,
        costing: Costing::new(&problem),
        chains: Chains::default(),
        least: compulsory(&problem, Counted::Outermost),
        work: 0,
        floor: f64::INFINITY,
    };
    search.run()?;
    search.finish()
}

struct Search<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    objective: Objective,
    options: Options,
    costing: Costing<'a>,
    chains: Chains,
    /// Energy and cycles that no mapping is below.
    least: (f64, f64),
    work: u64,
    /// Nothing that was left out scores less.
    floor: f64,
}

/// What an unrolling is weighed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// A good mapping, soon: with at most so many states, some sizes of tiles being left out if there are more.
    Mapping(usize),
    /// A bound, too.
    Bound,
}

/// Something open, the least bound first, of equals the one that is least by what decides among equal mappings, and then the
/// one that was decided furthest.
struct Open {
    bound: f64,
    tie: f64,
    depth: u8,
    index: u32,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = other.bound.total_cmp(&self.bound).then(other.tie.total_cmp(&self.tie));
        let order = order.then(self.depth.cmp(&other.depth));
        order.then(other.index.cmp(&self.index))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

impl<'a> Search<'a> {
    /// What does not score less than this is not looked for.
    fn limit(&self) -> f64 {
        let best = self.costing.best(self.objective);
        best.map_or(f64::INFINITY, |best| best.score.0 / (1.0 + self.options.gap) * (1.0 - SLACK))
    }

    /// What takes as many iterations scores no less than the limit.
    fn enough_iterations(&self) -> f64 {
        match self.objective {
            Objective::Latency => self.limit(),
            Objective::EnergyDelay => self.limit() / self.least.0,
            Objective::Energy => f64::INFINITY,
        }
    }

    fn is_spent(&self) -> bool {
        self.work >= self.options.effort
    }

    /// Where loads are exposed, the way to the fastest mappings leads over many that are as slow as each other: the first half of
    /// the effort goes to those of little energy and delay, which compete by cycles too.
    fn run(&mut self) -> Result<(), NoMapping> {
        let mut prices = Prices::new(self.problem, self.plan);
        if self.objective == Objective::Latency {
            let effort = self.options.effort;
            (self.objective, self.options.effort) = (Objective::EnergyDelay, effort / 2);
            self.climb(&mut prices)?;
            (self.objective, self.options.effort) = (Objective::Latency, effort);
        }
        self.climb(&mut prices)?;
        self.prove_all(&mut prices)
    }

    /// Looks at all unrollings that can be better than the best so far. What is done does not depend on the effort, only how far it goes.
    fn prove_all(&mut self, prices: &mut Prices<'a>) -> Result<(), NoMapping> {
        let (least_j, least_cycles) = self.least;
        self.floor = self.objective.score(least_j, least_cycles).0;
        let left = self.options.effort.saturating_sub(self.work);
        let most = if self.costing.evaluated > 0 {
            (left / LISTING_SHARE).min(MOST_UNROLLINGS)
        } else {
            MOST_UNROLLINGS
        };
        let Some(listing) = listing::all(self.problem, self.enough_iterations(), most) else {
            self.work += most;
            return Ok(());
        };
        self.work += listing.n_tried;
        let first = |(index, sketch): (usize, &Sketch)| {
            let (bound, tie) = self.objective.score(least_j, (sketch.iterations as f64).max(least_cycles));
            Open { bound, tie, depth: 0, index: index as u32 }
        };
        let open = listing.sketches.iter().enumerate().map(first).collect();
        let floor = |iterations: f64| self.objective.score(least_j, iterations.max(least_cycles)).0;
        self.floor = listing.least_left_out.map_or(f64::INFINITY, floor);
        self.prove(prices, &listing.sketches, open)
    }

    /// From unrollings of few steps on, goes to a better one that differs at one place, as long as there is one. Of the last that it
    /// goes to all sizes of tiles are looked at.
    fn climb(&mut self, prices: &mut Prices<'a>) -> Result<(), NoMapping> {
        let mut seen = BTreeSet::new();
        let first = unrolling::fewest_steps(self.problem, BEAM_UNROLLINGS);
        let mut last = None;
        let mut next = self.best_of(prices, first, &mut seen, STARTS)?;
        while let Some(sketch) = next.filter(|_| !self.is_spent()) {
            let around = unrolling::neighbours(self.problem, &sketch);
            last = Some(sketch);
            next = self.best_of(prices, around, &mut seen, 1)?;
        }
        if let Some(sketch) = last.filter(|_| !self.is_spent()) {
            let unrolling = sketch.unrolling(self.problem);
            if Lattice::new(self.problem, &unrolling.steps, FIRST_STATES, &mut self.chains).is_thinned() {
                prices.set(&unrolling);
                self.weigh(prices, &unrolling, Care::Mapping(MOST_STATES))?;
            }
        }
        Ok(())
    }

    /// The last of `sketches` that led to a better mapping, in the order of their bounds; those that do not are no longer counted
    /// once there were `enough` that did.
    fn best_of(
        &mut self,
        prices: &mut Prices<'a>,
        sketches: Vec<Sketch>,
        seen: &mut BTreeSet<Sketch>,
        enough: usize,
    ) -> Result<Option<Sketch>, NoMapping> {
        let mut ranked = Vec::new();
        for sketch in sketches {
            let (least, _) = self.objective.score(self.least.0, (sketch.iterations as f64).max(self.least.1));
            if least < self.limit() && !seen.contains(&sketch) {
                let unrolling = sketch.unrolling(self.problem);
                prices.set(&unrolling);
                let (bound, _) = self.outline_bound(prices, &unrolling);
                ranked.push((bound, sketch));
            }
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        let mut best = None;
        for (n, (bound, sketch)) in ranked.into_iter().enumerate() {
            let has_enough = best.is_some() && n >= enough || self.is_spent() && self.costing.evaluated > 0;
            if has_enough || bound >= self.limit() {
                break;
            }
            let before = self.costing.best(self.objective).map(|best| best.score.0);
            let unrolling = sketch.unrolling(self.problem);
            prices.set(&unrolling);
            self.weigh(prices, &unrolling, Care::Mapping(FIRST_STATES))?;
            let after = self.costing.best(self.objective).map(|best| best.score.0);
            if after.is_some_and(|after| before.is_none_or(|before| after < before * (1.0 - NO_BETTER))) {
                best = Some(sketch.clone());
            }
            seen.insert(sketch);
        }
        Ok(best)
    }

    /// Looks at unrollings in the order of their bounds, each time more closely, until the best of them cannot be
    /// better.
    fn prove(
        &mut self,
        prices: &mut Prices<'a>,
        sketches: &[Sketch],
        mut open: BinaryHeap<Open>,
    ) -> Result<(), NoMapping> {
        while let Some(Open { bound, tie, depth, index }) = open.pop() {
            if bound >= self.limit() || self.is_spent() && self.costing.evaluated > 0 {
                self.floor = self.floor.min(bound);
                break;
            }
            let unrolling = sketches[index as usize].unrolling(self.problem);
            prices.set(&unrolling);
            let (left, tie) = match depth {
                0 => self.outline_bound(prices, &unrolling),
                1 => (self.weigh(prices, &unrolling, Care::Bound)?, tie),
                // What is not done in its share is begun anew with a larger one once nothing else is more promising.
                _ => {
                    let budget = SHARE.saturating_mul(4u64.saturating_pow(u32::from(depth) - 2));
                    (self.explore(prices, &unrolling, (bound, budget))?, tie)
                }
            };
            if left < self.limit() {
                open.push(Open { bound: left.max(bound), tie, depth: depth + 1, index });
            } else {
                self.floor = self.floor.min(left);
            }
        }
        Ok(())
    }

    /// What no mapping with `unrolling` scores less than, at a glance; and the same of what decides among equals.
    fn outline_bound(&mut self, prices: &Prices, unrolling: &Unrolling) -> (f64, f64) {
        self.work += OUTLINE;
        let Some(least) = outline(self.problem, self.plan, prices, unrolling) else {
            return (f64::INFINITY, f64::INFINITY);
        };
        let (energy_j, cycles) = prices.total(&least);
        self.objective.score(energy_j, cycles)
    }

    /// Looks for the mappings of the least sums of metrics with `unrolling`. Returns what none scores less than.
    fn weigh(&mut self, prices: &Prices<'a>, unrolling: &Unrolling, care: Care) -> Result<f64, NoMapping> {
        let Some(outline) = outline(self.problem, self.plan, prices, unrolling) else {
            return Ok(f64::INFINITY);
        };
        let most_states = if let Care::Mapping(most) = care { most } else { MOST_STATES };
        let lattice = Lattice::new(self.problem, &unrolling.steps, most_states, &mut self.chains);
        let ground = Ground::new(self.problem, self.plan, prices, unrolling, lattice);
        let mut sum = Sum::new(self.objective, prices, &outline);
        if care == Care::Bound && ground.lattice.is_thinned() {
            return Ok(sum.floor());
        }
        let mut tables: Option<Tables> = None;
        let mut bound = sum.floor();
        let mut before = None;
        for _ in 0..MOST_SUMS {
            let weights = sum.weights();
            match &mut tables {
                Some(tables) => tables.weigh(&ground, vec![weights]),
                None => tables = Some(Tables::new(&ground, vec![weights])),
            }
            let Some(tables) = &tables else { break };
            self.work += minima_work(tables.n_minima.take(), &ground);
            let Some(found) = pass::least(&ground, tables, &weights) else { return Ok(f64::INFINITY) };
            self.work += found.n_tried / STEPS;
            bound = bound.max(sum.bound(found.least));
            let (energy_j, cycles) = prices.total(&found.metrics);
            let score = self.objective.score(energy_j, cycles);
            let best = self.costing.best(self.objective);
            if best.is_none_or(|best| compare(score, best.score).is_lt()) {
                let before = self.costing.evaluated;
                self.costing.cost(&ground, unrolling, &found.decisions, self.objective)?;
                self.work += EVALUATION * (self.costing.evaluated - before);
            }
            let is_enough = match care {
                // What is the least by other weights, too, will be by most.
                Care::Mapping(_) => {
                    before.replace(found.metrics) == Some(found.metrics) || !sum.turn_to_limit(&found.metrics)
                }
                Care::Bound => {
                    bound >= self.limit().min(score.0 * (1.0 - SLACK)) || !sum.turn(&found.metrics)
                }
            };
            if is_enough {
                break;
            }
        }
        Ok(bound)
    }

    /// Looks for better mappings with `unrolling`. Returns what none that is left scores less than, if that is known.
    fn explore(
        &mut self,
        prices: &Prices<'a>,
        unrolling: &Unrolling,
        (least, budget): (f64, u64),
    ) -> Result<f64, NoMapping> {
        let lattice = Lattice::new(self.problem, &unrolling.steps, MOST_STATES, &mut self.chains);
        if lattice.is_thinned() {
            // Too many states to go through; what bounds it so far remains.
            self.floor = self.floor.min(least);
            return Ok(f64::INFINITY);
        }
        let ground = Ground::new(self.problem, self.plan, prices, unrolling, lattice);
        let weights = singles(self.objective, prices);
        let n_steps = minima_work(Tables::most_minima(&ground) * weights.len() as u64, &ground);
        if self.costing.evaluated > 0 && n_steps > self.options.effort.saturating_sub(self.work) {
            // The tables alone take more than is left.
            self.work = self.options.effort;
            return Ok(0.0);
        }
        let tables = Tables::new(&ground, weights);
        self.work += minima_work(tables.n_minima.take(), &ground);
        let mut labels = Labels::new(&ground, &tables, self.objective);
        let mut open = BinaryHeap::new();
        let mut left = f64::INFINITY;
        let start = self.work;
        for index in self.descend(&mut labels, &mut open) {
            let bound = labels.arena[index as usize].bound;
            if bound < self.limit() {
                self.cost(&ground, unrolling, &labels, index)?;
                self.floor = self.floor.min(bound);
            } else {
                left = left.min(bound);
            }
        }
        while let Some(Open { bound, index, .. }) = open.pop() {
            if bound >= self.limit() || self.work > start + budget {
                left = left.min(bound);
                break;
            }
            if labels.is_dominated(index) {
                continue;
            }
            if labels.is_whole(index) {
                self.cost(&ground, unrolling, &labels, index)?;
                // The model may find it dearer; the bound of what it stands for remains.
                self.floor = self.floor.min(bound);
                continue;
            }
            let children = self.extend(&mut labels, index);
            open.extend(children.into_iter().map(|index| opened(&labels, index)));
        }
        Ok(left.min(labels.dropped))
    }

    /// Extends the most promising labels of each stage. Returns those that are whole, the best first; the others are put
    /// into `open`.
    fn descend(&mut self, labels: &mut Labels, open: &mut BinaryHeap<Open>) -> Vec<u32> {
        let mut beam = vec![0u32];
        for _ in 0..self.plan.stages.len() {
            let mut next = Vec::new();
            for &index in &beam {
                next.extend(self.extend(labels, index));
            }
            let rank = |index: u32| (labels.arena[index as usize].bound, labels.arena[index as usize].tie);
            next.sort_by(|&a, &b| compare(rank(a), rank(b)).then(a.cmp(&b)));
            open.extend(next.iter().skip(BEAM).map(|&index| opened(labels, index)));
            next.truncate(BEAM);
            beam = next;
        }
        beam
    }

    /// Lets the model cost a whole label.
    fn cost(
        &mut self,
        ground: &Ground,
        unrolling: &Unrolling,
        labels: &Labels,
        index: u32,
    ) -> Result<(), NoMapping> {
        let decisions = labels.decisions(index);
        let before = self.costing.evaluated;
        self.costing.cost(ground, unrolling, &decisions, self.objective)?;
        self.work += EVALUATION * (self.costing.evaluated - before);
        Ok(())
    }

    fn extend(&mut self, labels: &mut Labels, index: u32) -> Vec<u32> {
        let before = labels.n_tried;
        let start = labels.extend(index, self.limit());
        self.work += labels.n_tried - before;
        (start as u32..labels.arena.len() as u32).collect()
    }

    fn finish(self) -> Result<Best, NoMapping> {
        let Self { problem, objective, work, floor, costing, .. } = self;
        let evaluated = costing.evaluated;
        let Some((best, einsum, report)) = costing.report(objective)? else {
            return Err(problem.nothing_fits());
        };
        let share = |dim: usize| problem.sizes[dim] as f64 / best.padded[dim] as f64;
        let (score, _) = best.score;
        // Closer than what the search went by, so that a search that was cut short says more of how good it is.
        let (least_j, least_cycles) = compulsory(problem, Counted::All);
        let (least, _) = objective.score(least_j, least_cycles);
        debug_assert!(least <= score * (1.0 + 10.0 * SLACK), "a bound of {least}, a mapping of {score}");
        let floor = floor.max(least);
        // Bounds are exact to this share, so that what is closer is the optimum.
        let is_proven = floor >= score * (1.0 - 10.0 * SLACK);
        let lower_bound = if is_proven { score } else { floor.max(0.0) };
        Ok(Best {
            useful_share: (0..problem.n_dims).map(share).product(),
            einsum,
            mapping: best.mapping,
            report,
            lower_bound,
            gap: if is_proven { 0.0 } else { score / lower_bound - 1.0 },
            evaluated,
            work,
        })
    }
}

fn opened(labels: &Labels, index: u32) -> Open {
    let label = &labels.arena[index as usize];
    Open { bound: label.bound, tie: label.tie, depth: label.stage, index }
}

/// Work that `n` minima over the lattice amount to, in labels. Ours: a label takes a tenth of a microsecond, a minimum one and ten
/// nanoseconds for each state.
fn minima_work(n: u64, ground: &Ground) -> u64 {
    n * (10 + ground.lattice.len() as u64 / 10)
}
