//! How many words cross a boundary between two levels, for each kind of loop that may run innermost above it.

use super::candidate::Candidate;
use super::ledger::Crossing;
use super::problem::{Problem, Shape, length};
use super::tiling::Tiling;
use crate::loop_nest::MAX_LEVELS;

/// A candidate with its tiling, looked at for a bound or for a guess.
#[derive(Clone, Copy)]
pub(super) struct View<'a, const BOUND: bool> {
    pub(super) problem: &'a Problem<'a>,
    pub(super) candidate: &'a Candidate,
    pub(super) tiling: &'a Tiling,
}

/// What is outside of the tile that is fetched.
#[derive(Clone, Copy)]
pub(super) struct Outside<'a> {
    /// Iterations in time, and the innermost level that has some.
    pub(super) iterations: f64,
    pub(super) run: Option<usize>,
    /// By level, the dimension chosen to run innermost.
    pub(super) innermost: &'a [Option<u8>; MAX_LEVELS],
}

impl<const BOUND: bool> View<'_, BOUND> {
    /// Whether the tile of `level` is all of the tensor.
    pub(super) fn is_whole(&self, level: usize, shape: &Shape) -> bool {
        let tile = &self.tiling.tiles[level];
        shape.uses.iter().all(|dim| tile[dim] == self.candidate.padded[dim] as f64)
    }

    /// Words of `tensor` between the level `parent` and the next one inside that keeps it, `level`.
    pub(super) fn crossing(&self, outside: Outside, tensor: usize, level: usize, parent: usize) -> Crossing {
        let (tiling, iterations) = (self.tiling, outside.iterations);
        let shape = &self.problem.shapes[tensor];
        let words = tiling.words[level][tensor];
        let mut crossing = Crossing { uses: shape.uses, moved: words, still: words, slid: None };
        let Some(run) = outside.run else { return crossing };
        // Loops that the tensor is not indexed by, if they are the innermost ones, leave its tile where it is: it is fetched
        // once for all of their iterations.
        let steps = iterations / self.stay(outside, tensor, run);
        if BOUND && shape.slides {
            let (fresh, union) = self.least_fresh(shape, level, words);
            // One whole tile, then at least what is new in each step; and never less than all distinct words.
            crossing.moved = (words + (iterations - 1.0) * fresh).max(union);
            crossing.still = (words + (steps - 1.0) * fresh).max(union);
            return crossing;
        }
        crossing.moved = words * iterations;
        crossing.still = words * steps;
        if shape.slides {
            // The words of a step that slides may be those of the step before in part.
            let slide = self.slide(shape, level, run, parent);
            let (kept, dim) = slide.map_or((0.0, None), |(share, dim)| (share * words, Some(dim)));
            crossing.still = (words - kept) * steps;
            crossing.slid = dim.map(|dim| (dim, (words - kept) * iterations));
        }
        crossing
    }

    /// Iterations during which the tile can stay, its innermost loops being those that leave it where it is.
    fn stay(&self, outside: Outside, tensor: usize, run: usize) -> f64 {
        let uses = self.problem.shapes[tensor].uses;
        let mut stay = 1.0;
        for level in run..self.problem.n_levels {
            // What runs innermost further out was chosen before.
            let chosen = outside.innermost[level].filter(|_| level > run && !BOUND);
            if chosen.is_some_and(|dim| uses.contains(usize::from(dim))) {
                break;
            }
            stay *= self.tiling.idle_steps[level][tensor];
            if !self.tiling.loops[level].and(uses).is_empty() {
                break;
            }
        }
        stay
    }

    /// The share of a tile that stays on average while the loop at `run` slides it that keeps most, and its dimension.
    fn slide(&self, shape: &Shape, level: usize, run: usize, parent: usize) -> Option<(f64, usize)> {
        let (tile, loops) = (&self.tiling.tiles[level], self.tiling.loops[run]);
        let mut most = None;
        for rank in shape.windows.iter().filter(|rank| rank.len() > 1) {
            let length = length(rank, tile);
            if shape.points(rank, tile) < length {
                continue;
            }
            for &(dim, coefficient) in rank.iter().filter(|&&(dim, _)| loops.contains(dim)) {
                let width = if run == parent { self.tiling.blocks[level + 1][dim] } else { 1.0 };
                // A step moves the window by so many points. It is whole again in the first of the loop's iterations, so of its
                // `factor` steps one less keeps what overlaps.
                let travel = coefficient * tile[dim] * width;
                if travel < length {
                    let factor = self.candidate.factors[run][dim] as f64;
                    let kept = (length - travel) * (factor - 1.0) / (length * factor);
                    if most.is_none_or(|(least, _)| kept > least) {
                        most = Some((kept, dim));
                    }
                }
            }
        }
        most
    }

    /// New words of the cheapest step, and words of all tiles together, at least.
    fn least_fresh(&self, shape: &Shape, level: usize, words: f64) -> (f64, f64) {
        if self.problem.quirks.reset_on_turn {
            return (0.0, words);
        }
        let extents = &self.tiling.tiles[level];
        let time = |dim: usize| -> f64 {
            let levels = level + 1..self.problem.n_levels;
            levels.map(|outer| self.candidate.factors[outer][dim] as f64).product()
        };
        let (mut fresh, mut union) = (words, 1.0);
        for rank in &shape.ranks {
            let (length, points) = (length(rank, extents), shape.points(rank, extents));
            let (mut n_moving, mut longest) = (0, points);
            for &(dim, coefficient) in rank {
                let steps = time(dim);
                if steps > 1.0 && points < length {
                    // A tile with holes may be displaced onto itself but for one point.
                    fresh = fresh.min(words / points);
                    n_moving += 1;
                } else if steps > 1.0 {
                    let travel = (coefficient * extents[dim]).min(length);
                    longest = longest.max(length + (steps - 1.0) * travel);
                    fresh = fresh.min(words * travel / length);
                    n_moving += 1;
                }
            }
            // Two dimensions that move one window may undo each other's steps, and then nothing is new.
            if n_moving > 1 {
                fresh = 0.0;
            }
            // A dimension of two ranks moves both at once.
            union *= if rank.iter().all(|&(dim, _)| shape.is_in_one_rank(dim)) { longest } else { 1.0 };
        }
        (fresh, union.max(words))
    }
}
