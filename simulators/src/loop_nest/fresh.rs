//! Words that instances lack, in a form in which equal sets of words are equal.
//!
//! Instances with different tiles can lack the same words: the end of a whole tile of one is all of a tile of another
//! that a remainder cut short. A read serves both, so sets are told apart by the words that are in them.
//!
//! A tile is a product of stretches of each rank, `A = A_0 x A_1 x ..`, and so is the tile `B` before it. With `D_r` the
//! part of `A_r` that is not in `B_r`, what is new, `A` without `B`, is
//! - `A` itself, if the tiles share no word;
//! - `A` with `D_r` for `A_r`, if they differ in rank `r` alone: a product again, which has one set of factors;
//! - else no product, but `A` is what it reaches in each rank and `B`'s part of `A` is the rest, so that it has one `A` and
//!   one list of `D_r`.

use super::einsum::{MAX_DIMS, MAX_RANKS};
use super::projection::{Projection, Shift, Stretches};

/// A tile: its corner and, for each dimension, its points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) corner: Shift,
    pub(super) extents: [u64; MAX_DIMS],
}

/// New words of one instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh {
    pub(super) words: u64,
    pub(super) instance: u32,
    /// First word of each rank, and the distance to the one after the last.
    corner: Shift,
    lengths: Shift,
    /// Where the list of stretches begins and ends, empty if the words are all of the box.
    detail: (usize, usize),
}

/// New words of all instances in one step.
#[derive(Debug, Clone, Default)]
pub(super) struct FreshSets {
    list: Vec<Fresh>,
    /// Stretches of those that are no boxes, rank after rank, each behind their number.
    details: Vec<i64>,
    own: [Stretches; MAX_RANKS],
    new: [Stretches; MAX_RANKS],
    held: Stretches,
}

impl FreshSets {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.details.clear();
    }

    /// Adds the words of `now` that are not in `before`, a tile that shares some of them: `words`, at least one.
    pub(super) fn push(
        &mut self,
        projection: &Projection,
        now: &Held,
        before: Option<&Held>,
        words: u64,
        instance: u32,
    ) {
        let n_ranks = projection.n_ranks;
        let mut n_differing = 0;
        let mut differing = 0;
        for rank in 0..n_ranks {
            projection.stretches(rank, &now.extents, now.corner[rank], &mut self.own[rank]);
            self.new[rank].clear();
            if let Some(before) = before {
                projection.stretches(rank, &before.extents, before.corner[rank], &mut self.held);
                subtract(&self.own[rank], &self.held, &mut self.new[rank]);
                if !self.new[rank].is_empty() {
                    (n_differing, differing) = (n_differing + 1, rank);
                }
            }
        }
        if n_differing == 1 {
            std::mem::swap(&mut self.own[differing], &mut self.new[differing]);
        }
        let begin = self.details.len();
        if n_differing > 1 || self.own[..n_ranks].iter().any(|stretches| stretches.len() > 1) {
            // The words that are new in one rank alone are in `own` now.
            let new = if n_differing > 1 { &self.new[..n_ranks] } else { &[] };
            for stretches in self.own[..n_ranks].iter().chain(new) {
                self.details.push(stretches.len() as i64);
                self.details.extend(stretches.iter().flat_map(|&(first, end)| [first, end]));
            }
        }
        let mut fresh = Fresh {
            words,
            instance,
            corner: [0; MAX_RANKS],
            lengths: [1; MAX_RANKS],
            detail: (begin, self.details.len()),
        };
        for (rank, stretches) in self.own[..n_ranks].iter().enumerate() {
            if let (Some(first), Some(last)) = (stretches.first(), stretches.last()) {
                fresh.corner[rank] = first.0;
                fresh.lengths[rank] = last.1 - first.0;
            }
        }
        self.list.push(fresh);
    }

    /// Puts instances that lack the same words side by side, by number among themselves.
    pub(super) fn sort(&mut self) {
        let Self { list, details, .. } = self;
        list.sort_unstable_by(|a, b| {
            let (a_key, b_key) = (key(a, details), key(b, details));
            a_key.cmp(&b_key).then(a.instance.cmp(&b.instance))
        });
    }

    /// Whether the entry at `index` has the words of the entry at `place` of `other`, if there is one.
    pub(super) fn is_in(&self, index: usize, other: &Self, place: usize) -> bool {
        let own = key(&self.list[index], &self.details);
        other.list.get(place).is_some_and(|new| key(new, &other.details) == own)
    }

    /// The entries in their present order.
    pub(super) fn list(&self) -> &[Fresh] {
        &self.list
    }

    /// Leaves out what `instances`, in rising order, lack.
    pub(super) fn remove(&mut self, instances: &[u32]) {
        self.list.retain(|new| instances.binary_search(&new.instance).is_err());
    }

    /// Instances by what they lack, once sorted.
    pub(super) fn sets(&self) -> impl Iterator<Item = &[Fresh]> {
        self.list.chunk_by(|a, b| key(a, &self.details) == key(b, &self.details))
    }
}

/// Equal if and only if the sets of words are.
fn key<'a>(fresh: &Fresh, details: &'a [i64]) -> (Shift, Shift, &'a [i64]) {
    (fresh.corner, fresh.lengths, &details[fresh.detail.0..fresh.detail.1])
}

/// What is in `own` but not in `other`.
fn subtract(own: &Stretches, other: &Stretches, rest: &mut Stretches) {
    rest.clear();
    for &(first, end) in own {
        let mut from = first;
        let behind = other.partition_point(|stretch| stretch.1 <= first);
        for &(cut, until) in other[behind..].iter().take_while(|stretch| stretch.0 < end) {
            if from < cut {
                rest.push((from, cut));
            }
            from = until;
        }
        if from < end {
            rest.push((from, end));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::einsum::{Einsum, TensorSpec};
    use super::super::projection::Touched;
    use super::*;

    /// Two ranks, `2 P + 3 R` and `Q + 2 S`.
    fn projection() -> Projection {
        let dims = [("P", 9), ("R", 9), ("Q", 9), ("S", 9)];
        let ranks: [&[(&str, u64)]; 2] = [&[("P", 2), ("R", 3)], &[("Q", 1), ("S", 2)]];
        let einsum = Einsum::new(&dims, &[TensorSpec::output("T", &ranks)]).unwrap();
        Projection::new(&einsum, 0, Touched::Used)
    }

    fn held(corner: (i64, i64), points: [u64; 4]) -> Held {
        let mut held = Held { corner: [0; MAX_RANKS], extents: [1; MAX_DIMS] };
        held.corner[..2].copy_from_slice(&[corner.0, corner.1]);
        held.extents[..4].copy_from_slice(&points);
        held
    }

    fn words(held: &Held) -> BTreeSet<(i64, i64)> {
        let rank = |of: usize, a: i64, b: i64| {
            let (n, m) = (held.extents[2 * of] as i64, held.extents[2 * of + 1] as i64);
            (0..n).flat_map(move |i| (0..m).map(move |j| held.corner[of] + a * i + b * j))
        };
        rank(0, 2, 3).flat_map(|x| rank(1, 1, 2).map(move |y| (x, y))).collect()
    }

    fn n_sets(tiles: &[(Held, Option<Held>)]) -> (usize, usize) {
        let mut sets = FreshSets::default();
        let mut listed = BTreeSet::new();
        for (number, (now, before)) in tiles.iter().enumerate() {
            let shared = before.filter(|before| !words(before).is_disjoint(&words(now)));
            let new = &words(now) - &shared.as_ref().map(words).unwrap_or_default();
            if !new.is_empty() {
                sets.push(&projection(), now, shared.as_ref(), new.len() as u64, number as u32);
                listed.insert(new);
            }
        }
        sets.sort();
        (sets.sets().count(), listed.len())
    }

    // Rank 0 is a point throughout. {0, 1, 2} without {-1, 0, 1} is {2}, as is a whole tile of one word.
    #[test]
    fn the_end_of_one_tile_is_another_tile() {
        let long = (held((0, 0), [1, 1, 3, 1]), Some(held((0, -1), [1, 1, 3, 1])));
        let short = (held((0, 2), [1, 1, 1, 1]), None);
        assert_eq!(n_sets(&[long, short]), (1, 1));
    }

    fn tile() -> impl Strategy<Value = Held> {
        ((0..4i64, 0..4i64), [1..4u64, 1..4, 1..4, 1..3]).prop_map(|(corner, points)| held(corner, points))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sets_are_equal_if_and_only_if_their_words_are(
            tiles in prop::collection::vec((tile(), prop::option::of(tile())), 1..40)
        ) {
            let (found, listed) = n_sets(&tiles);
            prop_assert_eq!(found, listed);
        }
    }
}
