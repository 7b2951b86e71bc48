//! Reads, fills and updates of every level, from what each level delivers: partitions, bypass, partial sums.

use super::quirks::Quirks;
use super::report::{Illegal, NetworkTraffic, Report, TensorReport};

const TOO_MANY: Illegal = Illegal::Overflow { what: "words moved" };

/// What the accesses of one tensor depend on besides its deliveries.
pub(super) struct Flow<'a> {
    pub(super) tensor: usize,
    pub(super) output: bool,
    /// By level: instances in use below one instance.
    pub(super) fanout: &'a [u64],
    /// By level: instances over which peers are averaged.
    pub(super) peers: &'a [u64],
    /// By level: words of the tiles of all instances below one instance.
    pub(super) unrolled_words: &'a [u64],
    /// By level: whether it adds to partial sums in place.
    pub(super) reduces_in_place: &'a [bool],
    /// Words in the outermost level and words that are asked for, if some of these are made on the way.
    pub(super) stored: Option<(u64, u64)>,
    pub(super) quirks: Quirks,
}

/// `words` less those that are made on the way: of so many there are so few, rounded up. All words of a tensor are taken to be
/// asked for equally often.
pub(super) fn share_of(stored: Option<(u64, u64)>, words: u64) -> u64 {
    let Some((some, all)) = stored else { return words };
    // No more than `words`, as the share is at most 1; mostly without a division of 128 bits.
    match words.checked_mul(some) {
        Some(product) => product.div_ceil(all),
        None => (u128::from(words) * u128::from(some)).div_ceil(u128::from(all)) as u64,
    }
}

/// Words that reach an instance, on average: `words` over `instances`.
#[derive(Clone, Copy)]
struct Share {
    words: u64,
    instances: u64,
}

const NOTHING: Share = Share { words: 0, instances: 1 };

/// How a part of a word counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Down,
    Nearest,
}

/// The sum of two averages.
fn sum(a: Share, b: Share, rounding: Rounding) -> Result<u64, Illegal> {
    let half = |instances: u64| if rounding == Rounding::Nearest { instances / 2 } else { 0 };
    if b.words == 0 {
        return match (a.instances, a.words.checked_add(half(a.instances))) {
            (1, _) => Ok(a.words),
            (instances, Some(words)) => Ok(words / instances),
            (_, None) => Err(TOO_MANY),
        };
    }
    // Fanouts and instances are far below 2^32, so these products fit.
    let (a_instances, b_instances) = (u128::from(a.instances), u128::from(b.instances));
    let words = u128::from(a.words) * b_instances + u128::from(b.words) * a_instances;
    let instances = a_instances * b_instances;
    let half = if rounding == Rounding::Nearest { instances / 2 } else { 0 };
    u64::try_from((words + half) / instances).map_err(|_| TOO_MANY)
}

/// Turns the deliveries of one tensor, already in `report` with `kept` and `tile_words`, into accesses.
pub(super) fn account(flow: &Flow, report: &mut Report) -> Result<(), Illegal> {
    let n_levels = flow.fanout.len();
    let top = (0..n_levels).rev().find(|&level| report.tensor(level, flow.tensor).kept);
    let top = top.ok_or(Illegal::KeptNowhere { tensor: flow.tensor })?;
    partition(flow, report, n_levels)?;
    // What arrives at an instance is the same whether the level right above keeps the tensor or lets it pass, so it is taken
    // before bypass moves deliveries up.
    let mut shares = [NOTHING; super::architecture::MAX_LEVELS];
    for level in 1..n_levels {
        let words = weighted(&report.tensor(level, flow.tensor).network)?;
        shares[level - 1] = Share { words, instances: flow.fanout[level] };
    }
    for level in 0..top {
        if !report.tensor(level, flow.tensor).kept {
            bypass(flow, level, report)?;
        }
    }
    // Nothing above the outermost level that keeps the tensor ever moves it.
    for level in top + 1..n_levels {
        clear(report.tensor_mut(level, flow.tensor));
    }
    // Its words are there from the start.
    shares[top] = NOTHING;
    for (level, &share) in shares.iter().enumerate().take(top + 1) {
        let peers = match flow.peers.get(level + 1) {
            Some(&instances) if level < top => {
                Share { words: report.tensor(level + 1, flow.tensor).network.link_transfers, instances }
            }
            _ => NOTHING,
        };
        finish(flow, level, level == top, share, peers, report.tensor_mut(level, flow.tensor))?;
    }
    Ok(())
}

/// Share of the tensor that passes through one instance of each level.
fn partition(flow: &Flow, report: &mut Report, n_levels: usize) -> Result<(), Illegal> {
    // From the whole tensor inwards, a level's share is that of its tile in what all instances beside it hold together.
    let mut words = report.tensor(n_levels - 1, flow.tensor).tile_words;
    report.tensor_mut(n_levels - 1, flow.tensor).partition_words = words;
    for level in (0..n_levels - 1).rev() {
        let entry = report.tensor_mut(level, flow.tensor);
        words = scale(words, entry.tile_words, flow.unrolled_words[level + 1])?;
        entry.partition_words = words;
    }
    Ok(())
}

/// `words * numerator / denominator`, rounded down; mostly without a division of 128 bits.
fn scale(words: u64, numerator: u64, denominator: u64) -> Result<u64, Illegal> {
    if numerator == denominator {
        return Ok(words);
    }
    match words.checked_mul(numerator) {
        Some(product) => Ok(product / denominator),
        None => {
            let exact = u128::from(words) * u128::from(numerator) / u128::from(denominator);
            u64::try_from(exact).map_err(|_| TOO_MANY)
        }
    }
}

/// Lets the level above `level` serve the instances below `level` itself.
fn bypass(flow: &Flow, level: usize, report: &mut Report) -> Result<(), Illegal> {
    let fanout = flow.fanout[level + 1];
    let (entry, parent) = report.pair_mut(level, flow.tensor);
    // The parent delivered for tiles of the level; now it delivers, for each of the `fanout` instances of the level, what
    // that one would have read for those below it. Sets keep their proportions.
    let demanded = u128::from(content(&entry.network)?) * u128::from(fanout);
    let delivered = u128::from(weighted(&parent.network)?);
    let average =
        |network: &NetworkTraffic| network.delivered.iter().map(|row| row.average_words).sum::<f64>();
    let amplified = average(&entry.network) * fanout as f64 / delivered as f64;
    // Rows are rounded so that their sum is the rounded sum.
    let (mut sum_before, mut sum) = (0u128, 0u64);
    for row in &mut parent.network.delivered {
        let before = row.words;
        sum_before += u128::from(before);
        let product = sum_before.checked_mul(demanded).ok_or(TOO_MANY)?;
        let reached = u64::try_from((product + delivered / 2) / delivered).map_err(|_| TOO_MANY)?;
        row.words = reached - std::mem::replace(&mut sum, reached);
        row.average_words *= amplified;
        if flow.quirks.hops_before_bypass && row.words > 0 {
            row.hops *= before as f64 / row.words as f64;
        }
    }
    // Instances that hold nothing have nothing to hand to a neighbour.
    parent.network.link_transfers = 0;
    entry.tile_words = 0;
    entry.partition_words = 0;
    Ok(())
}

fn clear(entry: &mut TensorReport) {
    let mut delivered = std::mem::take(&mut entry.network.delivered);
    delivered.clear();
    *entry = TensorReport {
        network: NetworkTraffic { delivered, ..NetworkTraffic::default() },
        ..TensorReport::default()
    };
}

fn finish(
    flow: &Flow,
    level: usize,
    is_top: bool,
    share: Share,
    peers: Share,
    entry: &mut TensorReport,
) -> Result<(), Illegal> {
    let content = content(&entry.network)?;
    let spatial = |row: &super::report::Delivered| (row.multicast - 1).checked_mul(row.words);
    entry.network.ingresses = content;
    entry.network.spatial_reductions = 0;
    if flow.output {
        // The instances of a set work on one sum: all but one of them add theirs on the way up.
        entry.network.spatial_reductions = entry
            .network
            .delivered
            .iter()
            .try_fold(0u64, |sum, row| sum.checked_add(spatial(row)?))
            .ok_or(TOO_MANY)?;
        // Memory that cannot add sends each sum down to be added to and takes it back, but for the first time, when there is
        // nothing to send.
        if !flow.reduces_in_place[level] {
            let both_ways = content.checked_mul(2).ok_or(TOO_MANY)?;
            entry.network.ingresses = both_ways.saturating_sub(entry.partition_words);
        }
    } else if is_top {
        entry.network.ingresses = share_of(flow.stored, content);
    }
    if !entry.kept {
        (entry.reads, entry.fills, entry.updates, entry.temporal_reductions) = (0, 0, 0, 0);
        return Ok(());
    }
    let from_peers = if peers.words == 0 { 0 } else { sum(peers, NOTHING, Rounding::Nearest)? };
    let read = content.checked_add(from_peers).ok_or(TOO_MANY)?;
    if flow.output {
        // The first partial sum of every word is not fetched.
        let first = entry.partition_words;
        entry.updates = content;
        entry.reads = read.saturating_sub(first);
        // A sum is read for nothing else than to be added to.
        entry.temporal_reductions = entry.reads;
        // Averages of sums are rounded to the nearest word and those of operands down, as Timeloop rounds them.
        let filled = sum(share, peers, Rounding::Nearest)?;
        let is_whole = is_top || flow.quirks.first_sums_filled;
        entry.fills = if is_whole { filled } else { filled.saturating_sub(first) };
    } else {
        // Nobody above hands anything to neighbours of the outermost level.
        entry.reads = if is_top { entry.network.ingresses } else { read };
        entry.updates = 0;
        entry.temporal_reductions = 0;
        entry.fills = sum(share, peers, Rounding::Down)?;
    }
    Ok(())
}

/// Words read at a level for the instances below it.
fn content(network: &NetworkTraffic) -> Result<u64, Illegal> {
    network.delivered.iter().try_fold(0u64, |sum, row| sum.checked_add(row.words)).ok_or(TOO_MANY)
}

/// Words that arrive at all the instances below.
fn weighted(network: &NetworkTraffic) -> Result<u64, Illegal> {
    let arrive =
        |sum: u64, row: &super::report::Delivered| sum.checked_add(row.words.checked_mul(row.multicast)?);
    network.delivered.iter().try_fold(0, arrive).ok_or(TOO_MANY)
}
