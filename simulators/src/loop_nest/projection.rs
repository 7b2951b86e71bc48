//! A tensor's index arithmetic in the fixed-size form that the hot path uses.

use super::einsum::{MAX_DIMS, MAX_RANKS, Role, Tensor};

/// A displacement in tensor space, one entry per rank.
pub(super) type Shift = [i64; MAX_RANKS];

/// Coefficients of one tensor, by rank and by dimension.
#[derive(Debug, Clone)]
pub(super) struct Projection {
    pub(super) output: bool,
    pub(super) n_ranks: usize,
    /// Coefficient of a dimension in every rank, shape `[MAX_DIMS][MAX_RANKS]`.
    coefficients: [[i64; MAX_RANKS]; MAX_DIMS],
    /// Bit `d` is set if dimension `d` moves the index.
    used: u16,
    /// Bit `d` is set if dimension `d` moves two or more ranks.
    diagonal: u16,
    /// The rank that a dimension moves, and by how much, if it moves only one.
    single: [Option<(usize, i64)>; MAX_DIMS],
    /// `(dimension, coefficient)` of all ranks, one after the other, and where each rank ends.
    terms: Vec<(usize, u64)>,
    ends: [usize; MAX_RANKS],
}

impl Projection {
    pub(super) fn new(tensor: &Tensor) -> Self {
        let mut projection = Self {
            output: tensor.role() == Role::Output,
            n_ranks: tensor.ranks().len(),
            coefficients: [[0; MAX_RANKS]; MAX_DIMS],
            used: 0,
            diagonal: 0,
            single: [None; MAX_DIMS],
            terms: Vec::new(),
            ends: [0; MAX_RANKS],
        };
        for (rank_index, rank) in tensor.ranks().iter().enumerate() {
            for &(dim, coefficient) in rank.terms() {
                let is_first = !projection.uses(dim);
                projection.single[dim] = is_first.then_some((rank_index, coefficient as i64));
                projection.diagonal |= projection.used & (1 << dim);
                projection.used |= 1 << dim;
                projection.coefficients[dim][rank_index] = coefficient as i64;
                projection.terms.push((dim, coefficient));
            }
            projection.ends[rank_index] = projection.terms.len();
        }
        projection
    }

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

    /// Coefficient of `dim` in `rank`.
    pub(super) fn coefficient(&self, dim: usize, rank: usize) -> i64 {
        self.coefficients[dim][rank]
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
        for component in &mut shift[..self.n_ranks] {
            *component *= points as i64;
        }
        shift
    }

    /// Lengths of the box that `extents` (points per dimension) reach, one per rank.
    #[inline]
    pub(super) fn lengths(&self, extents: &[u64; MAX_DIMS]) -> [u64; MAX_RANKS] {
        let mut lengths = [1; MAX_RANKS];
        let mut start = 0;
        for (length, &end) in lengths.iter_mut().zip(&self.ends[..self.n_ranks]) {
            for &(dim, coefficient) in &self.terms[start..end] {
                *length += coefficient * (extents[dim] - 1);
            }
            start = end;
        }
        lengths
    }

    /// Words of a box. Boxes are within the tensor, whose size was checked to fit.
    #[inline]
    pub(super) fn volume(&self, lengths: &[u64; MAX_RANKS]) -> u64 {
        lengths[..self.n_ranks].iter().product()
    }

    /// Words of a box of `lengths` that are not in the box displaced by `shift`.
    #[inline]
    pub(super) fn fresh(&self, lengths: &[u64; MAX_RANKS], volume: u64, shift: &Shift) -> u64 {
        let mut common = 1;
        for (length, component) in lengths[..self.n_ranks].iter().zip(shift) {
            common *= length.saturating_sub(component.unsigned_abs());
        }
        volume - common
    }
}
