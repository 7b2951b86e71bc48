//! Words that a level reads for the instances below it, before bypass: time and space together.

use super::einsum::MAX_RANKS;
use super::nest::{FlatLoop, MAX_LOOPS};
use super::projection::Shift;
use super::report::{Delivered, Illegal, NetworkTraffic};
use super::residual::{Residual, walk};
use super::spatial::{Array, OffsetTable};
use super::temporal::{Step, Steps, Tile, words_fetched};

/// Scratch vectors of one evaluation.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    table: OffsetTable,
    sets: Vec<Delivered>,
    rest: Vec<Delivered>,
}

/// What a delivery has to look at besides words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Whether neighbours may hand words to each other.
    pub(super) links: bool,
    /// Whether hops are wanted.
    pub(super) hops: bool,
}

const TOO_MANY: Illegal = Illegal::Overflow { what: "words moved" };

/// Delivers `words` to every instance of `array`, none of it from a neighbour.
pub(super) fn deliver(
    words: u64,
    array: Array,
    scope: Scope,
    scratch: &mut Scratch,
    traffic: &mut NetworkTraffic,
) -> Result<(), Illegal> {
    find_sets(array, scope, scratch);
    traffic.link_transfers = 0;
    traffic.delivered.clear();
    add(&scratch.sets, words, &mut traffic.delivered)
}

/// Delivers `tile` to every instance of `array` over the run of `loops`, words that a neighbour has from it.
pub(super) fn deliver_tiles(
    tile: Tile,
    loops: &[FlatLoop],
    residual: Option<&Residual>,
    array: Array,
    scope: Scope,
    scratch: &mut Scratch,
    traffic: &mut NetworkTraffic,
) -> Result<(), Illegal> {
    let may_hand_over = scope.links && array.fanout > 1 && !loops.is_empty();
    if residual.is_none() && !may_hand_over {
        return deliver(words_fetched(tile, loops).ok_or(TOO_MANY)?, array, scope, scratch, traffic);
    }
    find_sets(array, scope, scratch);
    traffic.link_transfers = 0;
    traffic.delivered.clear();
    let mut alone = 0u64;
    let mut give = |previous: Step, step: Step, times: u64| -> Result<(), Illegal> {
        let words = step.words.checked_mul(times).ok_or(TOO_MANY)?;
        if words == 0 {
            return Ok(());
        }
        if !(may_hand_over && is_same_shape(&previous, &step) && may_link(&array, &step.shift)) {
            alone = alone.checked_add(words).ok_or(TOO_MANY)?;
            return Ok(());
        }
        let Scratch { table, sets, rest } = &mut *scratch;
        let n_linked = array.list_sets(Some(&step.shift), table, rest);
        let count = |sets: &[Delivered]| sets.iter().map(|set| set.scatter).sum::<u64>();
        // Neighbours are asked only if that spares the parent a read.
        if count(rest) >= count(sets) {
            alone = alone.checked_add(words).ok_or(TOO_MANY)?;
            return Ok(());
        }
        let linked = n_linked.checked_mul(words).ok_or(TOO_MANY)?;
        traffic.link_transfers = traffic.link_transfers.checked_add(linked).ok_or(TOO_MANY)?;
        add(rest, words, &mut traffic.delivered)
    };
    match residual {
        Some(residual) => walk(tile, loops, residual, &mut give)?,
        None => for_each_pair(tile, loops, &mut give)?,
    }
    add(&scratch.sets, alone, &mut traffic.delivered)
}

/// Calls `give` with every step, the step before it, and how often the two follow each other.
///
/// The innermost loop runs twice at least, so that whatever step an outer loop makes is preceded by one of the
/// innermost, and the first step of the innermost by one of some outer loop, or by the first tile.
fn for_each_pair(
    tile: Tile,
    loops: &[FlatLoop],
    give: &mut impl FnMut(Step, Step, u64) -> Result<(), Illegal>,
) -> Result<(), Illegal> {
    let whole = Step { shift: [0; MAX_RANKS], words: tile.volume, volume: tile.volume };
    let mut made = [whole; MAX_LOOPS];
    let mut steps = Steps::new(tile);
    for (step, item) in made.iter_mut().zip(loops) {
        *step = steps.next(item);
    }
    let innermost = made[0];
    let repeats = loops[0].bound - 1;
    // Nothing comes before the first tile, so nothing is handed over.
    give(Step { volume: 0, words: 0, ..whole }, whole, 1)?;
    give(whole, innermost, repeats)?;
    let mut outside = 1u64;
    for index in (1..loops.len()).rev() {
        let times = (loops[index].bound - 1).checked_mul(outside).ok_or(TOO_MANY)?;
        outside = outside.checked_mul(loops[index].bound).ok_or(TOO_MANY)?;
        give(innermost, made[index], times)?;
        give(made[index], innermost, times.checked_mul(repeats).ok_or(TOO_MANY)?)?;
    }
    Ok(())
}

/// Whether the new words of two steps have one shape: the whole tile, or what a displacement leaves of it.
fn is_same_shape(a: &Step, b: &Step) -> bool {
    a.words == b.words && a.volume == b.volume && (b.words == b.volume || a.shift == b.shift)
}

/// Whether offsets of `array` can differ by `shift` at all.
fn may_link(array: &Array, shift: &Shift) -> bool {
    let moves =
        |rank: usize| array.loops.iter().any(|item| array.projection.coefficient(item.dim, rank) != 0);
    (0..array.projection.n_ranks).all(|rank| shift[rank] == 0 || moves(rank))
}

fn find_sets(array: Array, scope: Scope, scratch: &mut Scratch) {
    let Scratch { table, sets, .. } = scratch;
    if scope.hops || !array.sets(sets) {
        array.list_sets(None, table, sets);
    }
}

/// Adds `words` for each of `sets` to `delivered`.
fn add(sets: &[Delivered], words: u64, delivered: &mut Vec<Delivered>) -> Result<(), Illegal> {
    for set in sets {
        let read = words.checked_mul(set.scatter).ok_or(TOO_MANY)?;
        let same = |known: &&mut Delivered| known.multicast == set.multicast && known.scatter == set.scatter;
        match delivered.iter_mut().find(same) {
            Some(known) => {
                let total = known.words.checked_add(read).ok_or(TOO_MANY)?;
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
