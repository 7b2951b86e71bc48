//! Analytical model of a loop nest on a hierarchy of storage levels.
//!
//! An [`Einsum`] (what is computed), an [`Architecture`] (storage levels over an array of multiply-accumulate units)
//! and a [`Mapping`] (which loops run where, and which level keeps what) give a [`Report`]: words moved at every
//! level and over every network, cycles and energy. The equations are those of Timeloop's dense model; source:
//! Parashar et al. (2019), doi:10.1109/ISPASS.2019.00042. With [`Quirks::timeloop_compat`] all counts and cycles are
//! equal to those of Timeloop 4cf6d4c, which [`timeloop`] checks.

mod architecture;
mod comb;
mod delivery;
mod einsum;
mod energy;
mod evaluator;
mod fresh;
mod hops;
mod latency;
mod loops;
mod mapping;
mod nest;
mod partial;
mod projection;
pub mod quirks;
mod report;
mod residual;
mod spatial;
pub mod systolic;
mod temporal;
pub mod timeloop;
mod traffic;

pub use architecture::{
    AccessEnergy, Architecture, ArchitectureError, Bandwidth, Delivery, Level, MAX_LEVELS, Mac, Network,
};
pub use einsum::{
    Dim, Einsum, EinsumError, MAX_DIMS, MAX_RANKS, MAX_TENSORS, Rank, Role, Tensor, TensorSpec,
};
pub use evaluator::{Evaluator, Hops, Workspace};
pub use mapping::{Factor, LevelMapping, LevelText, Loop, Mapping, MappingError, MappingText, TensorSet};
pub use quirks::Quirks;
pub use report::{
    Delivered, Illegal, LatencyReport, LevelReport, MeshAxis, NetworkTraffic, Report, TensorReport,
};
