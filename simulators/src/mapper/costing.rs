//! Whole mappings, costed by the model itself, and the best of them by each objective.

use super::constraints::DimSet;
use super::ground::Ground;
use super::labels::Decision;
use super::options::{Objective, compare};
use super::outcome::NoMapping;
use super::problem::{Problem, Way};
use super::unrolling::Unrolling;
use crate::loop_nest::{Evaluator, Illegal, LevelMapping, Loop, MAX_DIMS, Mapping, Report, Workspace};

/// Paddings whose models are kept ready. Ours: a climb meets a few.
const MODELS: usize = 8;

/// The best mapping by one objective.
pub(super) struct Incumbent {
    pub(super) score: (f64, f64),
    pub(super) mapping: Mapping,
    pub(super) padded: [u64; MAX_DIMS],
}

/// The model with scratch memory, and what it said so far.
pub(super) struct Costing<'a> {
    problem: &'a Problem<'a>,
    models: Vec<([u64; MAX_DIMS], Evaluator)>,
    mapping: Mapping,
    workspace: Workspace,
    report: Report,
    pub(super) evaluated: u64,
    /// In the order of [`Objective::ALL`]. All mappings compete by all objectives, so that none is beaten by another's.
    pub(super) best: [Option<Incumbent>; 3],
}

impl<'a> Costing<'a> {
    pub(super) fn new(problem: &'a Problem<'a>) -> Self {
        Self {
            problem,
            models: Vec::new(),
            mapping: Mapping { levels: vec![LevelMapping::default(); problem.n_levels] },
            workspace: Workspace::new(),
            report: Report::new(),
            evaluated: 0,
            best: [None, None, None],
        }
    }

    /// The best by `objective`.
    pub(super) fn best(&self, objective: Objective) -> Option<&Incumbent> {
        self.best[Objective::ALL.iter().position(|&other| other == objective)?].as_ref()
    }

    /// Costs the mapping of `decisions`. Where tiles overlap, also with other loops innermost: labels do not tell them
    /// apart.
    ///
    /// # Errors
    /// [`NoMapping::Uncountable`] if the padded layer is beyond 62 bits.
    pub(super) fn cost(
        &mut self,
        ground: &Ground,
        unrolling: &Unrolling,
        decisions: &[Decision],
        objective: Objective,
    ) -> Result<(), NoMapping> {
        let model = self.model(&unrolling.padded)?;
        self.write(ground, unrolling, decisions);
        let Some(mut score) = self.evaluate(model, &unrolling.padded, objective) else { return Ok(()) };
        let sliding: DimSet = self
            .problem
            .shapes
            .iter()
            .flat_map(|shape| shape.windows.iter().filter(|rank| rank.len() > 1).flatten())
            .map(|&(dim, _)| dim)
            .collect();
        for level in (1..self.problem.n_levels).filter(|_| !sliding.is_empty()) {
            let n_loops = self.mapping.levels[level].temporal.len();
            for index in (0..n_loops).filter(|_| n_loops > 1) {
                let before = self.mapping.levels[level].temporal.clone();
                let item = before[index];
                if !sliding.iter().any(|dim| self.problem.name(dim) == item.dim) {
                    continue;
                }
                let loops = &mut self.mapping.levels[level].temporal;
                loops.remove(index);
                // Inside of loops that move every tensor, but outside of those that leave one where it is.
                let place = self.place(ground, level, &before, index, decisions);
                self.mapping.levels[level].temporal.insert(place, item);
                match self.evaluate(model, &unrolling.padded, objective) {
                    Some(other) if compare(other, score).is_lt() => score = other,
                    _ => self.mapping.levels[level].temporal = before,
                }
            }
        }
        Ok(())
    }

    /// Where among the loops of `level` the one at `index` is innermost but for those that leave a tensor where it is.
    fn place(
        &self,
        ground: &Ground,
        level: usize,
        loops: &[Loop],
        index: usize,
        decisions: &[Decision],
    ) -> usize {
        let still = still_above(ground, decisions, level - 1);
        let stays = |item: &&Loop| {
            let dim = (0..self.problem.n_dims).find(|&dim| self.problem.name(dim) == item.dim);
            still.zip(dim).is_some_and(|(tensor, dim)| !self.problem.shapes[tensor].uses.contains(dim))
        };
        let n_still =
            loops.iter().enumerate().filter(|&(other, item)| other != index && stays(&item)).count();
        loops.len() - 1 - n_still
    }

    /// The best by `objective` with its full report and padded layer.
    ///
    /// # Errors
    /// As [`Costing::cost`].
    pub(super) fn report(
        mut self,
        objective: Objective,
    ) -> Result<Option<(Incumbent, crate::loop_nest::Einsum, Report)>, NoMapping> {
        let slot = Objective::ALL.iter().position(|&other| other == objective).unwrap_or(0);
        let Some(best) = self.best[slot].take() else { return Ok(None) };
        let model = self.model(&best.padded)?;
        let (_, evaluator) = &self.models[model];
        evaluator.evaluate(&best.mapping, &mut self.workspace, &mut self.report)?;
        Ok(Some((best, evaluator.einsum().clone(), self.report)))
    }

    /// What the model says of the current mapping by `objective`, or `None` if it is illegal. The best is remembered.
    fn evaluate(
        &mut self,
        model: usize,
        padded: &[u64; MAX_DIMS],
        objective: Objective,
    ) -> Option<(f64, f64)> {
        self.evaluated += 1;
        let (_, evaluator) = &self.models[model];
        evaluator.evaluate(&self.mapping, &mut self.workspace, &mut self.report).ok()?;
        for (slot, objective) in self.best.iter_mut().zip(Objective::ALL) {
            let score = objective.of(&self.report);
            if slot.as_ref().is_none_or(|best| compare(score, best.score).is_lt()) {
                *slot = Some(Incumbent { score, mapping: self.mapping.clone(), padded: *padded });
            }
        }
        Some(objective.of(&self.report))
    }

    fn write(&mut self, ground: &Ground, unrolling: &Unrolling, decisions: &[Decision]) {
        let problem = self.problem;
        for entry in &mut self.mapping.levels {
            entry.temporal.clear();
            entry.spatial_x.clear();
            entry.spatial_y.clear();
        }
        for (stage, decision) in ground.plan.stages.iter().zip(decisions) {
            let choice = &stage.choices[decision.parents][decision.choice];
            for (index, &keep) in choice.keep.iter().enumerate() {
                self.mapping.levels[stage.outermost - index].keep = keep;
            }
        }
        for level in 0..problem.n_levels {
            let outside = state_at(ground, decisions, level);
            let inside = match level.checked_sub(1) {
                Some(inner) => state_at(ground, decisions, inner),
                None => ground.lattice.last(),
            };
            let still = level.checked_sub(1).and_then(|inner| still_above(ground, decisions, inner));
            let stays = |dim: usize| still.is_some_and(|tensor| !problem.shapes[tensor].uses.contains(dim));
            let (inner, outer): (Vec<usize>, Vec<usize>) = (0..problem.n_dims).partition(|&dim| stays(dim));
            for dim in outer.into_iter().chain(inner) {
                let factor = ground.lattice.trips(inside, dim) / ground.lattice.trips(outside, dim);
                if factor > 1 {
                    self.mapping.levels[level].temporal.push(Loop::new(problem.name(dim), factor));
                }
            }
        }
        for (index, place) in problem.places().enumerate() {
            let position = &problem.positions[place];
            let entry = &mut self.mapping.levels[position.level];
            let loops = if position.way == Way::X { &mut entry.spatial_x } else { &mut entry.spatial_y };
            for dim in 0..problem.n_dims {
                let factor = unrolling.factor(problem, index, dim);
                if factor > 1 {
                    loops.push(Loop::new(problem.name(dim), factor));
                }
            }
        }
    }

    fn model(&mut self, padded: &[u64; MAX_DIMS]) -> Result<usize, NoMapping> {
        if let Some(index) = self.models.iter().position(|(sizes, _)| sizes == padded) {
            return Ok(index);
        }
        let too_large = |_| Illegal::Overflow { what: "size of the padded layer" };
        let einsum = self.problem.einsum.with_sizes(&self.problem.all_sizes(padded)).map_err(too_large)?;
        let evaluator = Evaluator::new(self.problem.architecture, &einsum, self.problem.quirks)?;
        if self.models.len() == MODELS {
            self.models.remove(0);
        }
        self.models.push((*padded, evaluator));
        Ok(self.models.len() - 1)
    }
}

/// The state of the tile of `level`.
fn state_at(ground: &Ground, decisions: &[Decision], level: usize) -> usize {
    let stage =
        ground.plan.stages.iter().position(|stage| stage.innermost <= level && level <= stage.outermost);
    stage.map_or(0, |stage| decisions[stage].state)
}

/// The tensor that the loops right outside of `level` leave where it is.
fn still_above(ground: &Ground, decisions: &[Decision], level: usize) -> Option<usize> {
    let stage = ground.plan.stages.iter().position(|stage| stage.outermost == level)?;
    decisions[stage].still
}
