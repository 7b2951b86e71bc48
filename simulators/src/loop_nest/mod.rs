//! Analytical model of a loop nest on a hierarchy of storage levels.

mod einsum;
pub(crate) mod names;

pub use einsum::{
    Dim, Einsum, EinsumError, MAX_DIMS, MAX_RANKS, MAX_TENSORS, Rank, Role, Tensor, TensorSpec,
};
pub use names::NameError;
