//! What a search returns.

use crate::loop_nest::{Einsum, Illegal, Mapping, Report};

/// The best mapping found, and its cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Where the loops run.
    pub mapping: Mapping,
    /// What was mapped: the layer, dimensions that all tensors use alike merged, and padded to the array where that
    /// pays.
    pub einsum: Einsum,
    /// The cost, multiply-accumulates on padding included.
    pub report: Report,
    /// Multiply-accumulates of the layer over those of the padded one: 1 if nothing was padded.
    pub useful_share: f64,
    /// No mapping of the space scores less, in the unit of the objective.
    pub lower_bound: f64,
    /// Share by which the score is above the bound: 0 where the mapping is proven to be the best.
    pub gap: f64,
    /// Mappings that the model costed.
    pub evaluated: u64,
    /// Work done, in the unit of [`Options::effort`](super::Options::effort).
    pub work: u64,
}

impl Best {
    /// Multiply-accumulates of the layer itself over what all units could do in its cycles.
    pub fn utilization(&self) -> f64 {
        self.report.utilization * self.useful_share
    }
}

/// Why there is no mapping.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoMapping {
    /// Not even the smallest tiles fit.
    #[error(
        "level `{level}`: the smallest tiles need {needed} words, {available} fit (largest: `{tensor}`, {tensor_words} words)"
    )]
    Capacity {
        /// The innermost level that they do not fit.
        level: String,
        /// The tensor with the largest tile there.
        tensor: String,
        /// Words of that tile.
        tensor_words: u64,
        /// Words of all tiles that must be kept there.
        needed: u64,
        /// Words that fit, multiple buffering taken off.
        available: u64,
    },
    /// The constraints let a dimension run nowhere in time.
    #[error(
        "dimension `{dim}`: no level may run it in time, and the array takes {most} of its {size} points"
    )]
    NowhereToRun {
        /// The dimension.
        dim: String,
        /// Its points.
        size: u64,
        /// Points that the array takes at most.
        most: u64,
    },
    /// The constraints let a tensor be kept nowhere, or not as a whole.
    #[error("tensor `{tensor}`: no level may keep the whole of it")]
    KeptNowhere {
        /// The tensor.
        tensor: String,
    },
    /// The smallest tiles fit each level by itself, but no mapping fits all of them.
    #[error("the smallest tiles fit every level by itself, but no mapping fits all of them together")]
    NotTogether,
    /// The constraints are of another architecture.
    #[error("the constraints are of {got} levels, the architecture has {expected}")]
    LevelCount {
        /// Levels of the constraints.
        got: usize,
        /// Levels of the architecture.
        expected: usize,
    },
    /// The model cannot cost the layer.
    #[error("the layer cannot be costed: {0}")]
    Uncountable(#[from] Illegal),
}
