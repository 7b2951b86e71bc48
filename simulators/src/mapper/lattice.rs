//! Tile sizes of one unrolling as a lattice: how often the loops outside of a level run, by dimension.
//!
//! A state is a vector of trips, one divisor of the steps for each dimension; state 0 is the level around which nothing
//! runs. A level inside has a state that is a multiple in every dimension.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::constraints::DimSet;
use super::problem::Problem;
use crate::loop_nest::MAX_DIMS;

/// The divisors of a number of steps, or some of them.
pub(super) struct Chain {
    /// The least first.
    divisors: Vec<u64>,
    /// By divisor: the larger divisors that are multiples of it.
    multiples: Vec<Vec<usize>>,
    /// Divisors, the largest first, each with a multiple between which and it there is no other.
    covers: Vec<(usize, usize)>,
}

impl Chain {
    /// All divisors of `steps`, every other one of which was dropped `thinned` times.
    fn new(steps: u64, thinned: u32) -> Self {
        let mut divisors = divisors(steps);
        (0..thinned).for_each(|_| thin(&mut divisors));
        let larger = |index: usize| {
            let above = index + 1..divisors.len();
            above.filter(|&other| divisors[other].is_multiple_of(divisors[index])).collect()
        };
        let multiples: Vec<Vec<usize>> = (0..divisors.len()).map(larger).collect();
        let mut covers = Vec::new();
        for (index, above) in multiples.iter().enumerate().rev() {
            let is_next = |other: &&usize| above.iter().all(|between| !multiples[*between].contains(other));
            covers.extend(above.iter().filter(is_next).map(|&other| (index, other)));
        }
        Self { divisors, multiples, covers }
    }
}

/// The chains that were asked for, by steps and how often they were thinned.
#[derive(Default)]
pub(super) struct Chains(BTreeMap<(u64, u32), Rc<Chain>>);

impl Chains {
    fn get(&mut self, steps: u64, thinned: u32) -> Rc<Chain> {
        Rc::clone(self.0.entry((steps, thinned)).or_insert_with(|| Rc::new(Chain::new(steps, thinned))))
    }
}

/// The states of one unrolling.
pub(super) struct Lattice {
    /// By dimension.
    chains: Vec<Rc<Chain>>,
    strides: [usize; MAX_DIMS],
    n_states: usize,
    is_thinned: bool,
}

impl Lattice {
    /// All states of `steps` in time, or if there are more than `most`, those of some of the divisors.
    pub(super) fn new(problem: &Problem, steps: &[u64; MAX_DIMS], most: usize, known: &mut Chains) -> Self {
        let mut thinned = [0; MAX_DIMS];
        let steps = &steps[..problem.n_dims];
        let mut chains: Vec<Rc<Chain>> = steps.iter().map(|&steps| known.get(steps, 0)).collect();
        let n_states = |chains: &[Rc<Chain>]| {
            chains.iter().fold(1usize, |n, chain| n.saturating_mul(chain.divisors.len()))
        };
        while n_states(&chains) > most {
            let longest = (0..chains.len()).max_by_key(|&dim| chains[dim].divisors.len());
            let Some(dim) = longest.filter(|&dim| chains[dim].divisors.len() > 2) else { break };
            thinned[dim] += 1;
            chains[dim] = known.get(steps[dim], thinned[dim]);
        }
        let (mut strides, mut n_states) = ([1; MAX_DIMS], 1);
        for (stride, chain) in strides.iter_mut().zip(&chains) {
            *stride = n_states;
            n_states *= chain.divisors.len();
        }
        Self { chains, strides, n_states, is_thinned: thinned != [0; MAX_DIMS] }
    }

    /// Whether some sizes of tiles were left out.
    pub(super) fn is_thinned(&self) -> bool {
        self.is_thinned
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
        state / self.strides[dim] % self.chains[dim].divisors.len()
    }

    /// Trips of `dim` at `state`.
    pub(super) fn trips(&self, state: usize, dim: usize) -> u64 {
        self.chains[dim].divisors[self.digit(state, dim)]
    }

    /// Every state's index among what is left of the states in the dimensions `dims`, and one state with each.
    pub(super) fn projected(&self, dims: DimSet) -> (Vec<u32>, Vec<usize>) {
        let (mut strides, mut n) = ([0; MAX_DIMS], 1);
        for dim in dims.iter() {
            strides[dim] = n;
            n *= self.chains[dim].divisors.len();
        }
        let mut indices = vec![0u32];
        for (dim, chain) in self.chains.iter().enumerate() {
            let n_before = indices.len();
            for digit in 1..chain.divisors.len() {
                for index in 0..n_before {
                    indices.push(indices[index] + (digit * strides[dim]) as u32);
                }
            }
        }
        let mut states = vec![0];
        for dim in dims.iter() {
            let n_before = states.len();
            for digit in 1..self.chains[dim].divisors.len() {
                for index in 0..n_before {
                    states.push(states[index] + digit * self.strides[dim]);
                }
            }
        }
        (indices, states)
    }

    /// Puts `state` and all its multiples in the dimensions `dims` into `states`.
    pub(super) fn within(&self, state: usize, dims: DimSet, states: &mut Vec<usize>) {
        states.clear();
        states.push(state);
        for dim in dims.iter() {
            let (digit, n_before) = (self.digit(state, dim), states.len());
            for &other in &self.chains[dim].multiples[digit] {
                let offset = (other - digit) * self.strides[dim];
                for index in 0..n_before {
                    states.push(states[index] + offset);
                }
            }
        }
    }

    /// Calls `visit` with every state and its trips by dimension.
    pub(super) fn for_each_state(&self, mut visit: impl FnMut(usize, &[u64; MAX_DIMS])) {
        let (mut digits, mut trips) = ([0; MAX_DIMS], [1; MAX_DIMS]);
        for state in 0..self.n_states {
            visit(state, &trips);
            for (dim, chain) in self.chains.iter().enumerate() {
                digits[dim] += 1;
                if digits[dim] < chain.divisors.len() {
                    trips[dim] = chain.divisors[digits[dim]];
                    break;
                }
                (digits[dim], trips[dim]) = (0, 1);
            }
        }
    }

    /// The states apart by what they have in the dimensions `apart`.
    pub(super) fn slabs(&self, apart: DimSet) -> Slabs {
        let mut slabs = Slabs { starts: vec![0], offsets: vec![0], strides: [0; MAX_DIMS] };
        for (dim, chain) in self.chains.iter().enumerate() {
            let offsets = if apart.contains(dim) { &mut slabs.starts } else { &mut slabs.offsets };
            slabs.strides[dim] = offsets.len();
            let n_before = offsets.len();
            for digit in 1..chain.divisors.len() {
                for index in 0..n_before {
                    offsets.push(offsets[index] + digit * self.strides[dim]);
                }
            }
        }
        slabs
    }

    /// Makes every value the least of those at its state and all multiples of it in the dimensions `dims`.
    pub(super) fn least_within(&self, dims: DimSet, values: &mut [f64]) {
        self.least_by_strides(dims, &self.strides, values);
    }

    /// The same for the values of one slab, `dims` being none of those that tell slabs apart.
    pub(super) fn least_within_slab(&self, dims: DimSet, slabs: &Slabs, values: &mut [f64]) {
        self.least_by_strides(dims, &slabs.strides, values);
    }

    fn least_by_strides(&self, dims: DimSet, strides: &[usize; MAX_DIMS], values: &mut [f64]) {
        for dim in dims.iter() {
            let (stride, chain) = (strides[dim], &self.chains[dim]);
            // Larger divisors come first, so that the least of all multiples is handed down from one to the next.
            for block in values.chunks_exact_mut(stride * chain.divisors.len()) {
                match stride {
                    1 => {
                        for &(digit, other) in &chain.covers {
                            block[digit] = lesser(block[digit], block[other]);
                        }
                    }
                    _ => {
                        for &(digit, other) in &chain.covers {
                            let (low, high) = block.split_at_mut(other * stride);
                            let here = &mut low[digit * stride..(digit + 1) * stride];
                            here.iter_mut().zip(&high[..stride]).for_each(|(a, &b)| *a = lesser(*a, b));
                        }
                    }
                }
            }
        }
    }
}

/// Without the care for NaN of [`f64::min`], which no cost is.
#[inline]
fn lesser(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// Parts of a lattice that agree in some dimensions.
pub(super) struct Slabs {
    /// The first state of each.
    pub(super) starts: Vec<usize>,
    /// From there to each state of a slab, in the order of its own lattice.
    pub(super) offsets: Vec<usize>,
    /// Distance of neighbours in each dimension within a slab.
    strides: [usize; MAX_DIMS],
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

    // Claim: what is handed down from divisor to divisor is the least of all multiples, of thinned chains too, along any dimension.
    #[test]
    fn the_least_over_multiples_is_that_of_a_scan() {
        for (steps, thinned) in
            [([36, 8], [0, 0]), ([360, 30], [1, 0]), ([5040, 64], [2, 1]), ([1, 97], [0, 0])]
        {
            let chains: Vec<Rc<Chain>> = steps
                .iter()
                .zip(thinned)
                .map(|(&steps, thinned)| Rc::new(Chain::new(steps, thinned)))
                .collect();
            let [n, m] = [0, 1].map(|dim| chains[dim].divisors.len());
            let mut strides = [1; MAX_DIMS];
            strides[1] = n;
            let lattice = Lattice { chains, strides, n_states: n * m, is_thinned: true };
            // Any numbers without an order.
            let values: Vec<f64> = (0..n * m).map(|state| (state * 7919 % 1013) as f64).collect();
            for dims in [DimSet::EMPTY.with(0), DimSet::EMPTY.with(1), DimSet::EMPTY.with(0).with(1)] {
                let mut least = values.clone();
                lattice.least_within(dims, &mut least);
                let mut states = Vec::new();
                for (state, &least) in least.iter().enumerate() {
                    lattice.within(state, dims, &mut states);
                    let scanned = states.iter().map(|&state| values[state]).fold(f64::INFINITY, f64::min);
                    assert_eq!(least, scanned, "{steps:?} {dims:?} {state}");
                }
            }
        }
    }

    // Claim: states with one index agree in the dimensions, and the state that stands for an index has it.
    #[test]
    fn projected_states_agree_in_their_dimensions() {
        let chains: Vec<Rc<Chain>> = [12, 4, 9].map(|steps| Rc::new(Chain::new(steps, 0))).to_vec();
        let mut strides = [1; MAX_DIMS];
        strides[1] = 6;
        strides[2] = 18;
        let lattice = Lattice { chains, strides, n_states: 54, is_thinned: false };
        let dims = DimSet::EMPTY.with(0).with(2);
        let (indices, states) = lattice.projected(dims);
        assert_eq!((indices.len(), states.len()), (54, 18));
        for (state, &index) in indices.iter().enumerate() {
            let other = states[index as usize];
            assert_eq!(indices[other], index);
            assert!(dims.iter().all(|dim| lattice.trips(state, dim) == lattice.trips(other, dim)), "{state}");
        }
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
