//! Tiles under imperfect factors, whose last iterations are smaller.
//!
//! Steps are no longer alike, so the loops are walked: of each loop the first iteration, the second on behalf of all
//! up to the one before the last, and the last. Source: Timeloop 4cf6d4c, `nest-analysis.cpp`, extrapolation of
//! uniform temporal loops; Horeni et al. (2022), Ruby, doi:10.1109/ISPASS55109.2022.00030.

use super::einsum::{MAX_DIMS, MAX_RANKS};
use super::loops::FlatLoop;
use super::projection::Shift;
use super::report::Illegal;
use super::temporal::{Step, Tile};

/// Most loops above a tile that are walked: three branches each.
const MAX_WALKED: usize = 14;

/// Extents of a tile that depend on the iteration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Residual<'a> {
    /// Points per dimension in the last iteration of all loops of that dimension above the tile.
    pub(super) last_extents: &'a [u64; MAX_DIMS],
    /// Whether the innermost loop is of the level that delivers and serves a single instance: its last step is then
    /// taken to be like the one before.
    pub(super) uniform_innermost: bool,
}

/// Calls `give` with every step, the step before it, and how often the two follow each other.
pub(super) fn walk(
    tile: Tile,
    loops: &[FlatLoop],
    residual: &Residual,
    give: &mut impl FnMut(Step, Step, u64) -> Result<(), Illegal>,
) -> Result<(), Illegal> {
    if loops.len() > MAX_WALKED {
        return Err(Illegal::Unsupported { what: "an imperfect factor among more than 14 loops in time" });
    }
    let nothing = Step { shift: [0; MAX_RANKS], words: 0, volume: 0 };
    let mut walk = Walk { tile, residual, loops, before: None, travel: None, previous: nothing, give };
    walk.run(loops.len(), [0; MAX_RANKS], (1 << MAX_DIMS) - 1, 1)
}

struct Walk<'a, G> {
    tile: Tile<'a>,
    residual: &'a Residual<'a>,
    loops: &'a [FlatLoop],
    /// Corner and extents of the tile before.
    before: Option<(Shift, [u64; MAX_DIMS])>,
    /// The displacement that keeps what tiles share.
    travel: Option<Shift>,
    previous: Step,
    give: &'a mut G,
}

impl<G: FnMut(Step, Step, u64) -> Result<(), Illegal>> Walk<'_, G> {
    /// Runs the loops below `depth`, on behalf of `epochs` runs. Bit `d` of `last` says that dimension `d` is in its
    /// last iteration so far.
    fn run(&mut self, depth: usize, corner: Shift, last: u32, epochs: u64) -> Result<(), Illegal> {
        let Some(index) = depth.checked_sub(1) else { return self.arrive(corner, last, epochs) };
        let item = self.loops[index];
        let bit = 1 << item.dim;
        // Only where all loops of the dimension outside are in their last iteration does this one stop early.
        let bound = if last & bit != 0 { item.residual } else { item.bound };
        let uniform = index == 0 && self.residual.uniform_innermost;
        let visits = match (bound, uniform) {
            (1, _) => [Some((0, 1)), None, None],
            (2, _) => [Some((0, 1)), Some((1, 1)), None],
            (_, true) => [Some((0, 1)), Some((1, bound - 1)), Some((bound - 1, 0))],
            (_, false) => [Some((0, 1)), Some((1, bound - 2)), Some((bound - 1, 1))],
        };
        for (iteration, times) in visits.into_iter().flatten() {
            let mut here = corner;
            let shift = self.tile.projection.shift(item.dim, item.stride * iteration);
            here.iter_mut().zip(shift).for_each(|(total, part)| *total += part);
            // In a last iteration the bound is the residual, so that of these iterations only the final one stays a last one.
            let is_last = iteration + 1 >= item.residual;
            let last = if is_last { last } else { last & !bit };
            let inner = epochs.checked_mul(times).ok_or(Illegal::Overflow { what: "words moved" })?;
            self.run(index, here, last, inner)?;
        }
        Ok(())
    }

    fn arrive(&mut self, corner: Shift, last: u32, epochs: u64) -> Result<(), Illegal> {
        let mut extents = *self.tile.extents;
        for (dim, extent) in extents.iter_mut().enumerate() {
            if last >> dim & 1 == 1 {
                *extent = self.residual.last_extents[dim];
            }
        }
        let volume = self.tile.projection.footprint(&extents).words;
        let step = match self.before.replace((corner, extents)) {
            None => Step { shift: [0; MAX_RANKS], words: volume, volume },
            Some(before) => self.step(before, (corner, extents), volume),
        };
        let previous = std::mem::replace(&mut self.previous, step);
        (self.give)(previous, step, epochs)
    }

    fn step(&mut self, before: (Shift, [u64; MAX_DIMS]), now: (Shift, [u64; MAX_DIMS]), volume: u64) -> Step {
        let mut shift = now.0;
        shift.iter_mut().zip(before.0).for_each(|(total, part)| *total -= part);
        let fresh = volume - self.tile.projection.common(&before.1, &now.1, &shift);
        let is_still = shift.iter().all(|&component| component == 0);
        // The first step that moves the tile sets the direction in which words are kept.
        let turned = self.tile.reset_on_turn && self.travel.is_some_and(|travel| travel != shift);
        if is_still || !turned {
            if !is_still && self.travel.is_none() {
                self.travel = Some(shift);
            }
            return Step { shift, words: fresh, volume };
        }
        Step { shift, words: volume, volume }
    }
}
