//! Ways to unroll a layer over the array: factors at every position over instances, and the padding that they need.

use super::candidate::Candidate;
use super::problem::{Problem, Way};
use crate::loop_nest::MAX_DIMS;

/// All unrollings of which no factor can be made smaller without more steps in time. Of two that differ only in that x
/// and y are exchanged, where that makes no difference, one is listed.
pub(super) fn all(problem: &Problem) -> Vec<Candidate> {
    let mut unrollings = Vec::new();
    fill(problem, &mut Candidate::new(problem), problem.n_levels, 0, &mut unrollings);
    unrollings
}

/// Tries all factors of `dim` at `position`, and of all that follow.
fn fill(
    problem: &Problem,
    candidate: &mut Candidate,
    position: usize,
    dim: usize,
    unrollings: &mut Vec<Candidate>,
) {
    if position == problem.positions.len() {
        if settle(problem, candidate) && is_canonical(problem, candidate) {
            unrollings.push(candidate.clone());
        }
        return;
    }
    if dim == problem.n_dims {
        return fill(problem, candidate, position + 1, 0, unrollings);
    }
    let place = problem.positions[position];
    let room = place.limit / candidate.width(problem, position);
    let most = if place.dims.contains(dim) { room.min(problem.sizes[dim]) } else { 1 };
    for factor in 1..=most {
        candidate.factors[position][dim] = factor;
        fill(problem, candidate, position, dim + 1, unrollings);
    }
    candidate.factors[position][dim] = 1;
}

/// Pads the dimensions to the array and leaves the steps at home. False if some factor is wider than it need be, or a
/// dimension has nowhere to run.
fn settle(problem: &Problem, candidate: &mut Candidate) -> bool {
    for dim in 0..problem.n_dims {
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

/// Whether this is the one to list of two unrollings that differ only in that x and y are exchanged.
fn is_canonical(problem: &Problem, candidate: &Candidate) -> bool {
    problem.places().skip(1).all(|y| {
        let (a, b) = (problem.positions[y - 1], problem.positions[y]);
        let network = &problem.architecture.levels()[b.level].network;
        let alike = a.level == b.level && a.limit == b.limit && a.dims == b.dims && b.way == Way::Y;
        let free = network.hop_j == 0.0 && network.router_j == 0.0 && !problem.costs[b.level].linked;
        !(alike && free) || candidate.factors[y - 1] >= candidate.factors[y]
    })
}

/// The unrollings of the fewest steps that a beam over the positions finds, the fewest first, with homes of all steps; then
/// the one that uses no array.
pub(super) fn fewest_steps(problem: &Problem, most: usize) -> Vec<Candidate> {
    let steps = problem.sizes[..problem.n_dims].iter().map(|&size| size as f64).product();
    let mut beam = vec![Partial { factors: Vec::new(), width: [1; MAX_DIMS], steps }];
    let mut extensions = Vec::new();
    for position in problem.places() {
        extensions.clear();
        for (parent, partial) in beam.iter().enumerate() {
            partial.extend(problem, position, parent, &mut extensions);
        }
        // Two loops may be listed in both orders, so twice as many are enough.
        let order = |a: &Extension, b: &Extension| a.steps.total_cmp(&b.steps).then(a.cmp_loops(b));
        if extensions.len() > 2 * most {
            extensions.select_nth_unstable_by(2 * most, order);
            extensions.truncate(2 * most);
        }
        extensions.sort_unstable_by(order);
        extensions.dedup_by(|a, b| a.cmp_loops(b).is_eq());
        extensions.truncate(most);
        beam = extensions.iter().map(|extension| beam[extension.parent].with(extension, position)).collect();
    }
    let mut unrollings = Vec::with_capacity(beam.len() + 1);
    for partial in &beam {
        let mut candidate = Candidate::new(problem);
        for &(position, (dim, factor)) in &partial.factors {
            candidate.factors[position][dim] = factor;
        }
        narrow(problem, &mut candidate);
        if settle(problem, &mut candidate) && is_canonical(problem, &candidate) {
            unrollings.push(candidate);
        }
    }
    let mut alone = Candidate::new(problem);
    if settle(problem, &mut alone) {
        unrollings.push(alone);
    }
    unrollings
}

/// Makes every factor as small as the steps allow.
fn narrow(problem: &Problem, candidate: &mut Candidate) {
    for dim in 0..problem.n_dims {
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

/// An unrolling whose first positions are decided.
struct Partial {
    /// Position, dimension and factor, where that is not 1.
    factors: Vec<(usize, (usize, u64))>,
    width: [u64; MAX_DIMS],
    /// Steps in time that are left.
    steps: f64,
}

/// What one position adds to a partial unrolling.
struct Extension {
    parent: usize,
    steps: f64,
    /// Dimensions and factors in the order of dimensions; a factor of 1 is none.
    loops: [(usize, u64); 2],
}

impl Extension {
    fn cmp_loops(&self, other: &Self) -> std::cmp::Ordering {
        (self.parent, self.loops).cmp(&(other.parent, other.loops))
    }
}

impl Partial {
    /// This unrolling with one dimension at `position`, or two, or none.
    fn extend(&self, problem: &Problem, position: usize, parent: usize, next: &mut Vec<Extension>) {
        let place = problem.positions[position];
        let none = Extension { parent, steps: self.steps, loops: [(0, 1); 2] };
        for first in place.dims.iter() {
            for width in self.widths(problem, first, place.limit) {
                let steps = self.steps_with(problem, self.steps, first, width);
                next.push(Extension { steps, loops: [(first, width), (first, 1)], ..none });
                let room = place.limit / width;
                for second in place.dims.without(first).iter().filter(|_| room > 1) {
                    if let Some(other) = self.widths(problem, second, room).next() {
                        let mut loops = [(first, width), (second, other)];
                        loops.sort_unstable();
                        let steps = self.steps_with(problem, steps, second, other);
                        next.push(Extension { steps, loops, ..none });
                    }
                }
            }
        }
        next.push(none);
    }

    /// What is left of `total` steps if another `factor` instances take points of `dim`.
    fn steps_with(&self, problem: &Problem, total: f64, dim: usize, factor: u64) -> f64 {
        let steps = |width: u64| problem.sizes[dim].div_ceil(width) as f64;
        total / steps(self.width[dim]) * steps(self.width[dim] * factor)
    }

    fn with(&self, extension: &Extension, position: usize) -> Self {
        let mut partial = Self { factors: self.factors.clone(), steps: extension.steps, ..*self };
        for (dim, factor) in extension.loops.into_iter().filter(|&(_, factor)| factor > 1) {
            partial.factors.push((position, (dim, factor)));
            partial.width[dim] *= factor;
        }
        partial
    }

    /// Factors of `dim` worth trying where `limit` instances are free: as many as the fewest steps need, and those that
    /// divide what is left; the largest first.
    fn widths(&self, problem: &Problem, dim: usize, limit: u64) -> impl Iterator<Item = u64> + use<> {
        let left = problem.sizes[dim].div_ceil(self.width[dim]);
        let fewest = left.div_ceil(left.div_ceil(limit.max(1)));
        let dividing =
            (2..=limit.min(left)).rev().filter(move |&width| width != fewest && left.is_multiple_of(width));
        std::iter::once(fewest).filter(|&width| width > 1).chain(dividing)
    }
}
