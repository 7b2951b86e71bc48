//! What follows from a candidate's factors, level by level, kept up to date while single factors move.

use super::candidate::{Candidate, Move};
use super::constraints::DimSet;
use super::problem::{Problem, Way};
use crate::loop_nest::{MAX_DIMS, MAX_LEVELS, MAX_TENSORS};

/// Tiles, loops and instances of a candidate. Counts are whole numbers held as floating-point ones, which multiply
/// faster.
#[derive(Debug, Clone)]
pub(super) struct Tiling {
    /// Multiply-accumulates.
    pub(super) macs: f64,
    /// Points per dimension of each level's tile.
    pub(super) tiles: [[f64; MAX_DIMS]; MAX_LEVELS],
    /// Words of each level's tile by tensor.
    pub(super) words: [[f64; MAX_TENSORS]; MAX_LEVELS],
    /// Dimensions that each level repeats in time.
    pub(super) loops: [DimSet; MAX_LEVELS],
    /// Iterations of each level in time, and of those only the loops over dimensions that a tensor does not use.
    pub(super) steps: [f64; MAX_LEVELS],
    pub(super) idle_steps: [[f64; MAX_TENSORS]; MAX_LEVELS],
    /// Instances in use below one of each level, in x and in y, and by dimension.
    pub(super) across: [[f64; 2]; MAX_LEVELS],
    pub(super) blocks: [[f64; MAX_DIMS]; MAX_LEVELS],
    /// Different tiles of each tensor among them: about, and at least.
    pub(super) groups: [[(f64, f64); MAX_TENSORS]; MAX_LEVELS],
}

impl Tiling {
    /// That of `candidate`. Levels inside of `decided` have no loops in time yet, and no tiles but that of the
    /// outermost of them, which holds what is not decided.
    pub(super) fn new(problem: &Problem, candidate: &Candidate, decided: usize) -> Self {
        let mut tiling = Self {
            macs: candidate.padded[..problem.n_dims].iter().map(|&points| points as f64).product(),
            tiles: [[1.0; MAX_DIMS]; MAX_LEVELS],
            words: [[1.0; MAX_TENSORS]; MAX_LEVELS],
            loops: [DimSet::EMPTY; MAX_LEVELS],
            steps: [1.0; MAX_LEVELS],
            idle_steps: [[1.0; MAX_TENSORS]; MAX_LEVELS],
            across: [[1.0; 2]; MAX_LEVELS],
            blocks: [[1.0; MAX_DIMS]; MAX_LEVELS],
            groups: [[(1.0, 1.0); MAX_TENSORS]; MAX_LEVELS],
        };
        let mut extents = candidate.padded.map(|points| points as f64);
        for level in (0..problem.n_levels).rev() {
            if level + 1 >= decided {
                tiling.tiles[level] = extents;
                for (words, shape) in tiling.words[level].iter_mut().zip(&problem.shapes) {
                    *words = shape.words(&extents);
                }
            }
            let in_time = (level >= decided).then_some(level);
            for position in in_time.into_iter().chain(problem.places_of(level)) {
                for (dim, extent) in extents.iter_mut().enumerate().take(problem.n_dims) {
                    let factor = candidate.factors[position][dim];
                    if factor > 1 {
                        *extent /= factor as f64;
                        tiling.widen(problem, position, dim, factor as f64);
                        tiling.note_loop(level, position, dim, factor);
                    }
                }
            }
            tiling.group(problem, level);
        }
        tiling
    }

    /// Moves `prime`, which divides the factor of `dim` at the position `from`, to the position `to`.
    pub(super) fn shift(&mut self, problem: &Problem, candidate: &mut Candidate, step: Move) {
        let Move { dim, from, to, prime } = step;
        let [outer, inner] = [from, to].map(|position| problem.positions[position].level);
        let factor = prime as f64;
        candidate.shift(step);
        for level in inner..outer {
            self.tiles[level][dim] *= factor;
        }
        for level in outer..inner {
            self.tiles[level][dim] /= factor;
        }
        for level in inner.min(outer)..inner.max(outer) {
            for (words, shape) in self.words[level].iter_mut().zip(&problem.shapes) {
                if shape.uses.contains(dim) {
                    *words = shape.words(&self.tiles[level]);
                }
            }
        }
        self.widen(problem, to, dim, factor);
        self.narrow(problem, from, dim, factor);
        for (level, position) in [(outer, from), (inner, to)] {
            self.note_loop(level, position, dim, candidate.factors[position][dim]);
            if problem.positions[position].way != Way::Time {
                self.group(problem, level);
            }
        }
    }

    fn widen(&mut self, problem: &Problem, position: usize, dim: usize, factor: f64) {
        let place = &problem.positions[position];
        if place.way == Way::Time {
            self.steps[place.level] *= factor;
            for (steps, shape) in self.idle_steps[place.level].iter_mut().zip(&problem.shapes) {
                *steps *= if shape.uses.contains(dim) { 1.0 } else { factor };
            }
        } else {
            self.across[place.level][usize::from(place.way == Way::Y)] *= factor;
            self.blocks[place.level][dim] *= factor;
        }
    }

    fn narrow(&mut self, problem: &Problem, position: usize, dim: usize, factor: f64) {
        let place = &problem.positions[position];
        if place.way == Way::Time {
            self.steps[place.level] /= factor;
            for (steps, shape) in self.idle_steps[place.level].iter_mut().zip(&problem.shapes) {
                *steps /= if shape.uses.contains(dim) { 1.0 } else { factor };
            }
        } else {
            self.across[place.level][usize::from(place.way == Way::Y)] /= factor;
            self.blocks[place.level][dim] /= factor;
        }
    }

    fn note_loop(&mut self, level: usize, position: usize, dim: usize, factor: u64) {
        if position == level {
            let others = self.loops[level].without(dim);
            self.loops[level] = if factor > 1 { others.with(dim) } else { others };
        }
    }

    fn group(&mut self, problem: &Problem, level: usize) {
        let [x, y] = self.across[level];
        let is_alone = x * y == 1.0;
        for (groups, shape) in self.groups[level].iter_mut().zip(&problem.shapes) {
            *groups = if is_alone { (1.0, 1.0) } else { shape.distinct(&self.blocks[level]) };
        }
    }
}
