//! A mapping as factors: what a search moves about, and how the model costs it.

use super::options::is_better;
use super::outcome::{Best, NoMapping};
use super::problem::{MAX_POSITIONS, Problem, Way};
use crate::loop_nest::{
    Evaluator, LevelMapping, Loop, MAX_DIMS, MAX_LEVELS, Mapping, Report, TensorSet, Workspace,
};

/// Factors of every dimension at every position.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Shape `[positions][dimensions]`.
    pub(super) factors: [[u64; MAX_DIMS]; MAX_POSITIONS],
    /// Points of each dimension, padding included: the product of its factors once all are chosen.
    pub(super) padded: [u64; MAX_DIMS],
    pub(super) keep: [TensorSet; MAX_LEVELS],
    /// Dimensions of more than one point in the order of their loops in time, the innermost first, by level.
    pub(super) order: [[u8; MAX_DIMS]; MAX_LEVELS],
}

impl Candidate {
    /// All factors 1, everything kept that may be.
    pub(super) fn new(problem: &Problem) -> Self {
        let mut order = [0; MAX_DIMS];
        order.iter_mut().zip(&problem.dims).for_each(|(slot, &dim)| *slot = dim as u8);
        Self {
            factors: [[1; MAX_DIMS]; MAX_POSITIONS],
            padded: problem.sizes,
            keep: problem.may_keep,
            order: [order; MAX_LEVELS],
        }
    }

    /// Product of the factors at a position.
    pub(super) fn width(&self, problem: &Problem, position: usize) -> u64 {
        problem.dims.iter().map(|&dim| self.factors[position][dim]).product()
    }

    /// Makes `dim` the innermost loop at `level`, the others staying in order.
    pub(super) fn pull_in(&mut self, level: usize, dim: usize, n_dims: usize) {
        let order = &mut self.order[level][..n_dims];
        if let Some(place) = order.iter().position(|&other| usize::from(other) == dim) {
            order[..=place].rotate_right(1);
        }
    }

    fn write(&self, problem: &Problem, mapping: &mut Mapping) {
        for (level, entry) in mapping.levels.iter_mut().enumerate() {
            entry.keep = self.keep[level];
            entry.temporal.clear();
            entry.spatial_x.clear();
            entry.spatial_y.clear();
            for &dim in self.order[level][..problem.dims.len()].iter().rev() {
                let dim = usize::from(dim);
                if self.factors[level][dim] > 1 {
                    entry.temporal.push(Loop::new(dim, self.factors[level][dim]));
                }
            }
        }
        for position in problem.places() {
            let place = &problem.positions[position];
            let entry = &mut mapping.levels[place.level];
            let loops = if place.way == Way::X { &mut entry.spatial_x } else { &mut entry.spatial_y };
            for &dim in &problem.dims {
                if self.factors[position][dim] > 1 {
                    loops.push(Loop::new(dim, self.factors[position][dim]));
                }
            }
        }
    }
}

/// The model, prepared for every padding that came up, with scratch memory, a count, and the best so far.
pub(super) struct Costing<'a> {
    problem: &'a Problem<'a>,
    models: Vec<([u64; MAX_DIMS], Evaluator)>,
    mapping: Mapping,
    workspace: Workspace,
    report: Report,
    pub(super) evaluated: u64,
    pub(super) best: Option<(Candidate, (f64, f64))>,
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
            best: None,
        }
    }

    /// What the model says of `candidate`, or `None` if it is illegal. The best candidate is remembered.
    ///
    /// # Errors
    /// [`NoMapping::Uncountable`] if the padded layer is beyond 62 bits.
    pub(super) fn cost(&mut self, candidate: &Candidate) -> Result<Option<(f64, f64)>, NoMapping> {
        let model = self.model(&candidate.padded)?;
        candidate.write(self.problem, &mut self.mapping);
        self.evaluated += 1;
        let (_, evaluator) = &self.models[model];
        if evaluator.evaluate(&self.mapping, &mut self.workspace, &mut self.report).is_err() {
            return Ok(None);
        }
        let score = self.problem.objective.of(&self.report);
        if self.best.as_ref().is_none_or(|(_, best)| is_better(score, *best)) {
            self.best = Some((candidate.clone(), score));
        }
        Ok(Some(score))
    }

    /// The best so far with its full report.
    pub(super) fn finish(mut self, is_proven: bool) -> Result<Option<Best>, NoMapping> {
        let Some((candidate, _)) = self.best.take() else { return Ok(None) };
        let model = self.model(&candidate.padded)?;
        candidate.write(self.problem, &mut self.mapping);
        let (_, evaluator) = &self.models[model];
        evaluator.evaluate(&self.mapping, &mut self.workspace, &mut self.report)?;
        let share = |dim: &usize| self.problem.sizes[*dim] as f64 / candidate.padded[*dim] as f64;
        Ok(Some(Best {
            useful_share: self.problem.dims.iter().map(share).product(),
            einsum: evaluator.einsum().clone(),
            mapping: self.mapping,
            report: self.report,
            evaluated: self.evaluated,
            is_proven,
        }))
    }

    fn model(&mut self, padded: &[u64; MAX_DIMS]) -> Result<usize, NoMapping> {
        // Searches stay with one padding for long, so the last used model is looked at first.
        if let Some(index) = self.models.iter().rposition(|(sizes, _)| sizes == padded) {
            let last = self.models.len() - 1;
            self.models.swap(index, last);
            return Ok(last);
        }
        let too_large = |_| crate::loop_nest::Illegal::Overflow { what: "size of the padded layer" };
        let einsum = self.problem.einsum.with_sizes(padded).map_err(too_large)?;
        let evaluator = Evaluator::new(self.problem.architecture, &einsum, self.problem.quirks)?;
        self.models.push((*padded, evaluator));
        Ok(self.models.len() - 1)
    }
}
