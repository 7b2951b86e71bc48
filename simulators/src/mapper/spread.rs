//! Ways to spread a layer over the array: factors at every position over instances, and the padding that they need.

use super::candidate::Candidate;
use super::problem::{MAX_POSITIONS, Problem, Way};
use crate::loop_nest::MAX_DIMS;

/// Spreads that the fast search keeps from one position to the next.
const BEAM: usize = 48;

/// All spreads of which no factor can be made smaller without more steps in time. Of two that differ only in that x
/// and y are exchanged, where that makes no difference, one is listed.
pub(super) fn all(problem: &Problem) -> Vec<Candidate> {
    let mut spreads = Vec::new();
    fill(problem, &mut Candidate::new(problem), problem.n_levels, 0, &mut spreads);
    spreads
}

/// Tries all factors of the dimension of index `next` at `position`, and of all that follow.
fn fill(
    problem: &Problem,
    candidate: &mut Candidate,
    position: usize,
    next: usize,
    spreads: &mut Vec<Candidate>,
) {
    if position == problem.positions.len() {
        if settle(problem, candidate) && is_canonical(problem, candidate) {
            spreads.push(candidate.clone());
        }
        return;
    }
    let Some(&dim) = problem.dims.get(next) else {
        return fill(problem, candidate, position + 1, 0, spreads);
    };
    let place = problem.positions[position];
    let room = place.limit / candidate.width(problem, position);
    let most = if place.dims.contains(dim) { room.min(problem.sizes[dim]) } else { 1 };
    for factor in 1..=most {
        candidate.factors[position][dim] = factor;
        fill(problem, candidate, position, next + 1, spreads);
    }
    candidate.factors[position][dim] = 1;
}

/// Pads the dimensions to the array and leaves the steps at home. False if some factor is wider than it need be, or a
/// dimension has nowhere to run.
fn settle(problem: &Problem, candidate: &mut Candidate) -> bool {
    for &dim in &problem.dims {
        let size = problem.sizes[dim];
        let width: u64 = problem.places().map(|position| candidate.factors[position][dim]).product();
        let steps = size.div_ceil(width);
        for position in problem.places() {
            let factor = candidate.factors[position][dim];
            if factor > 1 && size.div_ceil(width / factor * (factor - 1)) == steps {
                return false;
            }
        }
        candidate.padded[dim] = steps * width;
        match problem.homes[dim] {
            Some(home) => candidate.factors[home][dim] = steps,
            None if steps > 1 => return false,
            None => {}
        }
    }
    true
}

/// Whether this is the one to list of two spreads that differ only in that x and y are exchanged.
fn is_canonical(problem: &Problem, candidate: &Candidate) -> bool {
    problem.places().skip(1).all(|y| {
        let (a, b) = (problem.positions[y - 1], problem.positions[y]);
        let network = &problem.architecture.levels()[b.level].network;
        let alike = a.level == b.level && a.limit == b.limit && a.dims == b.dims && b.way == Way::Y;
        let free = network.hop_j == 0.0 && network.router_j == 0.0 && !problem.costs[b.level].linked;
        !(alike && free) || candidate.factors[y - 1] >= candidate.factors[y]
    })
}

/// The spreads of the fewest steps that a beam over the positions finds, the fewest first, with homes of all steps.
pub(super) fn fewest_steps(problem: &Problem) -> Vec<Candidate> {
    let mut beam =
        vec![Partial { factors: [[1; MAX_DIMS]; MAX_POSITIONS], width: [1; MAX_DIMS], steps: 0.0 }];
    for position in problem.places() {
        let mut next = Vec::with_capacity(beam.len() * 16);
        for partial in &beam {
            partial.extend(problem, position, &mut next);
        }
        next.sort_by(|a, b| a.steps.total_cmp(&b.steps).then_with(|| b.width.cmp(&a.width)));
        next.dedup_by(|a, b| a.factors == b.factors);
        next.truncate(BEAM);
        beam = next;
    }
    let mut spreads = Vec::with_capacity(beam.len() + 1);
    for partial in &beam {
        let mut candidate = Candidate::new(problem);
        candidate.factors = partial.factors;
        narrow(problem, &mut candidate);
        if settle(problem, &mut candidate) && is_canonical(problem, &candidate) {
            spreads.push(candidate);
        }
    }
    let mut alone = Candidate::new(problem);
    if settle(problem, &mut alone) {
        spreads.push(alone);
    }
    spreads
}

/// Makes every factor as small as the steps allow.
fn narrow(problem: &Problem, candidate: &mut Candidate) {
    for &dim in &problem.dims {
        let size = problem.sizes[dim];
        let mut width: u64 = problem.places().map(|position| candidate.factors[position][dim]).product();
        let steps = size.div_ceil(width);
        for position in problem.places() {
            let others = width / candidate.factors[position][dim];
            let factor = size.div_ceil(steps).div_ceil(others);
            candidate.factors[position][dim] = factor;
            width = others * factor;
        }
    }
}

/// A spread whose first positions are decided.
#[derive(Clone)]
struct Partial {
    factors: [[u64; MAX_DIMS]; MAX_POSITIONS],
    width: [u64; MAX_DIMS],
    /// Steps in time that are left.
    steps: f64,
}

impl Partial {
    /// This spread with one dimension at `position`, or two, or none.
    fn extend(&self, problem: &Problem, position: usize, next: &mut Vec<Self>) {
        let place = problem.positions[position];
        self.push(problem, position, &[], next);
        for &first in problem.dims.iter().filter(|&&dim| place.dims.contains(dim)) {
            for width in self.widths(problem, first, place.limit) {
                self.push(problem, position, &[(first, width)], next);
                for &second in problem.dims.iter().filter(|&&dim| dim != first && place.dims.contains(dim)) {
                    let room = place.limit / width;
                    if let Some(other) = self.widths(problem, second, room).next().filter(|_| room > 1) {
                        self.push(problem, position, &[(first, width), (second, other)], next);
                    }
                }
            }
        }
    }

    /// Factors of `dim` worth trying where `limit` instances are free: as many as the fewest steps need, and the
    /// largest that divides what is left.
    fn widths(&self, problem: &Problem, dim: usize, limit: u64) -> impl Iterator<Item = u64> + use<> {
        let left = problem.sizes[dim].div_ceil(self.width[dim]);
        let fewest = left.div_ceil(left.div_ceil(limit.max(1)));
        let dividing = (1..=limit.min(left)).rev().find(|&width| left.is_multiple_of(width)).unwrap_or(1);
        [Some(fewest), (dividing != fewest).then_some(dividing)]
            .into_iter()
            .flatten()
            .filter(|&width| width > 1)
    }

    fn push(&self, problem: &Problem, position: usize, loops: &[(usize, u64)], next: &mut Vec<Self>) {
        let mut partial = self.clone();
        for &(dim, factor) in loops {
            partial.factors[position][dim] = factor;
            partial.width[dim] *= factor;
        }
        let steps = |&dim: &usize| problem.sizes[dim].div_ceil(partial.width[dim]) as f64;
        partial.steps = problem.dims.iter().map(steps).product();
        next.push(partial);
    }
}
