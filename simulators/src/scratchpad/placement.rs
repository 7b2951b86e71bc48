//! Placing buffers one after the other, without taking anything back.

use super::buffers::Buffers;

/// Unplaced.
const NOWHERE: u64 = u64::MAX;

/// What buffers are ordered by, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BufferKey {
    /// Bytes.
    Size,
    /// How long it lives.
    Life,
    /// The most bytes alive at once while it lives.
    Pressure,
    /// How many are alive together with it.
    Neighbours,
    /// Bytes times how long it lives.
    Area,
    /// When it is written first.
    Start,
    /// How many times other buffers come and go around it: sections of time, as [`Buffers`] has them.
    Sections,
}

impl BufferKey {
    /// The value of one buffer.
    pub fn of(self, buffers: &Buffers, buffer: usize) -> u128 {
        let it = buffers.buffers()[buffer];
        let (from, to) = buffers.span(buffer);
        match self {
            Self::Size => it.size_byte.into(),
            Self::Life => (it.end - it.start).into(),
            Self::Pressure => buffers.loads_byte()[from..to].iter().copied().max().unwrap_or(0).into(),
            Self::Neighbours => buffers.neighbours(buffer).len() as u128,
            Self::Area => u128::from(it.size_byte) * u128::from(it.end - it.start),
            Self::Start => it.start.into(),
            Self::Sections => (to - from) as u128,
        }
    }

    /// All buffers by these keys in turn, the largest first; equal ones as they were given.
    pub fn order(keys: &[Self], buffers: &Buffers) -> Vec<usize> {
        let mut order: Vec<usize> = (0..buffers.buffers().len()).collect();
        order.sort_by_cached_key(|&buffer| {
            keys.iter().map(|key| std::cmp::Reverse(key.of(buffers, buffer))).collect::<Vec<_>>()
        });
        order
    }
}

/// Offsets if each buffer of `order`, a permutation, goes to the lowest place that is free of those before it. Shape `[n]`. O(n² log n).
///
/// Some order gives the least height: that of the offsets in a best allocation from which nothing can sink.
pub fn first_fit(buffers: &Buffers, order: &[usize]) -> Vec<u64> {
    let mut offsets_byte = vec![NOWHERE; order.len()];
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for &buffer in order {
        let placed = buffers.neighbours(buffer).iter().filter(|&&it| offsets_byte[it] != NOWHERE);
        taken.clear();
        taken
            .extend(placed.map(|&it| (offsets_byte[it], offsets_byte[it] + buffers.buffers()[it].size_byte)));
        taken.sort_unstable();
        let size_byte = buffers.buffers()[buffer].size_byte;
        let mut offset_byte = 0;
        for &(from_byte, to_byte) in &taken {
            if from_byte >= offset_byte + size_byte {
                break;
            }
            offset_byte = offset_byte.max(to_byte);
        }
        offsets_byte[buffer] = offset_byte;
    }
    offsets_byte
}

/// Offsets if buffers pile up: each on top of those placed before, next the one of the highest `score` among those that could not be put
/// below another. Shape of `scores` and result: `[n]`. O(n²).
///
/// `lowness`: what a score loses at an offset as high as the peak, and in proportion below. Of equal scores the first buffer goes first.
pub fn lowest_first(buffers: &Buffers, scores: &[f64], lowness: f64) -> Vec<u64> {
    let mut offsets_byte = vec![0; scores.len()];
    let mut open: Vec<usize> = (0..scores.len()).collect();
    let per_byte = lowness / buffers.peak_byte() as f64;
    let size_byte = |buffer: usize| buffers.buffers()[buffer].size_byte;
    let mut is_open = vec![true; scores.len()];
    while !open.is_empty() {
        let lowest_end = open.iter().map(|&it| offsets_byte[it] + size_byte(it)).min().unwrap_or(0);
        let worth = |&at: &usize| scores[open[at]] - per_byte * offsets_byte[open[at]] as f64;
        let able = (0..open.len()).filter(|&at| offsets_byte[open[at]] < lowest_end);
        let next = able.max_by(|a, b| worth(a).total_cmp(&worth(b)).then_with(|| open[*b].cmp(&open[*a])));
        let buffer = open.swap_remove(next.expect("invariant: the one with the lowest end is able"));
        is_open[buffer] = false;
        let top_byte = offsets_byte[buffer] + size_byte(buffer);
        for &above in buffers.neighbours(buffer).iter().filter(|&&it| is_open[it]) {
            offsets_byte[above] = top_byte.max(offsets_byte[above]);
        }
    }
    offsets_byte
}
