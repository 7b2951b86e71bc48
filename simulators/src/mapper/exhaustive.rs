//! The search that proves its result: every unrolling, every division of the steps over the levels, every choice of what
//! is kept and every order, except where a lower bound says that nothing better can follow.

use super::candidate::{Candidate, Costing};
use super::estimate::{Estimate, Estimator};
use super::order;
use super::outcome::NoMapping;
use super::problem::Problem;
use super::unrolling;
use crate::loop_nest::{MAX_LEVELS, TensorSet};

/// What is better by less than this share is not looked for; covers the floating-point error of the bound.
const SLACK: f64 = 1e-9;

/// Improves what `costing` has found so far until no mapping is better.
///
/// # Errors
/// [`NoMapping::TooLarge`] after `max_evaluations`.
pub(super) fn search<'a>(
    problem: &'a Problem<'a>,
    costing: &mut Costing<'a>,
    max_evaluations: u64,
) -> Result<(), NoMapping> {
    let mut starts = Vec::new();
    let keeps = keeps(problem);
    let mut estimator = Estimator::new(problem);
    for mut unrolling in unrolling::all(problem) {
        // Factors in time are chosen below.
        for dim in 0..problem.n_dims {
            if let Some(home) = problem.homes[dim] {
                unrolling.factors[home][dim] = 1;
            }
        }
        for &keep in &keeps {
            unrolling.keep = keep;
            if let Some(bound) = estimator.bound(&unrolling, problem.n_levels) {
                starts.push((bound, unrolling.clone()));
            }
        }
    }
    // The most promising first, so that the rest is ruled out soon.
    let score = |bound: &Estimate| bound.score(problem.objective);
    starts.sort_by(|(a, _), (b, _)| score(a).0.total_cmp(&score(b).0));
    let mut search = Exhaustive { problem, estimator, costing, max_evaluations };
    for (bound, mut start) in starts {
        if search.can_improve(&bound) {
            search.divide(&mut start, problem.n_levels - 1, 0)?;
        }
    }
    Ok(())
}

/// Every choice of what the levels keep.
fn keeps(problem: &Problem) -> Vec<[TensorSet; MAX_LEVELS]> {
    let mut keeps = vec![problem.must_keep];
    for level in 0..problem.n_levels {
        for tensor in 0..problem.shapes.len() {
            if problem.may_keep[level].contains(tensor) && !problem.must_keep[level].contains(tensor) {
                let kept = keeps.clone().into_iter().map(|mut keep| {
                    keep[level] = keep[level].with(tensor);
                    keep
                });
                keeps.extend(kept.collect::<Vec<_>>());
            }
        }
    }
    keeps
}

struct Exhaustive<'a, 'b> {
    problem: &'a Problem<'a>,
    estimator: Estimator<'a>,
    costing: &'b mut Costing<'a>,
    max_evaluations: u64,
}

impl Exhaustive<'_, '_> {
    fn can_improve(&self, bound: &Estimate) -> bool {
        let (least, _) = bound.score(self.problem.objective);
        self.costing.best.as_ref().is_none_or(|(_, (best, _))| least < best * (1.0 - SLACK))
    }

    /// Tries all factors of `dim` at `level`, and of all that follow further inside.
    fn divide(&mut self, candidate: &mut Candidate, level: usize, dim: usize) -> Result<(), NoMapping> {
        if dim == self.problem.n_dims {
            let bound = self.estimator.bound(candidate, level);
            return match bound.filter(|bound| self.can_improve(bound)) {
                Some(_) if level == 0 => self.reorder(candidate, 1),
                Some(_) => self.divide(candidate, level - 1, 0),
                None => Ok(()),
            };
        }
        let left = self.left(candidate, level, dim);
        let may_run = self.problem.positions[level].dims.contains(dim);
        // The innermost level takes what is left.
        for factor in (1..=left).filter(|&factor| left.is_multiple_of(factor)) {
            if (factor == 1 || may_run) && (level > 0 || factor == left) {
                candidate.factors[level][dim] = factor;
                self.divide(candidate, level, dim + 1)?;
            }
        }
        candidate.factors[level][dim] = 1;
        Ok(())
    }

    /// Steps of `dim` that levels outside of `level` leave.
    fn left(&self, candidate: &Candidate, level: usize, dim: usize) -> u64 {
        let above = (level + 1..self.problem.n_levels).chain(self.problem.places());
        candidate.padded[dim] / above.map(|position| candidate.factors[position][dim]).product::<u64>()
    }

    /// Costs all orders of the levels from `level` outwards. Within the innermost level all cost the same.
    fn reorder(&mut self, candidate: &mut Candidate, level: usize) -> Result<(), NoMapping> {
        if level >= self.problem.n_levels {
            if self.costing.evaluated >= self.max_evaluations {
                return Err(NoMapping::TooLarge { evaluated: self.costing.evaluated });
            }
            return self.costing.cost(candidate).map(|_| ());
        }
        for order in order::distinct(self.problem, candidate, level) {
            candidate.order[level] = order;
            self.reorder(candidate, level + 1)?;
        }
        Ok(())
    }
}
