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
    /// Dimensions in the order of their loops in time, the innermost first, by level.
    pub(super) order: [[u8; MAX_DIMS]; MAX_LEVELS],
}

impl Candidate {
    /// All factors 1, everything kept that may be.
    pub(super) fn new(problem: &Problem) -> Self {
        let mut order = [0; MAX_DIMS];
        order.iter_mut().enumerate().for_each(|(dim, slot)| *slot = dim as u8);
        Self {
            factors: [[1; MAX_DIMS]; MAX_POSITIONS],
            padded: problem.sizes,
            keep: problem.may_keep,
            order: [order; MAX_LEVELS],
        }
    }

    /// Product of the factors at a position.
    pub(super) fn width(&self, problem: &Problem, position: usize) -> u64 {
        self.factors[position][..problem.n_dims].iter().product()
    }

    /// Moves a prime factor.
    pub(super) fn shift(&mut self, step: Move) {
        self.factors[step.from][step.dim] /= step.prime;
        self.factors[step.to][step.dim] *= step.prime;
    }

    /// Moves all steps in time to where they may run outermost.
    pub(super) fn go_home(&mut self, problem: &Problem) {
        for dim in 0..problem.n_dims {
            let levels = self.factors[..problem.n_levels].iter_mut();
            let steps = levels.map(|factors| std::mem::replace(&mut factors[dim], 1)).product();
            if let Some(home) = problem.homes[dim] {
                self.factors[home][dim] = steps;
            }
        }
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
            for &dim in self.order[level][..problem.n_dims].iter().rev() {
                let dim = usize::from(dim);
                if self.factors[level][dim] > 1 {
                    entry.temporal.push(Loop::new(problem.name(dim), self.factors[level][dim]));
                }
            }
        }
        for position in problem.places() {
            let place = &problem.positions[position];
            let entry = &mut mapping.levels[place.level];
            let loops = if place.way == Way::X { &mut entry.spatial_x } else { &mut entry.spatial_y };
            for dim in 0..problem.n_dims {
                if self.factors[position][dim] > 1 {
                    loops.push(Loop::new(problem.name(dim), self.factors[position][dim]));
                }
            }
        }
    }
}

/// A prime factor of a dimension on its way from one position to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) dim: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) prime: u64,
}

impl Move {
    pub(super) fn reverse(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
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
        let share = |dim: usize| self.problem.sizes[dim] as f64 / candidate.padded[dim] as f64;
        Ok(Some(Best {
            useful_share: (0..self.problem.n_dims).map(share).product(),
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
        let einsum = self.problem.einsum.with_sizes(&self.problem.all_sizes(padded)).map_err(too_large)?;
        let evaluator = Evaluator::new(self.problem.architecture, &einsum, self.problem.quirks)?;
        self.models.push((*padded, evaluator));
        Ok(self.models.len() - 1)
    }
}
