//! Orders of the loops of a level that can differ in cost.

use super::candidate::Candidate;
use super::problem::Problem;
use crate::loop_nest::MAX_DIMS;

/// Every order of the loops of `level`, one of each set that is seen to cost the same.
///
/// Neighbouring loops that move the same tensors can be exchanged, and so can all loops outside of one that moved
/// every tensor, unless tiles overlap: how much of a window stays depends on the order. Where neighbours hand words to
/// each other, all orders differ.
pub(super) fn distinct(problem: &Problem, candidate: &Candidate, level: usize) -> Vec<[u8; MAX_DIMS]> {
    let loops: Vec<usize> = (0..problem.n_dims).filter(|&dim| candidate.factors[level][dim] > 1).collect();
    let mut order = candidate.order[level];
    // Loops of one iteration stand outside, where they change nothing.
    let idle = (0..problem.n_dims).filter(|&dim| candidate.factors[level][dim] == 1);
    order[loops.len()..].iter_mut().zip(idle).for_each(|(slot, dim)| *slot = dim as u8);
    let mut orders = Vec::new();
    extend(problem, &loops, 0, &mut order, &mut orders);
    orders
}

fn extend(
    problem: &Problem,
    loops: &[usize],
    placed: usize,
    order: &mut [u8; MAX_DIMS],
    orders: &mut Vec<[u8; MAX_DIMS]>,
) {
    if placed == loops.len() {
        orders.push(*order);
        return;
    }
    for &dim in loops {
        let inner = &order[..placed];
        if inner.contains(&(dim as u8)) {
            continue;
        }
        let exchanged = inner.split_last().is_some_and(|(&last, before)| {
            dim < usize::from(last) && can_exchange(problem, before, usize::from(last), dim)
        });
        if !exchanged {
            order[placed] = dim as u8;
            extend(problem, loops, placed + 1, order, orders);
        }
    }
}

/// Whether loop `a` right inside `b` costs the same as `b` right inside `a`, both outside of `inner`.
fn can_exchange(problem: &Problem, inner: &[u8], a: usize, b: usize) -> bool {
    if problem.costs.iter().any(|cost| cost.linked) {
        return false;
    }
    problem.shapes.iter().all(|shape| {
        let moved = inner.iter().any(|&dim| shape.uses.contains(usize::from(dim)));
        let alike = shape.uses.contains(a) == shape.uses.contains(b);
        alike && !shape.slides_along(a) && !shape.slides_along(b) || moved && !shape.slides
    })
}
