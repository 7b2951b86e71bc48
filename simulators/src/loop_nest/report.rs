//! What an evaluation returns: traffic, cycles and energy, or why there is none.

use super::architecture::Architecture;
use super::einsum::Einsum;

/// Why a mapping cannot run. Levels, tensors and dimensions are indices; [`Illegal::describe`] names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// Tiles do not fit a level.
    #[error(
        "level {level}: tiles of {need} words exceed the {have} that fit (largest: tensor {tensor}, {tensor_words} words)"
    )]
    Capacity {
        /// Level index.
        level: usize,
        /// The tensor with the largest tile there.
        tensor: usize,
        /// Words of that tile.
        tensor_words: u64,
        /// Words of all tiles kept there.
        need: u64,
        /// Words that fit, multiple buffering taken off.
        have: u64,
    },
    /// Spatial loops ask for more instances than there are.
    #[error("level {level}: spatial loops in {axis} need {need} instances below it, there are {have}")]
    Fanout {
        /// The level whose spatial loops these are.
        level: usize,
        /// The direction.
        axis: MeshAxis,
        /// Product of the loop bounds.
        need: u64,
        /// Instances below one instance of the level.
        have: u64,
    },
    /// The loops of a dimension do not cover exactly its points.
    #[error("dimension {dim}: the loops cover {got} points, expected {expected}")]
    Factors {
        /// Dimension index.
        dim: usize,
        /// Points that the loops cover.
        got: u64,
        /// Size of the dimension.
        expected: u64,
    },
    /// A loop without iterations, or with a residual above its bound.
    #[error(
        "level {level}, dimension {dim}: bound {bound} with residual {residual}, expected bound >= residual >= 1"
    )]
    Factor {
        /// Level index.
        level: usize,
        /// Dimension index.
        dim: usize,
        /// The bound.
        bound: u64,
        /// The residual.
        residual: u64,
    },
    /// A loop over a dimension that does not exist.
    #[error("level {level}: there is no dimension {dim}")]
    UnknownDim {
        /// Level index.
        level: usize,
        /// Dimension index.
        dim: usize,
    },
    /// The mapping is of another architecture.
    #[error("the mapping has {got} levels, the architecture {expected}")]
    LevelCount {
        /// Levels of the mapping.
        got: usize,
        /// Levels of the architecture.
        expected: usize,
    },
    /// No level keeps a tensor.
    #[error("tensor {tensor} is kept at no level")]
    KeptNowhere {
        /// Tensor index.
        tensor: usize,
    },
    /// The outermost level that keeps a tensor holds only a part of it, and nothing above could supply the rest.
    #[error(
        "tensor {tensor}: level {level} is the outermost that keeps it, and holds {have} of its {need} words"
    )]
    Unbacked {
        /// Tensor index.
        tensor: usize,
        /// Level index.
        level: usize,
        /// Words of the tensor.
        need: u64,
        /// Words of its tile there.
        have: u64,
    },
    /// A count does not fit 64 bits.
    #[error("{what} exceeds 64 bits")]
    Overflow {
        /// The count in words, such as `words moved`.
        what: &'static str,
    },
    /// A combination that the model does not cover.
    #[error("not supported: {what}")]
    Unsupported {
        /// The combination in words.
        what: &'static str,
    },
}

impl Illegal {
    /// The same as its display, with the names of levels, tensors and dimensions.
    pub fn describe(&self, architecture: &Architecture, einsum: &Einsum) -> String {
        let level_name = |level: usize| architecture.levels().get(level).map_or("?", |level| &level.name);
        let tensor_name = |tensor: usize| einsum.tensors().get(tensor).map_or("?", |tensor| tensor.name());
        let dim_name = |dim: usize| einsum.dims().get(dim).map_or("?", |dim| dim.name.as_str());
        match *self {
            Self::Capacity { level, tensor, tensor_words, need, have } => format!(
                "level `{}`: tiles of {need} words exceed the {have} that fit (largest: `{}`, {tensor_words} words)",
                level_name(level),
                tensor_name(tensor)
            ),
            Self::Fanout { level, axis, need, have } => format!(
                "level `{}`: spatial loops in {axis} need {need} instances below it, there are {have}",
                level_name(level)
            ),
            Self::Factors { dim, got, expected } => {
                format!("dimension `{}`: the loops cover {got} points, expected {expected}", dim_name(dim))
            }
            Self::Factor { level, dim, bound, residual } => format!(
                "level `{}`, dimension `{}`: bound {bound} with residual {residual}, expected bound >= residual >= 1",
                level_name(level),
                dim_name(dim)
            ),
            Self::KeptNowhere { tensor } => format!("tensor `{}` is kept at no level", tensor_name(tensor)),
            Self::Unbacked { tensor, level, need, have } => format!(
                "tensor `{}`: level `{}` is the outermost that keeps it, and holds {have} of its {need} words",
                tensor_name(tensor),
                level_name(level)
            ),
            Self::UnknownDim { .. }
            | Self::LevelCount { .. }
            | Self::Overflow { .. }
            | Self::Unsupported { .. } => self.to_string(),
        }
    }
}

/// Direction on the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeshAxis {
    /// Along a row.
    X,
    /// Along a column.
    Y,
}

impl std::fmt::Display for MeshAxis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::X => "x",
            Self::Y => "y",
        })
    }
}

/// Words that leave a level for `scatter` different sets of `multicast` instances each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivered {
    /// Instances that share one read.
    pub multicast: u64,
    /// Sets of that size.
    pub scatter: u64,
    /// Words read, per instance of the level.
    pub words: u64,
    /// The same before rounding: bypass can leave fractions of words on average.
    pub average_words: f64,
    /// Hops of one word, averaged over the sets; 0 unless hops were asked for or cost energy.
    pub hops: f64,
}

/// Traffic of one tensor between a level and the instances below it, per instance of the level.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkTraffic {
    /// By size and number of the sets that share a read.
    pub delivered: Vec<Delivered>,
    /// Sets of instances below that need different words.
    pub sets: u64,
    /// Words entering the network; partial sums count both ways where the level cannot add in place.
    pub ingresses: u64,
    /// Words that instances hand to a neighbour.
    pub link_transfers: u64,
    /// Additions on the way up.
    pub spatial_reductions: u64,
    /// Energy over all instances of the level, links included.
    pub energy_j: f64,
    /// The part of it that words from neighbours take.
    pub link_energy_j: f64,
}

impl NetworkTraffic {
    /// Hops of an average word.
    pub fn average_hops(&self) -> f64 {
        let words: f64 = self.delivered.iter().map(|row| row.words as f64).sum();
        let hops: f64 = self.delivered.iter().map(|row| row.words as f64 * row.hops).sum();
        if words > 0.0 { hops / words } else { 0.0 }
    }
}

/// One tensor at one level, in words per instance in use.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorReport {
    /// Whether the level keeps the tensor.
    pub kept: bool,
    /// Words of the tile.
    pub tile_words: u64,
    /// Share of the whole tensor that passes through one instance.
    pub partition_words: u64,
    /// Words read.
    pub reads: u64,
    /// Words written from above or from a neighbour.
    pub fills: u64,
    /// Words written from below.
    pub updates: u64,
    /// Words read in order to be added to.
    pub temporal_reductions: u64,
    /// Energy of these accesses over all instances.
    pub energy_j: f64,
    /// Traffic to the instances below.
    pub network: NetworkTraffic,
}

/// One level.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LevelReport {
    /// Instances in use.
    pub used_instances: u64,
    /// Instances that the counts of one stand for: those in use, or with
    /// [`Quirks::first_instance_counts`](super::Quirks::first_instance_counts) those at work on average.
    pub counted_instances: f64,
    /// Physical memories in use, if instances are banks of one.
    pub used_clusters: u64,
    /// Cycles that the traffic of this level takes, at least the compute cycles.
    pub cycles: u64,
    /// Share of the compute speed that the bandwidth sustains, at most 1.
    pub slowdown: f64,
    /// Leakage over the run.
    pub leakage_j: f64,
    /// Energy of accesses and leakage, without the network.
    pub energy_j: f64,
}

/// Cycles of a run by what they are spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LatencyReport {
    /// Iterations in time.
    pub compute_cycles: u64,
    /// The slowest level, everything overlapped; at least `compute_cycles`.
    pub steady_cycles: u64,
    /// Loads that nothing hides: the first tiles, and every tile of a single buffer.
    pub load_cycles: u64,
    /// Stores that nothing hides.
    pub store_cycles: u64,
    /// Filling and draining a systolic array.
    pub array_cycles: u64,
}

/// The cost of one mapping. Reused between evaluations so that they allocate nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Total run time.
    pub cycles: u64,
    /// Parts of the run time.
    pub latency: LatencyReport,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Multiply-accumulate units in use.
    pub used_macs: u64,
    /// `macs` over the units of the chip and the cycles.
    pub utilization: f64,
    /// Energy of everything.
    pub energy_j: f64,
    /// Energy of the multiply-accumulates alone.
    pub mac_energy_j: f64,
    /// Energy of all networks.
    pub network_energy_j: f64,
    /// By level, the innermost first.
    pub levels: Vec<LevelReport>,
    /// By level and tensor, shape `[levels][tensors]`, flat.
    tensors: Vec<TensorReport>,
    n_tensors: usize,
}

impl Report {
    /// An empty report.
    pub fn new() -> Self {
        Self::default()
    }

    /// `tensor` at `level`.
    ///
    /// # Panics
    /// If there is no such level or tensor, or nothing was evaluated into this report.
    pub fn tensor(&self, level: usize, tensor: usize) -> &TensorReport {
        assert!(tensor < self.n_tensors, "tensor {tensor} of {}", self.n_tensors);
        &self.tensors[level * self.n_tensors + tensor]
    }

    pub(super) fn tensor_mut(&mut self, level: usize, tensor: usize) -> &mut TensorReport {
        &mut self.tensors[level * self.n_tensors + tensor]
    }

    /// All tensors at `level`.
    #[inline]
    pub(super) fn at(&self, level: usize) -> &[TensorReport] {
        &self.tensors[level * self.n_tensors..(level + 1) * self.n_tensors]
    }

    /// The same, to be filled in.
    #[inline]
    pub(super) fn at_mut(&mut self, level: usize) -> &mut [TensorReport] {
        &mut self.tensors[level * self.n_tensors..(level + 1) * self.n_tensors]
    }

    /// `level` and the one above it, for one tensor.
    pub(super) fn pair_mut(&mut self, level: usize, tensor: usize) -> (&mut TensorReport, &mut TensorReport) {
        let (low, high) = self.tensors.split_at_mut((level + 1) * self.n_tensors);
        (&mut low[level * self.n_tensors + tensor], &mut high[tensor])
    }

    pub(super) fn resize(&mut self, n_levels: usize, n_tensors: usize) {
        self.n_tensors = n_tensors;
        self.levels.resize_with(n_levels, LevelReport::default);
        self.tensors.resize_with(n_levels * n_tensors, TensorReport::default);
    }
}
