//! The search: unrollings in the order of their bounds, labels within each, until nothing that is open can be better.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::constraints::MappingConstraints;
use super::costing::Costing;
use super::ground::Ground;
use super::labels::Labels;
use super::merge::merge;
use super::options::{Objective, Options};
use super::outcome::{Best, NoMapping};
use super::outline::{outline, relaxed};
use super::plan::Plan;
use super::prices::Prices;
use super::problem::Problem;
use super::tables::Tables;
use super::unrolling::{self, Sketch, Unrolling};
use crate::loop_nest::{Architecture, Einsum};

/// What is better by less than this share is not looked for; covers the floating-point error of the bounds.
const SLACK: f64 = 1e-9;

/// Work that an evaluation by the model, the outline of an unrolling, and an entry of a table amount to, in labels.
/// Ours: as long as they take, about.
const EVALUATION: u64 = 30;
const OUTLINE: u64 = 30;
const ENTRIES: u64 = 16;

/// Share of the work for which unrollings may be listed, one for each set of factors; and how many are looked at if there
/// are more. Ours: listing them then takes a tenth of the time.
const UNROLLINGS: u64 = 4;
const BEAM_UNROLLINGS: usize = 64;

/// Labels of each stage that are extended at once, so that a whole mapping is found soon.
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
    let problem = Problem::new(architecture, einsum, options.quirks, constraints)?;
    problem.check_smallest()?;
    let plan = Plan::new(&problem);
    let mut search = Search {
        problem: &problem,
        plan: &plan,
        objective,
        options,
        costing: Costing::new(&problem),
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
    work: u64,
    /// Nothing that was left out scores less.
    floor: f64,
}

/// Something open, the least bound first, and of equals the one that was decided furthest.
struct Open {
    bound: f64,
    depth: u8,
    index: u32,
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = other.bound.total_cmp(&self.bound).then(self.depth.cmp(&other.depth));
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

    fn is_spent(&self) -> bool {
        self.work >= self.options.effort
    }

    fn run(&mut self) -> Result<(), NoMapping> {
        let mut prices = Prices::new(self.problem);
        let (least_j, least_cycles) = relaxed(self.problem);
        let sketches = self.sketches(self.objective.score(least_j, least_cycles).0);
        let first = |(index, sketch): (usize, &Sketch)| {
            let bound = self.objective.score(least_j, sketch.iterations.max(least_cycles)).0;
            Open { bound, depth: 0, index: index as u32 }
        };
        let mut open: BinaryHeap<Open> = sketches.iter().enumerate().map(first).collect();
        let share = (self.options.effort / 16).max(1);
        while let Some(Open { bound, depth, index }) = open.pop() {
            if bound >= self.limit() || self.is_spent() && self.costing.evaluated > 0 {
                self.floor = self.floor.min(bound);
                break;
            }
            let unrolling = sketches[index as usize].unrolling(self.problem);
            prices.set(&unrolling);
            let left = if depth == 0 {
                self.work += OUTLINE;
                let least = outline(self.problem, self.plan, &prices, &unrolling);
                let score = |(energy_j, cycles)| self.objective.score(energy_j, cycles).0;
                least.map_or(f64::INFINITY, |least| score(prices.total(&least)))
            } else {
                // What is not done in its share is begun anew with a larger one once nothing else is more promising.
                let budget = share.saturating_mul(4u64.saturating_pow(u32::from(depth) - 1));
                self.explore(&prices, &unrolling, budget)?
            };
            if left < self.limit() {
                open.push(Open { bound: left.max(bound), depth: depth + 1, index });
            } else {
                self.floor = self.floor.min(left);
            }
        }
        Ok(())
    }

    /// The unrollings to look at, which are all or some; `least` is a bound of the others.
    fn sketches(&mut self, least: f64) -> Vec<Sketch> {
        let most = (self.options.effort / UNROLLINGS) as usize;
        unrolling::all(self.problem, most).unwrap_or_else(|| {
            self.floor = least;
            unrolling::fewest_steps(self.problem, BEAM_UNROLLINGS)
        })
    }

    /// Looks for better mappings with `unrolling`. Returns what none that is left scores less than.
    fn explore(&mut self, prices: &Prices<'a>, unrolling: &Unrolling, budget: u64) -> Result<f64, NoMapping> {
        let ground = Ground::new(self.problem, self.plan, prices, unrolling);
        let tables = Tables::new(&ground);
        self.work += tables.n_entries / ENTRIES;
        let mut labels = Labels::new(&ground, &tables, self.objective);
        let mut open = BinaryHeap::new();
        let mut beam = vec![0u32];
        let mut left = f64::INFINITY;
        let start = self.work;
        for _ in 0..self.plan.stages.len() {
            let mut next = Vec::new();
            for &index in &beam {
                next.extend(self.extend(&mut labels, index));
            }
            let order = |a: &u32, b: &u32| {
                labels.arena[*a as usize].bound.total_cmp(&labels.arena[*b as usize].bound).then(a.cmp(b))
            };
            next.sort_by(order);
            for &index in next.iter().skip(BEAM) {
                open.push(opened(&labels, index));
            }
            next.truncate(BEAM);
            beam = next;
        }
        open.extend(beam.iter().map(|&index| opened(&labels, index)));
        while let Some(Open { bound, index, .. }) = open.pop() {
            if bound >= self.limit() || self.work > start + budget {
                left = left.min(bound);
                break;
            }
            if labels.is_dominated(index) {
                continue;
            }
            if labels.is_whole(index) {
                let decisions = labels.decisions(index);
                let before = self.costing.evaluated;
                self.costing.cost(&ground, unrolling, &decisions, self.objective)?;
                self.work += EVALUATION * (self.costing.evaluated - before);
                // The model may find it dearer; the bound of what it stands for remains.
                self.floor = self.floor.min(bound);
                continue;
            }
            let children = self.extend(&mut labels, index);
            open.extend(children.into_iter().map(|index| opened(&labels, index)));
        }
        Ok(left.min(labels.dropped))
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
        let Some((best, einsum, report)) = costing.report(objective)? else { return Err(problem.nothing_fits()) };
        let share = |dim: usize| problem.sizes[dim] as f64 / best.padded[dim] as f64;
        let (score, _) = best.score;
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
    Open { bound: label.bound, depth: label.stage, index }
}
