//! Words that one instance fetches over the run, from the loops above its tile.
//!
//! Source: the closed form of Timeloop's recursive difference of tiles (Parashar et al. 2019, section VI-A),
//! rearranged as a recurrence: a loop of `n` iterations around loops that fetch `W` words fetches
//! `W + (n - 1) (W - V + D)`, where `V` is the tile and `D` what of it is new after a step of this loop.

use super::einsum::{MAX_DIMS, MAX_RANKS};
use super::loops::FlatLoop;
use super::projection::{Footprint, Projection, Shift};

/// A tile, and how it is remembered from step to step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile<'a> {
    pub(super) projection: &'a Projection,
    /// Points per dimension.
    pub(super) extents: &'a [u64; MAX_DIMS],
    /// Words that they touch.
    pub(super) words: u64,
    /// [`Quirks::reset_on_turn`](super::Quirks::reset_on_turn).
    pub(super) reset_on_turn: bool,
    /// [`Quirks::idle_loops_forget`](super::Quirks::idle_loops_forget).
    pub(super) idle_loops_forget: bool,
}

/// What of the tile is new after a step of one loop, all loops inside it starting again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Displacement of the tile.
    pub(super) shift: Shift,
    /// Words that were not there.
    pub(super) words: u64,
    /// Words of the tile.
    pub(super) volume: u64,
}

impl Step {
    /// Whether the new words of both have one shape: the whole tile, or what a displacement leaves of it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.words == other.words
            && self.volume == other.volume
            && (other.words == other.volume || is_same(&self.shift, &other.shift))
    }
}

/// Follows a tile through the loops, the innermost first.
pub(super) struct Steps<'a> {
    tile: Tile<'a>,
    footprint: Footprint,
    /// Displacement of the innermost loop that moves the tile.
    first: Option<Shift>,
    /// Displacement of the tile at the end of the loops so far.
    reached: Shift,
    /// Bit `r` is set if `reached` is not 0 in rank `r`.
    moved: u8,
    /// Bit `r` is set if `reached` is past the tile's length in rank `r`.
    lost: u8,
    /// Whether a loop that does not move the tile made it forget what it holds.
    forgot: bool,
}

impl<'a> Steps<'a> {
    pub(super) fn new(tile: Tile<'a>) -> Self {
        let footprint = tile.projection.footprint(tile.extents);
        Self { tile, footprint, first: None, reached: [0; MAX_RANKS], moved: 0, lost: 0, forgot: false }
    }

    /// The step of the next-outer loop.
    #[inline]
    pub(super) fn next(&mut self, item: &FlatLoop) -> Step {
        let Tile { projection, extents, words: volume, reset_on_turn, idle_loops_forget } = self.tile;
        let travel = projection.shift(item.dim, item.stride);
        // All loops inside start again, so the tile does not come from where this loop was a step ago but from where those
        // loops ended.
        let mut shift = travel;
        let mut is_still = true;
        for (component, reached) in shift.iter_mut().zip(&self.reached) {
            *component -= reached;
            is_still &= *component == 0;
        }
        // Timeloop takes the step back from a loop's second iteration, as if the loop had gone one step and not all of them.
        let repeats = if reset_on_turn { 1 } else { (item.bound - 1) as i64 };
        for (reached, component) in self.reached.iter_mut().zip(&travel) {
            *reached += repeats * component;
        }
        let is_idle = !projection.uses(item.dim);
        let words = match &self.first {
            _ if self.forgot && !is_idle => volume,
            // The tile is where it was: nothing is new, in whatever direction it was moving.
            _ if is_still => 0,
            Some(first) if reset_on_turn && !is_same(&shift, first) => volume,
            _ => projection.fresh(&self.footprint, extents, &shift),
        };
        self.mark_moved();
        self.forgot |= idle_loops_forget && is_idle;
        // A step that brings nothing does not fix the direction of movement.
        if words > 0 && self.first.is_none() {
            self.first = Some(shift);
        }
        Step { shift, words, volume }
    }

    fn mark_moved(&mut self) {
        (self.moved, self.lost) = (0, 0);
        let n_ranks = self.tile.projection.n_ranks;
        let ranks = self.reached.iter().zip(&self.footprint.lengths).take(n_ranks);
        for (rank, (reached, &length)) in ranks.enumerate() {
            self.moved |= u8::from(*reached != 0) << rank;
            self.lost |= u8::from(reached.unsigned_abs() >= length) << rank;
        }
    }

    /// The words of [`Steps::next`]. Where the tile and the one before are seen at once to share nothing, or all, the
    /// displacement is not worked out.
    #[inline]
    fn next_words(&mut self, item: &FlatLoop) -> u64 {
        let Tile { projection, words: volume, reset_on_turn, idle_loops_forget, .. } = self.tile;
        let Some((rank, coefficient)) = projection.single(item.dim) else {
            if idle_loops_forget {
                return self.next(item).words;
            }
            return match (projection.uses(item.dim), self.moved, self.lost) {
                (false, 0, _) => 0,
                // All loops step forwards, so the step back is not the one that keeps words.
                (false, _, lost) if reset_on_turn || lost != 0 => volume,
                _ => self.next(item).words,
            };
        };
        // One rank moves by `travel` a step. Nothing of the tile is left if another rank ended past the tile's length, or if
        // nothing has moved yet and the step is as long as the tile.
        let travel = coefficient * item.stride as i64;
        let length = self.footprint.lengths[rank];
        let bit = 1u8 << rank;
        let is_new = if reset_on_turn {
            // A rank that has moved goes back, while the innermost moving loop only goes forwards.
            self.moved & !bit != 0
        } else {
            self.lost & !bit != 0
        };
        if !(is_new || self.forgot || self.moved == 0 && travel as u64 >= length) {
            return self.next(item).words;
        }
        if self.first.is_none() {
            let mut first = [0; MAX_RANKS];
            first[rank] = travel;
            self.first = Some(first);
        }
        self.reached[rank] += if reset_on_turn { travel } else { travel * (item.bound - 1) as i64 };
        self.moved |= bit;
        // Displacements only grow in the forward direction.
        self.lost |= u8::from(self.reached[rank] as u64 >= length) << rank;
        volume
    }
}

/// Whether two displacements are one; without the call that comparing arrays takes.
fn is_same(a: &Shift, b: &Shift) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Words fetched over `loops` (the innermost first), or `None` past 64 bits. `around` holds, for each loop, its
/// iterations times those of all loops outside it; then 1.
#[inline]
pub(super) fn words_fetched(tile: Tile, loops: &[FlatLoop], around: &[u64]) -> Option<u64> {
    let volume = tile.words;
    if tile.projection.plain {
        // No two tiles share a word: every iteration of the innermost loop that moves the tile fetches one.
        let moves = loops.iter().position(|item| tile.projection.uses(item.dim)).unwrap_or(loops.len());
        return volume.checked_mul(around[moves]);
    }
    // A run of the loops inside fetches `words`, of which the first tile, `volume`, comes anew only as far as it is not
    // there already: that is what the step of this loop says. All its iterations but the first make that step.
    let mut steps = Steps::new(tile);
    let mut words = volume;
    for item in loops {
        let again = words - volume + steps.next_words(item);
        words = words.checked_add((item.bound - 1).checked_mul(again)?)?;
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::super::einsum::{Einsum, TensorSpec};
    use super::super::projection::Touched;
    use super::*;

    fn loops(list: &[(usize, u64, u64)]) -> Vec<FlatLoop> {
        list.iter()
            .map(|&(dim, bound, stride)| FlatLoop { dim, bound, residual: bound, stride, level: 0 })
            .collect()
    }

    /// Input of a 1-D convolution, index P + R, a tile of 4 outputs and 3 taps: 6 words.
    fn input(reset_on_turn: bool, list: &[(usize, u64, u64)]) -> u64 {
        let dims = [("R", 3), ("P", 64), ("K", 8)];
        let tensors = [TensorSpec::output("I", &[&[("R", 1), ("P", 1)]])];
        let einsum = Einsum::new(&dims, &tensors).unwrap();
        let projection = Projection::new(&einsum, 0, Touched::Used);
        let mut extents = [1; MAX_DIMS];
        (extents[0], extents[1]) = (3, 4);
        let words = projection.footprint(&extents).words;
        assert_eq!(words, 6);
        let tile = Tile {
            projection: &projection,
            extents: &extents,
            words,
            reset_on_turn,
            idle_loops_forget: false,
        };
        words_fetched(tile, &loops(list), &[]).unwrap()
    }

    #[test]
    fn a_sliding_window_fetches_its_halo_once() {
        // 4 tiles that step by 4: 6 + 3 * 4 = 18 = the whole input of 16 outputs.
        assert_eq!(input(true, &[(1, 4, 4)]), 18);
        assert_eq!(input(false, &[(1, 4, 4)]), 18);
    }

    #[test]
    fn an_inner_loop_that_does_not_move_the_tile_is_free() {
        assert_eq!(input(true, &[(2, 8, 1), (1, 4, 4)]), 18);
    }

    #[test]
    fn an_outer_loop_that_does_not_move_the_tile_fetches_all_again() {
        assert_eq!(input(true, &[(1, 4, 4), (2, 8, 1)]), 8 * 18);
    }

    #[test]
    fn without_the_quirk_words_still_there_on_the_way_back_are_kept() {
        // Two tiles 4 apart share 2 of 6 words; so do they on the way back: 6 + 4 + 7 * (4 + 4) = 66.
        assert_eq!(input(false, &[(1, 2, 4), (2, 8, 1)]), 66);
        assert_eq!(input(true, &[(1, 2, 4), (2, 8, 1)]), 8 * 10);
    }
}
