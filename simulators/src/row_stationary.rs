//! Row-stationary mappings of convolutions, as the Eyeriss chip runs them.
//!
//! Source: Chen, Emer & Sze (2016), "Eyeriss: a spatial architecture for energy-efficient dataflow", ISCA,
//! doi:10.1109/ISCA.2016.40, section V (logical and physical mapping); Chen, Krishna, Emer & Sze (2017), IEEE JSSC 52(1),
//! doi:10.1109/JSSC.2016.2616357, section III (processing passes). Letters are the papers'.
//!
//! A processing element (PE) keeps rows of `p` filters and `q` channels and slides them over as many rows of the input:
//! one-dimensional convolutions, whose sums are added up along a column of `R` PEs. `e` such columns work on neighbouring
//! rows of the output. A set of `R x e` PEs that is wider than the array is folded; `r` sets on other channels and `t` sets
//! on other filters stand beside or above it. What then happens with one load of filters is a *processing pass*.

use tapeout_core::UnknownName;

use crate::loop_nest::{Einsum, EinsumError, LevelMapping, Loop, Mapping, TensorSet};

/// The scratchpad of partial sums: the innermost level.
pub const SUMS: usize = 0;
/// The scratchpad of filters.
pub const FILTERS: usize = 1;
/// The scratchpad of inputs.
pub const INPUTS: usize = 2;
/// The buffer that all PEs share: inputs and partial sums.
pub const BUFFER: usize = 3;
/// The outermost level.
pub const DRAM: usize = 4;

/// The PEs of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeArray {
    /// PEs above each other.
    pub rows: u64,
    /// PEs side by side.
    pub columns: u64,
}

/// How a layer is cut into processing passes, in the letters of the papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    /// Filters whose partial sums the buffer holds.
    pub m: u64,
    /// Images of a pass.
    pub n: u64,
    /// Rows of the output of a pass: columns of a set.
    pub e: u64,
    /// Filters of a PE.
    pub p: u64,
    /// Channels of a PE.
    pub q: u64,
    /// Sets on different channels.
    pub r: u64,
    /// Sets on different filters.
    pub t: u64,
}

/// Why a layer cannot be run so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RowStationaryError {
    /// Not a convolution.
    #[error("row stationary is a dataflow of convolutions: {0}")]
    NotConvolution(#[from] UnknownName),
    /// More PEs than there are.
    #[error("{sets} sets of {set_rows} x {set_columns} PEs do not fit {rows} x {columns}")]
    Array {
        /// Sets of a pass.
        sets: u64,
        /// Rows of a set, folded.
        set_rows: u64,
        /// Columns of a set, folded.
        set_columns: u64,
        /// Rows of the array.
        rows: u64,
        /// Columns of the array.
        columns: u64,
    },
    /// The padded layer is too large to count.
    #[error(transparent)]
    Size(#[from] EinsumError),
}

impl Passes {
    /// PEs at work on a layer with filters of `filter_rows` rows.
    pub fn active_pes(&self, filter_rows: u64) -> u64 {
        filter_rows * self.e * self.r * self.t
    }

    /// The mapping of `layer`, a convolution in the dimensions of [`Layer::einsum`](crate::networks::Layer::einsum), onto
    /// scratchpads of sums, filters and inputs below a buffer below DRAM; and the layer, padded where its sizes are no
    /// multiples of the pass.
    ///
    /// # Errors
    /// [`RowStationaryError`] if it is no convolution, or the sets do not fit the array.
    pub fn map(&self, layer: &Einsum, array: PeArray) -> Result<(Mapping, Einsum), RowStationaryError> {
        let dim = |name: &str| layer.dim_index(name);
        let [n, g, k, c, p, q, r, s] =
            [dim("N")?, dim("G")?, dim("K")?, dim("C")?, dim("P")?, dim("Q")?, dim("R")?, dim("S")?];
        let size = |index: usize| layer.dims()[index].size;
        let placed = self.place(size(r), array)?;
        let folded_rows = placed.set_columns * placed.folds;
        let mut levels = vec![LevelMapping::default(); DRAM + 1];
        let tensors = TensorSet::all(layer.tensors().len());
        let only = |name: &str| Ok::<_, UnknownName>(TensorSet::EMPTY.with(layer.tensor_index(name)?));
        levels[SUMS].keep = only("Outputs")?;
        levels[SUMS].temporal = loops(&[(k, self.p)]);
        levels[FILTERS].keep = only("Weights")?;
        levels[FILTERS].temporal = loops(&[(s, size(s)), (c, self.q)]);
        levels[INPUTS].keep = only("Inputs")?;
        levels[BUFFER].keep = tensors.without(layer.tensor_index("Weights")?);
        levels[BUFFER].spatial_x = loops(&[(k, placed.t_x), (c, placed.r_x), (p, placed.set_columns)]);
        levels[BUFFER].spatial_y =
            loops(&[(k, self.t / placed.t_x), (c, self.r / placed.r_x), (p, placed.folds), (r, size(r))]);
        levels[BUFFER].temporal = loops(&[(k, self.m.div_ceil(self.p * self.t)), (n, self.n), (q, size(q))]);
        levels[DRAM].keep = tensors;
        levels[DRAM].temporal = loops(&[
            (n, size(n).div_ceil(self.n)),
            (g, size(g)),
            (k, size(k).div_ceil(self.m)),
            (p, size(p).div_ceil(folded_rows)),
            (c, size(c).div_ceil(self.q * self.r)),
        ]);
        let mut sizes = vec![1; layer.dims().len()];
        for level in &levels {
            for item in level.temporal.iter().chain(&level.spatial_x).chain(&level.spatial_y) {
                sizes[item.dim] *= item.bound;
            }
        }
        Ok((Mapping { levels }, layer.with_sizes(&sizes)?))
    }

    fn place(&self, filter_rows: u64, array: PeArray) -> Result<Placed, RowStationaryError> {
        let folds = self.e.div_ceil(array.columns).max(1);
        let set_columns = self.e.div_ceil(folds);
        let set_rows = filter_rows * folds;
        let (above, beside) = (array.rows / set_rows, array.columns / set_columns.max(1));
        let fit = |t_x: u64, r_x: u64| t_x * r_x <= beside && (self.t / t_x) * (self.r / r_x) <= above;
        // Sets stand above each other if they can, as sums of different channels are then added along the column.
        let ways = [(1, 1), (self.t, 1), (1, self.r), (self.t, self.r)];
        let way = ways.into_iter().find(|&(t_x, r_x)| t_x > 0 && r_x > 0 && fit(t_x, r_x));
        way.map(|(t_x, r_x)| Placed { folds, set_columns, t_x, r_x }).ok_or(RowStationaryError::Array {
            sets: self.r * self.t,
            set_rows,
            set_columns,
            rows: array.rows,
            columns: array.columns,
        })
    }
}

/// Where the sets of a pass stand.
struct Placed {
    /// Parts of a set above each other.
    folds: u64,
    /// Columns of a part.
    set_columns: u64,
    /// Sets on different filters side by side.
    t_x: u64,
    /// Sets on different channels side by side.
    r_x: u64,
}

/// Loops of more than one step, outer to inner.
fn loops(list: &[(usize, u64)]) -> Vec<Loop> {
    list.iter().filter(|(_, bound)| *bound > 1).map(|&(dim, bound)| Loop::new(dim, bound)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::network;

    const CHIP: PeArray = PeArray { rows: 12, columns: 14 };

    #[test]
    fn a_set_wider_than_the_array_is_folded() {
        let passes = Passes { m: 64, n: 1, e: 27, p: 16, q: 2, r: 1, t: 1 };
        let layer = network("alexnet").unwrap().layers()[1].clone();
        let (mapping, padded) = passes.map(layer.einsum(), CHIP).unwrap();
        let dim = |name| padded.dim_index(name).unwrap();
        // 27 columns stand as two parts of 14, each 5 PEs high: 10 of 12 rows.
        assert_eq!(mapping.levels[BUFFER].spatial_x, [Loop::new(dim("P"), 14)]);
        assert_eq!(mapping.levels[BUFFER].spatial_y, [Loop::new(dim("P"), 2), Loop::new(dim("R"), 5)]);
        assert_eq!(padded.dims()[dim("P")].size, 28);
        assert_eq!(passes.active_pes(5), 135);
    }

    #[test]
    fn sets_stand_above_each_other_or_side_by_side_or_not_at_all() {
        let passes = Passes { m: 96, n: 1, e: 7, p: 16, q: 1, r: 1, t: 2 };
        let layer = network("alexnet").unwrap().layers()[0].clone();
        let (mapping, padded) = passes.map(layer.einsum(), CHIP).unwrap();
        let dim = |name| padded.dim_index(name).unwrap();
        assert_eq!(mapping.levels[BUFFER].spatial_x, [Loop::new(dim("K"), 2), Loop::new(dim("P"), 7)]);
        assert_eq!(mapping.levels[BUFFER].spatial_y, [Loop::new(dim("R"), 11)]);
        let error = Passes { t: 3, ..passes }.map(layer.einsum(), CHIP).unwrap_err();
        assert_eq!(error.to_string(), "3 sets of 11 x 7 PEs do not fit 12 x 14");
    }
}
