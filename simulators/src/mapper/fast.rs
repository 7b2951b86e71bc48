//! The search of bounded effort.
//!
//! 1. A beam finds unrollings of few steps ([`unrolling::fewest_steps`]); a lower bound and different paddings pick some.
//! 2. In each, tiles grow, from the outermost level inwards and from the innermost outwards, while that saves
//!    something by a guess of the cost that takes the best loop orders for granted ([`super::estimate`]).
//! 3. Tensors are kept or let pass one by one, the tiles growing anew each time, while the guess falls.
//! 4. From the best of these, prime factors move between levels and between time and space, one by one and in
//!    exchange for each other, and tensors are kept or let pass, while the guess falls; then at random, accepting
//!    what is a little worse, from a fixed stream of numbers; then downhill again.
//! 5. The model costs the results, and other loop orders, factors and choices of what is kept near the best.

use std::collections::BTreeMap;

use super::candidate::{Candidate, Costing};
use super::grow::{Grown, grown, rekeep};
use super::options::compare;
use super::outcome::NoMapping;
use super::problem::Problem;
use super::refinement::{order, refine};
use super::trial::{Score, Stream, Trial};
use super::unrolling;
use super::walk::{anneal, descend};

/// How much is tried, in each step of the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Unrollings that a beam keeps.
    unrollings: usize,
    /// Unrollings in which tiles are grown.
    grown: usize,
    /// How many of those grow anew with other tensors kept, and how often each.
    rekept: usize,
    regrown: u32,
    /// Grown candidates from which walks start.
    starts: usize,
    /// Guesses of one walk downhill.
    walk_guesses: u32,
    /// Results of walks that are changed at random.
    annealed: usize,
    /// Guesses of each of those.
    anneal_guesses: u32,
    /// Guesses of the last walk downhill.
    last_guesses: u32,
    /// Evaluations by the model.
    evaluations: u64,
}

/// Less than 2 ms on small layers.
pub(super) const FAST: Effort = Effort {
    unrollings: 100,
    grown: 8,
    rekept: 8,
    regrown: 12,
    starts: 6,
    walk_guesses: 60,
    annealed: 6,
    anneal_guesses: 300,
    last_guesses: 500,
    evaluations: 60,
};
/// Several times faster.
pub(super) const QUICK: Effort = Effort {
    unrollings: 24,
    grown: 4,
    rekept: 2,
    regrown: 8,
    starts: 2,
    walk_guesses: 40,
    annealed: 1,
    anneal_guesses: 100,
    last_guesses: 100,
    evaluations: 15,
};

/// Results that walk downhill once more at the end.
const FINISHED: usize = 2;

/// Puts the best mapping found into `costing`.
pub(super) fn search(problem: &Problem, costing: &mut Costing, effort: Effort) -> Result<(), NoMapping> {
    let mut starts: Vec<Grown> =
        promising(problem, effort).into_iter().filter_map(|candidate| grown(problem, candidate)).collect();
    starts.sort_by(|a, b| compare(a.score, b.score));
    for start in starts.iter_mut().take(effort.rekept) {
        rekeep(start, effort.regrown);
    }
    let mut starts: Vec<(Score, Trial)> =
        starts.into_iter().map(|start| (start.score, start.trial)).collect();
    sort(&mut starts);
    starts.truncate(effort.starts);
    for (score, trial) in &mut starts {
        *score = descend(trial, *score, effort.walk_guesses);
    }
    sort(&mut starts);
    let mut random = Stream(0);
    for index in 0..effort.annealed.min(starts.len()) {
        let (score, start) = &starts[index];
        let (score, best) = anneal(start, *score, effort.anneal_guesses, &mut random);
        starts.push((score, Trial::new(problem, best)));
    }
    sort(&mut starts);
    for (score, trial) in starts.iter_mut().take(FINISHED) {
        *score = descend(trial, *score, effort.last_guesses);
    }
    sort(&mut starts);
    for (_, trial) in starts.iter_mut().take(FINISHED) {
        costing.cost(&order(trial))?;
    }
    refine(problem, costing, effort.evaluations)
}

fn sort<T>(list: &mut [(Score, T)]) {
    list.sort_by(|&(a, _), &(b, _)| compare(a, b));
}

/// Unrollings of the least lower bounds whose smallest tiles fit.
fn promising(problem: &Problem, effort: Effort) -> Vec<Candidate> {
    let mut unrollings: Vec<(Score, Candidate)> = Vec::new();
    for unrolling in unrolling::fewest_steps(problem, effort.unrollings) {
        let mut trial = Trial::new(problem, unrolling);
        fit(&mut trial);
        if let Some(bound) = trial.bound().filter(|_| trial.score().is_some()) {
            unrollings.push((bound.score(problem.objective), trial.into_candidate()));
        }
    }
    sort(&mut unrollings);
    // Walks move factors but do not pad: those of one padding lead to the same places, so that a few will do.
    let quota = effort.grown.div_ceil(4);
    let mut n_by_padding = BTreeMap::new();
    let (mut chosen, spare): (Vec<_>, Vec<_>) =
        unrollings.into_iter().map(|(_, candidate)| candidate).partition(|candidate| {
            let n = n_by_padding.entry(candidate.padded).or_insert(0);
            *n += 1;
            *n <= quota
        });
    chosen.extend(spare);
    chosen.truncate(effort.grown);
    chosen
}

/// Lets tensors pass by that need not be kept, where the smallest tiles do not fit.
fn fit(trial: &mut Trial) {
    let problem = trial.problem;
    for level in 0..problem.n_levels {
        for tensor in 0..problem.shapes.len() {
            if trial.score().is_some() {
                return;
            }
            if !problem.must_keep[level].contains(tensor) {
                let keep = trial.candidate().keep[level].without(tensor);
                trial.keep(level, keep);
            }
        }
    }
}
