//! A candidate under change: what may move, and what each change makes of the guess.

use super::candidate::{Candidate, Move};
use super::estimate::{Estimate, Estimator};
use super::problem::{MAX_POSITIONS, Problem, Way};
use super::tiling::Tiling;
use crate::loop_nest::{MAX_DIMS, TensorSet};

/// What is least, and what decides among equals.
pub(super) type Score = (f64, f64);

/// Tries to find something at random to do.
const TRIES: usize = 8;

/// A candidate with its tiling.
pub(super) struct Trial<'a> {
    pub(super) problem: &'a Problem<'a>,
    candidate: Candidate,
    tiling: Tiling,
    estimator: Estimator<'a>,
    /// The prime factors of each dimension.
    primes: Vec<(usize, u64)>,
    /// Positions where each dimension runs, and where it may.
    runs: [Positions; MAX_DIMS],
    may_run: [Positions; MAX_DIMS],
}

impl<'a> Trial<'a> {
    pub(super) fn new(problem: &'a Problem<'a>, candidate: Candidate) -> Self {
        let (mut runs, mut may_run) = ([Positions::NONE; MAX_DIMS], [Positions::NONE; MAX_DIMS]);
        let mut primes_of = Vec::with_capacity(2 * problem.n_dims);
        for dim in 0..problem.n_dims {
            primes_of.extend(primes(candidate.padded[dim]).map(|prime| (dim, prime)));
            for (position, place) in problem.positions.iter().enumerate() {
                runs[dim].set(position, candidate.factors[position][dim] > 1);
                may_run[dim].set(position, place.dims.contains(dim));
            }
        }
        let tiling = Tiling::new(problem, &candidate, 0);
        let estimator = Estimator::new(problem);
        Self { problem, candidate, tiling, estimator, primes: primes_of, runs, may_run }
    }

    pub(super) fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    pub(super) fn into_candidate(self) -> Candidate {
        self.candidate
    }

    pub(super) fn guess(&mut self) -> Option<Estimate> {
        self.estimator.guess(&self.candidate, &self.tiling)
    }

    pub(super) fn score(&mut self) -> Option<Score> {
        self.guess().map(|guess| guess.score(self.problem.objective))
    }

    pub(super) fn shift(&mut self, step: Move) {
        self.tiling.shift(self.problem, &mut self.candidate, step);
        for position in [step.from, step.to] {
            self.runs[step.dim].set(position, self.candidate.factors[position][step.dim] > 1);
        }
    }

    /// Whether there is a factor to move, and room for it.
    pub(super) fn allows(&self, step: Move) -> bool {
        self.can_run(step) && self.width(step.to) * step.prime as f64 <= self.limit(step.to)
    }

    fn can_run(&self, Move { dim, from, to, prime }: Move) -> bool {
        self.candidate.factors[from][dim].is_multiple_of(prime) && self.may_run[dim].has(to)
    }

    /// Iterations over instances at `position`; 1 in time, where there is no limit.
    fn width(&self, position: usize) -> f64 {
        let place = &self.problem.positions[position];
        match place.way {
            Way::Time => 1.0,
            Way::X => self.tiling.across[place.level][0],
            Way::Y => self.tiling.across[place.level][1],
        }
    }

    fn limit(&self, position: usize) -> f64 {
        self.problem.positions[position].limit as f64
    }

    /// What the unrolling costs at least, however its steps in time are divided.
    pub(super) fn bound(&mut self) -> Option<Estimate> {
        self.estimator.bound(&self.candidate, self.problem.n_levels)
    }

    /// Every single move.
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves = self.exchangeable();
        moves.retain(|&step| self.allows(step));
        moves
    }

    /// Every move that there may be room for once another goes back the same way.
    pub(super) fn exchangeable(&self) -> Vec<Move> {
        let mut moves = Vec::with_capacity(64);
        for &(dim, prime) in &self.primes {
            for from in self.runs[dim].iter() {
                let to = self.may_run[dim].iter().filter(|&to| to != from);
                let steps = to.map(|to| Move { dim, from, to, prime });
                moves.extend(steps.filter(|&step| self.can_run(step)));
            }
        }
        moves
    }

    /// Whether one move goes back the way of the other, with another dimension, and both have room then.
    pub(super) fn can_exchange(&self, one: Move, other: Move) -> bool {
        let ratio = one.prime as f64 / other.prime as f64;
        one.from == other.to
            && one.to == other.from
            && one.dim != other.dim
            && self.width(one.to) * ratio <= self.limit(one.to)
            && self.width(one.from) <= self.limit(one.from) * ratio
    }

    /// Some move, or none if none was found.
    pub(super) fn any_move(&self, random: &mut Stream) -> Option<Move> {
        (0..TRIES).find_map(|_| {
            let step = self.any_step(random)?;
            self.allows(step).then_some(step)
        })
    }

    /// Some two moves that take each other's way, or none if none were found.
    pub(super) fn any_exchange(&self, random: &mut Stream) -> Option<[Move; 2]> {
        (0..TRIES).find_map(|_| {
            let one = self.any_step(random)?;
            let (dim, prime) = self.primes[random.below(self.primes.len())];
            let other = Move { dim, from: one.to, to: one.from, prime };
            let is_there = self.can_run(one) && self.runs[dim].has(one.to) && self.can_run(other);
            (is_there && self.can_exchange(one, other)).then_some([one, other])
        })
    }

    /// A factor that runs somewhere, and somewhere else where its dimension may run.
    fn any_step(&self, random: &mut Stream) -> Option<Move> {
        if self.primes.is_empty() {
            return None;
        }
        let n_positions = self.problem.positions.len();
        let (dim, prime) = self.primes[random.below(self.primes.len())];
        let from = self.runs[dim].next(random.below(n_positions));
        let to = self.may_run[dim].next(random.below(n_positions));
        (from != to).then_some(Move { dim, from, to, prime })
    }

    /// What `level` keeps if it keeps `tensor` where it did not, or lets it pass where it did; if that is allowed.
    pub(super) fn toggled(&self, level: usize, tensor: usize) -> Option<TensorSet> {
        toggled(self.problem, &self.candidate, level, tensor)
    }

    /// Keeps `keep` at `level`; returns what was kept.
    pub(super) fn keep(&mut self, level: usize, keep: TensorSet) -> TensorSet {
        std::mem::replace(&mut self.candidate.keep[level], keep)
    }
}

/// What `level` keeps if it keeps `tensor` where it did not, or lets it pass where it did; if that is allowed.
pub(super) fn toggled(
    problem: &Problem,
    candidate: &Candidate,
    level: usize,
    tensor: usize,
) -> Option<TensorSet> {
    let keep = candidate.keep[level];
    match keep.contains(tensor) {
        true if !problem.must_keep[level].contains(tensor) => Some(keep.without(tensor)),
        false if problem.may_keep[level].contains(tensor) => Some(keep.with(tensor)),
        _ => None,
    }
}

/// A set of positions.
#[derive(Clone, Copy)]
struct Positions(u32);

const _: () = assert!(MAX_POSITIONS <= 32);

impl Positions {
    const NONE: Self = Self(0);

    fn set(&mut self, position: usize, is_in: bool) {
        self.0 = self.0 & !(1 << position) | u32::from(is_in) << position;
    }

    fn has(self, position: usize) -> bool {
        self.0 >> position & 1 == 1
    }

    fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let position = left.trailing_zeros() as usize;
            (left != 0).then(|| {
                left &= left - 1;
                position
            })
        })
    }

    /// The first member from `start` on, or from 0 on if there is none, of a set that is not empty.
    fn next(self, start: usize) -> usize {
        let later = self.0 & (u32::MAX << start);
        (if later == 0 { self.0 } else { later }).trailing_zeros() as usize
    }
}

/// A fixed stream of numbers, so that results do not depend on anything else.
/// Source: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators", doi:10.1145/2660193.2660195,
/// figure 13 (the mixing function of SplitMix64).
pub(super) struct Stream(pub(super) u64);

impl Stream {
    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The high half of the product is as evenly spread as the remainder, and takes no division.
        ((u128::from(z ^ (z >> 31)) * limit as u128) >> 64) as usize
    }
}

/// The different prime factors of `n`, the least first.
pub(super) fn primes(mut n: u64) -> impl Iterator<Item = u64> {
    let mut divisor = 2;
    std::iter::from_fn(move || {
        while divisor * divisor <= n {
            if n.is_multiple_of(divisor) {
                while n.is_multiple_of(divisor) {
                    n /= divisor;
                }
                divisor += 1;
                return Some(divisor - 1);
            }
            divisor += 1;
        }
        (n > 1).then(|| std::mem::replace(&mut n, 1))
    })
}
