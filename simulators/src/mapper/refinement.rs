//! The last step of a search: the model judges the neighbours of the best candidate.

use super::candidate::{Candidate, Costing};
use super::options::is_better;
use super::outcome::NoMapping;
use super::problem::Problem;
use super::trial::{Trial, toggled};

/// The candidate of `trial`, the loops of every level in the order that the guess has: the best dimension innermost,
/// then those that leave the same tensors where they are.
pub(super) fn order(trial: &mut Trial) -> Candidate {
    let (problem, mut candidate) = (trial.problem, trial.candidate().clone());
    let Some(guess) = trial.guess() else { return candidate };
    for level in 1..problem.n_levels {
        let Some(innermost) = guess.innermost[level] else { continue };
        let stay = |dim: usize| {
            let stays = problem.shapes.iter().filter(|shape| !shape.uses.contains(usize::from(innermost)));
            stays.filter(|shape| !shape.uses.contains(dim)).count()
        };
        let order = &mut candidate.order[level][..problem.n_dims];
        order.sort_by_key(|&dim| (dim != innermost, std::cmp::Reverse(stay(usize::from(dim))), dim));
    }
    candidate
}

/// Lets the model judge the neighbours of the best candidate until none is better or the evaluations are used up.
pub(super) fn refine(problem: &Problem, costing: &mut Costing, evaluations: u64) -> Result<(), NoMapping> {
    while let Some((start, before)) = costing.best.clone() {
        reorder(problem, costing, &start, evaluations)?;
        let Some((start, _)) = costing.best.clone() else { break };
        let moves = Trial::new(problem, start.clone()).moves();
        let mut trial = start.clone();
        for step in moves {
            if costing.evaluated >= evaluations {
                return Ok(());
            }
            trial.shift(step);
            costing.cost(&trial)?;
            trial.shift(step.reverse());
        }
        for level in 0..problem.n_levels {
            for tensor in 0..problem.shapes.len() {
                if let Some(keep) = toggled(problem, &start, level, tensor) {
                    trial.keep[level] = keep;
                    costing.cost(&trial)?;
                    trial.keep[level] = start.keep[level];
                }
            }
        }
        if !costing.best.as_ref().is_some_and(|(_, after)| is_better(*after, before)) {
            break;
        }
    }
    Ok(())
}

/// Tries every loop of every level as the innermost.
fn reorder(
    problem: &Problem,
    costing: &mut Costing,
    start: &Candidate,
    evaluations: u64,
) -> Result<(), NoMapping> {
    let mut base = start.clone();
    for level in 1..problem.n_levels {
        for dim in (0..problem.n_dims).filter(|&dim| start.factors[level][dim] > 1) {
            if costing.evaluated >= evaluations {
                return Ok(());
            }
            let mut trial = base.clone();
            trial.pull_in(level, dim, problem.n_dims);
            if trial.order[level] != base.order[level] {
                costing.cost(&trial)?;
            }
        }
        if let Some((best, _)) = &costing.best {
            base = best.clone();
        }
    }
    Ok(())
}
