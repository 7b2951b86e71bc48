//! Words that a level reads for the instances below it, before bypass: time and space together.

use super::einsum::MAX_RANKS;
use super::loops::FlatLoop;
use super::partial::PartialScratch;
use super::projection::Shift;
use super::report::{Delivered, Illegal, NetworkTraffic};
use super::residual::{Residual, walk};
use super::spatial::{Array, OffsetTable, Scope};
use super::temporal::{Step, Steps, Tile, words_fetched};

/// Scratch vectors of one evaluation.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    table: OffsetTable,
    sets: Vec<Delivered>,
    rest: Vec<Delivered>,
    pub(super) partial: PartialScratch,
}

const TOO_MANY: Illegal = Illegal::Overflow { what: "words moved" };

/// Delivers `words` to every instance of `array`, none of it from a neighbour.
#[inline]
pub(super) fn deliver(
    words: u64,
    array: Array,
    scope: Scope,
    scratch: &mut Scratch,
    traffic: &mut NetworkTraffic,
) -> Result<(), Illegal> {
    traffic.link_transfers = 0;
    traffic.delivered.clear();
    // Sets of one size need one row; hops also depend on where the instances stand.
    if let Some((multicast, scatter)) = array.even_sets().filter(|_| !scope.hops) {
        let read = words.checked_mul(scatter).ok_or(TOO_MANY)?;
        let row = Delivered { multicast, scatter, words: read, average_words: read as f64, hops: 0.0 };
        traffic.delivered.push(row);
        traffic.sets = scatter;
        return Ok(());
    }
    find_sets(array, scope, scratch)?;
    traffic.sets = count(&scratch.sets);
    add(&scratch.sets, words, &mut traffic.delivered)
}

/// The tiles that an array is given over the run.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) tile: Tile<'a>,
    /// Loops above the tile, the innermost first, and their iterations with all loops outside them.
    pub(super) loops: &'a [FlatLoop],
    pub(super) around: &'a [u64],
    /// Set if some factor is imperfect.
    pub(super) residual: Option<Residual<'a>>,
}

/// Delivers the tiles of `run` to every instance of `array`, words that a neighbour has from it.
#[inline]
pub(super) fn deliver_tiles(
    run: Run,
    array: Array,
    scope: Scope,
    scratch: &mut Scratch,
    traffic: &mut NetworkTraffic,
) -> Result<(), Illegal> {
    let Run { tile, loops, around, residual } = run;
    // A neighbour has a word from the step before only if there is a step, and instances whose tiles overlap in time.
    let may_hand_over = scope.links && array.may_share_over_time() && !loops.is_empty();
    let Some(residual) = residual else {
        let words = words_fetched(tile, loops, around).ok_or(TOO_MANY)?;
        if !may_hand_over {
            return deliver(words, array, scope, scratch, traffic);
        }
        let mut links = Links::new(array, scope, scratch, traffic)?;
        for_each_pair(tile, loops, around, &mut |step, times| links.hand_over(&step, times))?;
        return links.deliver_rest(words);
    };
    let mut words = 0u64;
    let mut links = Links::new(array, scope, scratch, traffic)?;
    // Words are handed over only in a step that is like the one before: then what is new here is what was new there.
    walk(tile, loops, &residual, &mut |previous: Step, step: Step, times: u64| {
        let fetched = step.words.checked_mul(times).ok_or(TOO_MANY)?;
        words = words.checked_add(fetched).ok_or(TOO_MANY)?;
        match may_hand_over && previous.is_like(&step) {
            true => links.hand_over(&step, times),
            false => Ok(()),
        }
    })?;
    links.deliver_rest(words)
}

/// Words that neighbours hand to each other, and those that are left to the parent.
struct Links<'a> {
    array: Array<'a>,
    scratch: &'a mut Scratch,
    traffic: &'a mut NetworkTraffic,
    /// Furthest that two instances are apart.
    reach: Shift,
    /// Words per instance that are delivered with the help of neighbours.
    shared: u64,
}

impl<'a> Links<'a> {
    fn new(
        array: Array<'a>,
        scope: Scope,
        scratch: &'a mut Scratch,
        traffic: &'a mut NetworkTraffic,
    ) -> Result<Self, Illegal> {
        find_sets(array, scope, scratch)?;
        traffic.sets = count(&scratch.sets);
        traffic.link_transfers = 0;
        traffic.delivered.clear();
        let reach = array.projection.reach(array.loops);
        Ok(Self { array, scratch, traffic, reach, shared: 0 })
    }

    /// Delivers the new words of `step`, `times` over, to those that no neighbour serves, if that spares a read.
    fn hand_over(&mut self, step: &Step, times: u64) -> Result<(), Illegal> {
        // A step longer than the array leads where no instance was; there is nobody to hand anything over.
        let is_near = step.shift.iter().zip(&self.reach).all(|(shift, reach)| shift.abs() <= *reach);
        if step.words == 0 || times == 0 || !is_near || !self.array.has_neighbours_apart(&step.shift) {
            return Ok(());
        }
        let Scratch { table, sets, rest, .. } = &mut *self.scratch;
        let n_linked = self.array.list_sets(Some(&step.shift), table, rest)?;
        // A link that spares no read costs energy for nothing: if one of each set has to be served by the parent anyway, the
        // parent serves them all.
        if count(rest) >= count(sets) {
            return Ok(());
        }
        let words = step.words.checked_mul(times).ok_or(TOO_MANY)?;
        let linked = n_linked.checked_mul(words).ok_or(TOO_MANY)?;
        self.traffic.link_transfers = self.traffic.link_transfers.checked_add(linked).ok_or(TOO_MANY)?;
        // `rest` is read for these words, and the full `sets` for those that are left.
        self.shared += words;
        add(rest, words, &mut self.traffic.delivered)
    }

    fn deliver_rest(self, words: u64) -> Result<(), Illegal> {
        add(&self.scratch.sets, words - self.shared, &mut self.traffic.delivered)
    }
}

/// Calls `give` with every step whose new words are like those of the step before it, and how often it is made.
///
/// The innermost loop runs twice at least, so that whatever step an outer loop makes is preceded by one of the
/// innermost, and the first step of the innermost by one of some outer loop, or by the first tile.
fn for_each_pair(
    tile: Tile,
    loops: &[FlatLoop],
    around: &[u64],
    give: &mut impl FnMut(Step, u64) -> Result<(), Illegal>,
) -> Result<(), Illegal> {
    let volume = tile.words;
    // The first tile is a step that brings all of it.
    let whole = Step { shift: [0; MAX_RANKS], words: volume, volume };
    let mut steps = Steps::new(tile);
    let innermost = steps.next(&loops[0]);
    let mut runs = u64::from(whole.is_like(&innermost));
    for (item, outside) in loops[1..].iter().zip(&around[2..]) {
        let step = steps.next(item);
        if innermost.is_like(&step) {
            // Both products are at most the iterations in time.
            let times = (item.bound - 1) * outside;
            runs += times;
            give(step, times)?;
        }
    }
    give(innermost, runs * (loops[0].bound - 1))
}

fn find_sets(array: Array, scope: Scope, scratch: &mut Scratch) -> Result<(), Illegal> {
    let Scratch { table, sets, .. } = scratch;
    let is_found = if scope.hops { array.sets_with_hops(sets) } else { array.sets(sets) };
    if !is_found {
        array.list_sets(None, table, sets)?;
    }
    Ok(())
}

/// Number of sets.
fn count(sets: &[Delivered]) -> u64 {
    sets.iter().map(|set| set.scatter).sum()
}

/// Adds `words` for each of `sets` to `delivered`.
fn add(sets: &[Delivered], words: u64, delivered: &mut Vec<Delivered>) -> Result<(), Illegal> {
    for set in sets {
        let read = words.checked_mul(set.scatter).ok_or(TOO_MANY)?;
        let same = |known: &&mut Delivered| known.multicast == set.multicast && known.scatter == set.scatter;
        match delivered.iter_mut().find(same) {
            Some(known) => {
                let total = known.words.checked_add(read).ok_or(TOO_MANY)?;
                // Hops of a row are those of its average word, so each part weighs as much as it has words.
                if total > 0 {
                    known.hops = (known.hops * known.words as f64 + set.hops * read as f64) / total as f64;
                }
                known.words = total;
                known.average_words = total as f64;
            }
            None => delivered.push(Delivered { words: read, average_words: read as f64, ..*set }),
        }
    }
    Ok(())
}
