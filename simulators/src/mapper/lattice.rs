//! Tile sizes of one unrolling as a lattice: how often the loops outside of a level run, by dimension.
//!
//! A state is a vector of trips, one divisor of the steps for each dimension; state 0 is the level around which nothing
//! runs. A level inside has a state that is a multiple in every dimension.

use super::constraints::DimSet;
use super::problem::Problem;
use crate::loop_nest::MAX_DIMS;

/// The states of one unrolling.
#[derive(Clone)]
pub(super) struct Lattice {
    /// By dimension: the divisors of its steps, the least first.
    divisors: Vec<Vec<u64>>,
    /// By dimension and divisor: the larger divisors that are multiples of it.
    multiples: Vec<Vec<Vec<usize>>>,
    strides: [usize; MAX_DIMS],
    n_states: usize,
}

impl Lattice {
    /// All states of `steps` in time, or if there are more than `most`, those of some of the divisors.
    pub(super) fn new(problem: &Problem, steps: &[u64; MAX_DIMS], most: usize) -> Self {
        let mut divisors: Vec<Vec<u64>> =
            steps[..problem.n_dims].iter().map(|&steps| divisors(steps)).collect();
        while divisors.iter().map(Vec::len).product::<usize>() > most {
            let longest = divisors.iter_mut().max_by_key(|list| list.len());
            let Some(list) = longest.filter(|list| list.len() > 2) else { break };
            thin(list);
        }
        let multiples = divisors.iter().map(|list| {
            let larger = |index: usize| {
                let above = index + 1..list.len();
                above.filter(|&other| list[other].is_multiple_of(list[index])).collect()
            };
            (0..list.len()).map(larger).collect()
        });
        let multiples = multiples.collect();
        let (mut strides, mut n_states) = ([1; MAX_DIMS], 1);
        for (stride, list) in strides.iter_mut().zip(&divisors) {
            *stride = n_states;
            n_states *= list.len();
        }
        Self { divisors, multiples, strides, n_states }
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.n_states
    }

    /// The state at which nothing is left to run.
    pub(super) fn last(&self) -> usize {
        self.n_states - 1
    }

    fn digit(&self, state: usize, dim: usize) -> usize {
        state / self.strides[dim] % self.divisors[dim].len()
    }

    /// Trips of `dim` at `state`.
    pub(super) fn trips(&self, state: usize, dim: usize) -> u64 {
        self.divisors[dim][self.digit(state, dim)]
    }

    /// Puts `state` and all its multiples in the dimensions `dims` into `states`.
    pub(super) fn within(&self, state: usize, dims: DimSet, states: &mut Vec<usize>) {
        states.clear();
        states.push(state);
        for dim in dims.iter() {
            let (digit, n_before) = (self.digit(state, dim), states.len());
            for &other in &self.multiples[dim][digit] {
                let offset = (other - digit) * self.strides[dim];
                for index in 0..n_before {
                    states.push(states[index] + offset);
                }
            }
        }
    }

    /// The states apart by what they have in the dimensions `apart`.
    pub(super) fn slabs(&self, apart: DimSet) -> Slabs {
        let inside = |dim: usize| !apart.contains(dim);
        let mut lattice = Self { n_states: 1, ..self.clone() };
        for dim in 0..self.divisors.len() {
            if !inside(dim) {
                lattice.divisors[dim].truncate(1);
                lattice.multiples[dim] = vec![Vec::new()];
            }
            lattice.strides[dim] = lattice.n_states;
            lattice.n_states *= lattice.divisors[dim].len();
        }
        let at = |dims: &dyn Fn(usize) -> bool| -> Vec<usize> {
            let mut offsets = vec![0];
            for dim in (0..self.divisors.len()).filter(|&dim| dims(dim)) {
                let digits = 0..self.divisors[dim].len();
                let add = |digit: usize| {
                    offsets.iter().map(move |offset| offset + digit * self.strides[dim]).collect::<Vec<_>>()
                };
                offsets = digits.flat_map(add).collect();
            }
            offsets
        };
        Slabs { starts: at(&|dim| !inside(dim)), offsets: at(&inside), lattice }
    }

    /// Makes every value the least of those at its state and all multiples of it in the dimensions `dims`.
    pub(super) fn least_within(&self, dims: DimSet, values: &mut [f64]) {
        for dim in dims.iter() {
            let (stride, n) = (self.strides[dim], self.divisors[dim].len());
            for block in values.chunks_exact_mut(stride * n) {
                for (digit, multiples) in self.multiples[dim].iter().enumerate() {
                    // Multiples are larger, so they still have the values that they came with.
                    for &other in multiples {
                        let (low, high) = block.split_at_mut(other * stride);
                        let here = &mut low[digit * stride..(digit + 1) * stride];
                        here.iter_mut()
                            .zip(&high[..stride])
                            .for_each(|(a, &b)| *a = if b < *a { b } else { *a });
                    }
                }
            }
        }
    }
}

/// Parts of a lattice that agree in some dimensions.
pub(super) struct Slabs {
    /// The first state of each.
    pub(super) starts: Vec<usize>,
    /// From there to each state of a slab, in the order of its own lattice.
    pub(super) offsets: Vec<usize>,
    /// A slab by itself.
    pub(super) lattice: Lattice,
}

/// Drops every other divisor, but neither the first nor the last.
fn thin(list: &mut Vec<u64>) {
    let last = list.len() - 1;
    let mut index = 0;
    list.retain(|_| {
        index += 1;
        (index - 1) % 2 == 0 || index - 1 == last
    });
}

fn divisors(n: u64) -> Vec<u64> {
    let small: Vec<u64> = (1..).take_while(|d| d * d <= n).filter(|&d| n.is_multiple_of(d)).collect();
    let large = small.iter().rev().map(|&d| n / d).filter(|d| d * d > n);
    small.iter().copied().chain(large).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_are_listed_once_and_in_order() {
        assert_eq!(divisors(1), [1]);
        assert_eq!(divisors(36), [1, 2, 3, 4, 6, 9, 12, 18, 36]);
        assert_eq!(divisors(97), [1, 97]);
    }

    #[test]
    fn thinned_divisors_still_begin_and_end_as_they_did() {
        let thinned = |n| {
            let mut list = divisors(n);
            thin(&mut list);
            list
        };
        assert_eq!(thinned(36), [1, 3, 6, 12, 36]);
        assert_eq!(thinned(8), [1, 4, 8]);
        assert_eq!(thinned(4), [1, 4]);
    }
}
