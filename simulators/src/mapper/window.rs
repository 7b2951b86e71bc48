//! Words of tiles that overlap, as those of the inputs of a convolution: at least how many of them are fetched.
//!
//! Let `V` be the words of the tile and `n` loops of a few dimensions the innermost that move it. While they run through
//! once, at least all the words that they touch are fetched, less those that the tile before them left:
//!
//! ```text
//! F >= T / n (union_n - overlap) + overlap        overlap <= V
//! ```
//!
//! `T` are all trips that move the tile. If the loops move a rank that no other dimension moves, the tile that they begin
//! with is no nearer to the one before than one step, which limits the overlap.

use super::constraints::DimSet;
use super::lattice::Lattice;
use super::problem::{Problem, Shape, length};
use crate::loop_nest::MAX_DIMS;

/// Words of one tensor at one level, by state. In any order of loops, `F >= base + linear U / run`.
pub(super) struct Overlapping {
    pub(super) linear: Vec<f64>,
    pub(super) base: Vec<f64>,
    pub(super) words: Vec<f64>,
    /// Points by dimension if nothing ran outside.
    extents: [f64; MAX_DIMS],
}

/// The loops outside of a tile.
pub(super) struct Steps<'a> {
    pub(super) lattice: &'a Lattice,
    /// The state outside of the loops right above the tile, and that of the tile.
    pub(super) outside: usize,
    pub(super) state: usize,
    /// All trips that move the tile.
    pub(super) trips: f64,
    /// Another tensor that the innermost loops leave where it is.
    pub(super) still: Option<usize>,
}

impl Overlapping {
    /// Words of `shape` at a level of tiles of `extents` points if nothing ran outside.
    pub(super) fn new(problem: &Problem, lattice: &Lattice, shape: &Shape, extents: &[f64; MAX_DIMS]) -> Self {
        let empty = || Vec::with_capacity(lattice.len());
        let mut overlapping = Self { linear: empty(), base: empty(), words: empty(), extents: *extents };
        let (mut tile, mut trips) = (*extents, [1; MAX_DIMS]);
        for state in 0..lattice.len() {
            for dim in shape.uses.iter() {
                trips[dim] = lattice.trips(state, dim);
                tile[dim] = extents[dim] / trips[dim] as f64;
            }
            let words = shape.words(&tile);
            let fresh = if problem.quirks.reset_on_turn { 0.0 } else { least_fresh(shape, &tile, &trips, words) };
            let moves: f64 = shape.uses.iter().map(|dim| trips[dim] as f64).product();
            overlapping.linear.push(moves * fresh);
            overlapping.base.push(words - fresh);
            overlapping.words.push(words);
        }
        overlapping
    }

    /// Words fetched at least, the order of the loops right outside of the tile being known in part.
    pub(super) fn fetched(&self, problem: &Problem, tensor: usize, steps: &Steps) -> f64 {
        let shape = &problem.shapes[tensor];
        if problem.quirks.reset_on_turn {
            return self.words[steps.state];
        }
        let factor = |dim: usize| {
            (steps.lattice.trips(steps.state, dim) / steps.lattice.trips(steps.outside, dim)) as f64
        };
        let moving: DimSet = shape.uses.iter().filter(|&dim| factor(dim) > 1.0).collect();
        let stays = |dim: &usize| steps.still.is_some_and(|still| !problem.shapes[still].uses.contains(*dim));
        let inner: DimSet = moving.iter().filter(stays).collect();
        let group = |dims: DimSet| self.fetched_by(shape, steps, dims, &factor);
        if !inner.is_empty() {
            return group(inner);
        }
        let least = moving.iter().map(|dim| group(DimSet::EMPTY.with(dim))).reduce(f64::min);
        least.unwrap_or(self.words[steps.state])
    }

    /// The same if loops over `inner`, of `factor` iterations, are the innermost that move the tile.
    fn fetched_by(&self, shape: &Shape, steps: &Steps, inner: DimSet, factor: &dyn Fn(usize) -> f64) -> f64 {
        let words = self.words[steps.state];
        let mut tile = self.extents;
        for dim in shape.uses.iter() {
            tile[dim] /= steps.lattice.trips(steps.state, dim) as f64;
        }
        let mut overlap = words;
        for rank in &shape.ranks {
            let mut moving = rank.iter().filter(|&&(dim, _)| steps.lattice.trips(steps.state, dim) > 1);
            let (Some(&(dim, coefficient)), None) = (moving.next(), moving.next()) else { continue };
            let (length, points) = (length(rank, &tile), shape.points(rank, &tile));
            if inner.contains(dim) && points == length && shape.is_in_one_rank(dim) {
                overlap *= (1.0 - coefficient * tile[dim] / length).max(0.0);
            }
        }
        let mut runs = steps.trips;
        for dim in inner.iter() {
            runs /= factor(dim);
            tile[dim] *= factor(dim);
        }
        runs * (shape.words(&tile) - overlap).max(0.0) + overlap
    }
}

/// New words of a step, on average and at least, whichever loop is the innermost that moves a tile of `words`.
fn least_fresh(shape: &Shape, tile: &[f64; MAX_DIMS], trips: &[u64; MAX_DIMS], words: f64) -> f64 {
    let mut fresh = words;
    for rank in &shape.ranks {
        let (length, points) = (length(rank, tile), shape.points(rank, tile));
        let moving = || rank.iter().filter(|&&(dim, _)| trips[dim] > 1);
        let is_alone = moving().count() == 1 && rank.iter().all(|&(dim, _)| shape.is_in_one_rank(dim));
        for &(dim, coefficient) in moving() {
            // A tile with holes may be displaced onto itself but for one point.
            let share = if points < length { 1.0 / points } else { (coefficient * tile[dim] / length).min(1.0) };
            // Where another dimension moves the rank too, the first step of each run may bring nothing.
            let steps = if is_alone { 1.0 } else { 1.0 - 1.0 / least_prime(trips[dim]) as f64 };
            fresh = fresh.min(words * share * steps);
        }
    }
    fresh
}

fn least_prime(n: u64) -> u64 {
    (2..).take_while(|d| d * d <= n).find(|&d| n.is_multiple_of(d)).unwrap_or(n)
}
