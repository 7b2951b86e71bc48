//! Tiles that grow factor by factor while that saves something.

use super::candidate::{Candidate, Move};
use super::options::{compare, is_better};
use super::problem::Problem;
use super::trial::{Score, Trial, primes};

/// Which level takes factors first.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The outermost but one.
    Inwards,
    /// The innermost.
    Outwards,
}

/// A candidate whose tiles have grown.
pub(super) struct Grown<'a> {
    pub(super) score: Score,
    pub(super) trial: Trial<'a>,
    way: Way,
}

/// The better of the two ways to grow the tiles of `candidate`; `None` if it does not fit as it is.
pub(super) fn grown<'a>(problem: &'a Problem<'a>, candidate: Candidate) -> Option<Grown<'a>> {
    let inwards = grow(Trial::new(problem, candidate.clone()), Way::Inwards)?;
    let outwards = grow(Trial::new(problem, candidate), Way::Outwards)?;
    Some(if is_better(outwards.score, inwards.score) { outwards } else { inwards })
}

/// Keeps tensors or lets them pass, one at a time, and grows the tiles anew, while that is better. At most `tries`
/// times.
pub(super) fn rekeep(start: &mut Grown, tries: u32) {
    let problem = start.trial.problem;
    let n_tensors = problem.shapes.len();
    let (mut bit, mut n_worse, mut n_tried) = (0, 0, 0);
    while n_worse < problem.n_levels * n_tensors && n_tried < tries {
        let (level, tensor) = (bit / n_tensors, bit % n_tensors);
        bit = (bit + 1) % (problem.n_levels * n_tensors);
        n_worse += 1;
        let Some(keep) = start.trial.toggled(level, tensor) else { continue };
        n_tried += 1;
        let mut candidate = start.trial.candidate().clone();
        candidate.keep[level] = keep;
        candidate.go_home(problem);
        if let Some(next) = grow(Trial::new(problem, candidate), start.way)
            && is_better(next.score, start.score)
        {
            *start = next;
            n_worse = 0;
        }
    }
}

/// Moves prime factors in time from levels further out to each level but the outermost, the most saving one first.
fn grow(mut trial: Trial, way: Way) -> Option<Grown> {
    let mut score = trial.score()?;
    let n_inner = trial.problem.n_levels - 1;
    for index in 0..n_inner {
        let level = match way {
            Way::Inwards => n_inner - 1 - index,
            Way::Outwards => index,
        };
        grow_level(&mut trial, level, &mut score);
    }
    Some(Grown { score, trial, way })
}

fn grow_level(trial: &mut Trial, level: usize, score: &mut Score) {
    const UNKNOWN: Score = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let problem = trial.problem;
    // What a factor of each dimension led to when it was tried last. A factor is tried again only once it is the most
    // promising, as what it saves mostly falls while the tile grows.
    let mut last: Vec<(Score, usize)> =
        problem.positions[level].dims.iter().map(|dim| (UNKNOWN, dim)).collect();
    while let Some(index) = (0..last.len()).min_by(|&a, &b| compare(last[a].0, last[b].0)) {
        let (_, dim) = last[index];
        let factors = &trial.candidate().factors;
        let from = (level + 1..problem.n_levels).find(|&from| factors[from][dim] > 1);
        let Some((from, prime)) = from.and_then(|from| Some((from, primes(factors[from][dim]).next()?)))
        else {
            last.swap_remove(index);
            continue;
        };
        let step = Move { dim, from, to: level, prime };
        trial.shift(step);
        let next = trial.score().filter(|&next| !is_better(*score, next));
        match next {
            Some(next) if last.iter().all(|&(other, d)| d == dim || !is_better(other, next)) => {
                *score = next;
                last[index].0 = UNKNOWN;
                continue;
            }
            Some(next) => last[index].0 = next,
            None => {
                last.swap_remove(index);
            }
        }
        trial.shift(step.reverse());
    }
}
