//! A tensor's index arithmetic in the fixed-size form that the hot path uses.

use super::comb::Comb;
use super::einsum::{Einsum, MAX_DIMS, MAX_RANKS, Role};
use super::loops::FlatLoop;

/// A displacement in tensor space, one entry per rank.
pub(super) type Shift = [i64; MAX_RANKS];

/// Stretches of neighbouring words of a rank: the first word and the one after the last. In order; no two touch.
pub(super) type Stretches = Vec<(i64, i64)>;

/// Words that count as touched by a strided access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touched {
    /// All words of the box around the tile.
    Box,
    /// Those alone that some iteration uses.
    Used,
}

/// Coefficients of one tensor, by rank and by dimension.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    pub(super) output: bool,
    /// Words in the outermost level and words that are asked for, if some of these are made on the way.
    pub(super) stored: Option<(u64, u64)>,
    pub(super) n_ranks: usize,
    /// Whether every rank is one dimension, with coefficient 1, that is in no other rank: tiles then never overlap.
    pub(super) plain: bool,
    /// Coefficient of a dimension in every rank, shape `[MAX_DIMS][MAX_RANKS]`.
    coefficients: [[i64; MAX_RANKS]; MAX_DIMS],
    /// Bit `d` is set if dimension `d` moves the index; the 12 dimensions of [`MAX_DIMS`] fit.
    used: u16,
    /// Bit `d` is set if dimension `d` moves two or more ranks.
    diagonal: u16,
    /// The rank that a dimension moves, and by how much, if it moves only one.
    single: [Option<(usize, i64)>; MAX_DIMS],
    /// `(dimension, coefficient)` of all ranks, one after the other, and where each rank ends.
    terms: Vec<(usize, u64)>,
    ends: [usize; MAX_RANKS],
    /// Ranks in which tiles can have holes, if holes are not to be counted.
    combs: [Option<Comb>; MAX_RANKS],
    has_combs: bool,
}

/// The part of a tensor that a tile touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footprint {
    /// Lengths of the box around it, by rank.
    pub(super) lengths: [u64; MAX_RANKS],
    /// Words of the part.
    pub(super) words: u64,
    /// Bit `r` is set if rank `r` has holes that do not count.
    holes: u8,
}

impl Projection {
    pub(super) fn new(einsum: &Einsum, tensor: usize, touched: Touched) -> Self {
        let tensor = &einsum.tensors()[tensor];
        let mut projection = Self {
            output: tensor.role() == Role::Output,
            stored: None,
            n_ranks: tensor.ranks().len(),
            plain: true,
            coefficients: [[0; MAX_RANKS]; MAX_DIMS],
            used: 0,
            diagonal: 0,
            single: [None; MAX_DIMS],
            terms: Vec::new(),
            ends: [0; MAX_RANKS],
            combs: [None; MAX_RANKS],
            has_combs: false,
        };
        for (index, rank) in tensor.ranks().iter().enumerate() {
            // A dimension of one point never moves anything.
            let moving = rank.terms().iter().filter(|&&(dim, _)| einsum.dims()[dim].size > 1);
            let mut terms: Vec<(usize, u64)> = moving.copied().collect();
            if touched == Touched::Used {
                // What all terms step over is never touched, and a rank of two terms is a comb.
                let step = terms.iter().fold(0, |step, &(_, coefficient)| gcd(step, coefficient));
                terms.iter_mut().for_each(|(_, coefficient)| *coefficient /= step);
                projection.combs[index] = Comb::new(&terms);
                projection.has_combs |= projection.combs[index].is_some();
            }
            projection.plain &= matches!(terms[..], [] | [(_, 1)]);
            projection.push_rank(index, &terms);
        }
        // A dimension in two ranks moves both at once, so that a larger tile is no multiple of smaller ones.
        projection.plain &= projection.diagonal == 0;
        projection
    }

    fn push_rank(&mut self, rank: usize, terms: &[(usize, u64)]) {
        for &(dim, coefficient) in terms {
            // The second rank that a dimension moves takes its entry in `single` away again.
            let is_first = !self.uses(dim);
            self.single[dim] = is_first.then_some((rank, coefficient as i64));
            self.diagonal |= self.used & (1 << dim);
            self.used |= 1 << dim;
            self.coefficients[dim][rank] = coefficient as i64;
        }
        self.terms.extend_from_slice(terms);
        self.ends[rank] = self.terms.len();
    }

    #[inline]
    pub(super) fn uses(&self, dim: usize) -> bool {
        self.used >> dim & 1 == 1
    }

    /// Whether two ranks move together with `dim`.
    pub(super) fn is_diagonal(&self, dim: usize) -> bool {
        self.diagonal >> dim & 1 == 1
    }

    /// The rank that `dim` moves, and by how much, if it moves exactly one.
    #[inline]
    pub(super) fn single(&self, dim: usize) -> Option<(usize, i64)> {
        self.single[dim]
    }

    /// `(dimension, coefficient)` of `rank`.
    pub(super) fn terms(&self, rank: usize) -> &[(usize, u64)] {
        let start = if rank == 0 { 0 } else { self.ends[rank - 1] };
        &self.terms[start..self.ends[rank]]
    }

    /// How far `points` steps of `dim` move the index.
    #[inline]
    pub(super) fn shift(&self, dim: usize, points: u64) -> Shift {
        let mut shift = self.coefficients[dim];
        for component in &mut shift {
            *component *= points as i64;
        }
        shift
    }

    /// The index at `points`.
    pub(super) fn corner(&self, points: &[u64; MAX_DIMS]) -> Shift {
        let mut corner = [0; MAX_RANKS];
        for (row, &point) in self.coefficients.iter().zip(points).filter(|&(_, &point)| point > 0) {
            corner.iter_mut().zip(row).for_each(|(total, coefficient)| *total += coefficient * point as i64);
        }
        corner
    }

    /// How far the last of some instances is from the first, `loops` being theirs.
    pub(super) fn reach(&self, loops: &[FlatLoop]) -> Shift {
        let mut reach = [0; MAX_RANKS];
        for item in loops {
            let part = self.shift(item.dim, item.stride * (item.bound - 1));
            reach.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
        reach
    }

    /// What `extents` (points per dimension) touch. Boxes are within the tensor, whose size was checked to fit.
    #[inline]
    pub(super) fn footprint(&self, extents: &[u64; MAX_DIMS]) -> Footprint {
        // The index runs from 0 to the sum of `coefficient (extent - 1)`. Ranks are independent, so lengths multiply.
        let mut footprint = Footprint { lengths: [1; MAX_RANKS], words: 1, holes: 0 };
        let mut start = 0;
        for (rank, &end) in self.ends[..self.n_ranks].iter().enumerate() {
            let steps =
                self.terms[start..end].iter().map(|&(dim, coefficient)| coefficient * (extents[dim] - 1));
            let length = 1 + steps.sum::<u64>();
            footprint.lengths[rank] = length;
            footprint.words *= length;
            start = end;
        }
        if self.has_combs {
            self.punch_holes(extents, &mut footprint);
        }
        footprint
    }

    fn punch_holes(&self, extents: &[u64; MAX_DIMS], footprint: &mut Footprint) {
        // Whether a word is a hole shows in each rank alone, so the touched points of the ranks multiply as lengths do.
        footprint.words = 1;
        for (rank, comb) in self.combs[..self.n_ranks].iter().enumerate() {
            let length = footprint.lengths[rank];
            let points = comb.map_or(length, |comb| comb.points(extents));
            footprint.holes |= u8::from(points != length) << rank;
            footprint.words *= points;
        }
    }

    /// Words of a tile that are not in the tile displaced by `shift`.
    #[inline]
    pub(super) fn fresh(&self, tile: &Footprint, extents: &[u64; MAX_DIMS], shift: &Shift) -> u64 {
        // Two boxes of one shape share `length - |shift|` in each rank, and nothing at all if one rank shares nothing.
        let mut common = 1;
        for (rank, (length, &component)) in tile.lengths[..self.n_ranks].iter().zip(shift).enumerate() {
            common *= match self.combs[rank] {
                Some(comb) if tile.holes >> rank & 1 == 1 => comb.common(extents, extents, component),
                _ => length.saturating_sub(component.unsigned_abs()),
            };
        }
        tile.words - common
    }

    /// Words of `rank` that a tile of `extents` at `corner` touches.
    pub(super) fn stretches(
        &self,
        rank: usize,
        extents: &[u64; MAX_DIMS],
        corner: i64,
        stretches: &mut Stretches,
    ) {
        stretches.clear();
        let steps = self.terms(rank).iter().map(|&(dim, coefficient)| coefficient * (extents[dim] - 1));
        let length = 1 + steps.sum::<u64>();
        match self.combs[rank].filter(|comb| comb.points(extents) < length) {
            None => stretches.push((corner, corner + length as i64)),
            Some(comb) => {
                comb.list(extents, corner, |point| stretches.push((point, point + 1)));
                stretches.sort_unstable();
                stretches.dedup_by(|next, last| {
                    let touches = next.0 == last.1;
                    if touches {
                        last.1 = next.1;
                    }
                    touches
                });
            }
        }
    }

    /// Words that two tiles of different extents share, the second displaced by `shift` from the first.
    pub(super) fn common(&self, a: &[u64; MAX_DIMS], b: &[u64; MAX_DIMS], shift: &Shift) -> u64 {
        let (a_box, b_box) = (self.footprint(a), self.footprint(b));
        let common = |rank: usize| match self.combs[rank] {
            Some(comb) => comb.common(a, b, shift[rank]),
            None => {
                // The first box runs from 0, the second from the shift: what both have is from the later start to the
                // earlier end.
                let start = shift[rank].max(0);
                let end = (a_box.lengths[rank] as i64).min(shift[rank] + b_box.lengths[rank] as i64);
                (end - start).max(0) as u64
            }
        };
        (0..self.n_ranks).map(common).product()
    }
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
