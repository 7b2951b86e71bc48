//! The loops of a mapping as one flat list.

use super::architecture::MAX_LEVELS;
use super::report::Illegal;

/// Most loops of more than one iteration: each at least doubles an iteration space of 64 bits.
pub(super) const MAX_LOOPS: usize = 64;

/// A loop of more than one iteration.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FlatLoop {
    pub(super) dim: usize,
    pub(super) bound: u64,
    pub(super) residual: u64,
    /// Points of the dimension between two iterations.
    pub(super) stride: u64,
    pub(super) level: usize,
}

/// A list of loops from the innermost outwards, with the place where each level's begin.
#[derive(Debug, Clone)]
pub(super) struct LoopList {
    loops: [FlatLoop; MAX_LOOPS],
    len: usize,
    starts: [usize; MAX_LEVELS + 1],
    /// Iterations of a loop and of all loops outside it, residuals left out of account.
    around: [u64; MAX_LOOPS + 1],
}

impl LoopList {
    pub(super) fn new() -> Self {
        Self {
            loops: [FlatLoop::default(); MAX_LOOPS],
            len: 0,
            starts: [0; MAX_LEVELS + 1],
            around: [1; MAX_LOOPS + 1],
        }
    }

    /// Forgets all loops.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Says that the loops pushed from now on are of `level`, or that none follow if it is the number of levels.
    #[inline]
    pub(super) fn begin(&mut self, level: usize) {
        self.starts[level] = self.len;
    }

    /// Works out [`LoopList::around`]. Call only if the product of all bounds fits 64 bits.
    pub(super) fn count_around(&mut self) {
        // A product over all loops outside is asked for at every level and tensor, so it is made once.
        self.around[self.len] = 1;
        for (index, item) in self.loops[..self.len].iter().enumerate().rev() {
            self.around[index] = self.around[index + 1] * item.bound;
        }
    }

    /// Adds the next-outer loop.
    #[inline]
    pub(super) fn push(&mut self, item: FlatLoop) -> Result<(), Illegal> {
        let slot = self.loops.get_mut(self.len).ok_or(Illegal::Overflow { what: "number of loops" })?;
        *slot = item;
        self.len += 1;
        Ok(())
    }

    /// Loops of `level` alone.
    #[inline]
    pub(super) fn at(&self, level: usize) -> &[FlatLoop] {
        &self.loops[self.starts[level]..self.starts[level + 1]]
    }

    /// Loops of `level` and of all levels above it.
    #[inline]
    pub(super) fn from(&self, level: usize) -> &[FlatLoop] {
        &self.loops[self.starts[level]..self.len]
    }

    /// For every loop of [`LoopList::from`], its iterations times those of all loops outside it; then 1.
    #[inline]
    pub(super) fn around(&self, level: usize) -> &[u64] {
        &self.around[self.starts[level]..=self.len]
    }
}
