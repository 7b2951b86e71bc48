//! What can be wrong with a layer.

use crate::loop_nest::EinsumError;

/// Why a layer was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// A count or size of zero.
    #[error("`{field}` is 0, expected at least 1")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// Channels cannot be dealt out to the groups.
    #[error("`{field}` is {channels}, expected a multiple of `groups`, which is {groups}")]
    Groups {
        /// `in_channels` or `out_channels`.
        field: &'static str,
        /// Number of channels.
        channels: u64,
        /// Number of groups.
        groups: u64,
    },
    /// Nothing but zeros would be read.
    #[error(
        "`padding` is {padding} along the {axis}, expected less than the {extent} points that the kernel sweeps"
    )]
    Padding {
        /// `height` or `width`.
        axis: &'static str,
        /// The padding.
        padding: u64,
        /// Input points from the first tap to the last.
        extent: u64,
    },
    /// More sets of weights than runs, or none of a layer that has weights and a count of its own.
    #[error("`weight_copies` is {copies}, expected at most `count`, which is {count}")]
    Copies {
        /// Sets of weights.
        copies: u64,
        /// Runs.
        count: u64,
    },
    /// Weights of an operand that is computed at run time.
    #[error("`weight_copies`, `bias` and `norm` need `second = \"weight\"`, got `second = \"activation\"`")]
    NoWeights,
    /// A size beyond 64 bits.
    #[error(transparent)]
    Size(#[from] EinsumError),
    /// A total beyond 64 bits.
    #[error("the multiply-accumulates or parameters of `count` runs exceed 64 bits")]
    Overflow,
}
