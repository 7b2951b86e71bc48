//! What of a mapping an architecture fixes: its dataflow.

use crate::loop_nest::{Architecture, Einsum, MAX_DIMS, TensorSet};

/// A set of dimensions, by index into [`Einsum::dims`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DimSet(u16);

impl DimSet {
    /// No dimension.
    pub const EMPTY: Self = Self(0);
    /// Every dimension that there can be.
    pub const ALL: Self = Self((1 << MAX_DIMS) - 1);

    /// These dimensions.
    pub fn of(dims: &[usize]) -> Self {
        dims.iter().copied().collect()
    }

    /// This set and `dim`.
    #[must_use]
    pub fn with(self, dim: usize) -> Self {
        Self(self.0 | 1 << dim)
    }

    /// This set less `dim`.
    #[must_use]
    pub fn without(self, dim: usize) -> Self {
        Self(self.0 & !(1 << dim))
    }

    /// Whether `dim` is in the set.
    pub fn contains(self, dim: usize) -> bool {
        self.0 >> dim & 1 == 1
    }

    /// Dimensions in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The dimensions, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let dim = left.trailing_zeros() as usize;
            (left != 0).then(|| {
                left &= left - 1;
                dim
            })
        })
    }

    /// Whether no dimension is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<usize> for DimSet {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Self {
        dims.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// What may happen at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelConstraints {
    /// Tensors that must be kept here.
    pub must_keep: TensorSet,
    /// Tensors that may be kept here, beside those that must.
    pub may_keep: TensorSet,
    /// Dimensions that may run in time.
    pub temporal: DimSet,
    /// Dimensions that may run over instances in x.
    pub spatial_x: DimSet,
    /// Dimensions that may run over instances in y.
    pub spatial_y: DimSet,
}

impl LevelConstraints {
    /// Anything goes.
    pub const FREE: Self = Self {
        must_keep: TensorSet::EMPTY,
        may_keep: TensorSet::EMPTY,
        temporal: DimSet::ALL,
        spatial_x: DimSet::ALL,
        spatial_y: DimSet::ALL,
    };
}

/// What of a mapping is fixed: one entry per storage level, the innermost first.
///
/// ```
/// use tapeout_simulators::mapper::{DimSet, MappingConstraints};
/// use tapeout_simulators::networks::network;
/// # use tapeout_simulators::loop_nest::{AccessEnergy, Architecture, Bandwidth, Level, Mac, Network, TensorSet};
/// # let level = |name: &str, entries| Level { name: name.to_owned(), instances: 1, mesh_x: 1, word_bits: 8,
/// #     block_words: 1, cluster_size: 1, entries, multiple_buffering: 1.0, overlaps_fills: None, bandwidth: Bandwidth::default(),
/// #     energy: AccessEnergy::default(), network: Network::default(), reduces_in_place: true, area_m2: None };
/// # let mac = Mac { instances: 256, mesh_x: 16, word_bits: 8, energy_j: 1e-12, area_m2: None };
/// # let architecture = Architecture::new(mac, vec![level("Buffer", Some(4096)), level("DRAM", None)])?;
/// // Weights stationary below the buffer: input channels along columns, output channels along rows.
/// let layer = network("resnet50")?.layers()[1].einsum().clone();
/// let mut constraints = MappingConstraints::free(&architecture, &layer);
/// constraints.levels[0].spatial_x = DimSet::of(&[layer.dim_index("K")?]);
/// constraints.levels[0].spatial_y = DimSet::of(&[layer.dim_index("C")?]);
/// constraints.levels[0].may_keep = TensorSet::all(3).without(layer.tensor_index("Weights")?);
/// assert_eq!(constraints.levels.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingConstraints {
    /// One entry per storage level, the innermost first.
    pub levels: Vec<LevelConstraints>,
}

impl MappingConstraints {
    /// Every level keeps what it likes, the outermost everything; every dimension runs anywhere.
    pub fn free(architecture: &Architecture, einsum: &Einsum) -> Self {
        let all = TensorSet::all(einsum.tensors().len());
        let mut levels =
            vec![LevelConstraints { may_keep: all, ..LevelConstraints::FREE }; architecture.levels().len()];
        if let Some(outermost) = levels.last_mut() {
            outermost.must_keep = all;
        }
        Self { levels }
    }

    /// The same, but every level keeps every tensor.
    pub fn keep_all(architecture: &Architecture, einsum: &Einsum) -> Self {
        let mut constraints = Self::free(architecture, einsum);
        for level in &mut constraints.levels {
            level.must_keep = level.may_keep;
        }
        constraints
    }
}
