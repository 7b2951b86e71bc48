//! What the learners for offline optimisation have in common: a model that is to be searched without a simulator has to be
//! right where the search goes, not where the data is.
//!
//! | file | holds |
//! |---|---|
//! | `examples` | trials as rows, workload by workload |
//! | `gradient` | losses of single outputs, gathered |
//! | `mining` | designs that a model likes too much: by fireflies, or down its gradient |
//! | `trainer` | the loop, and the choice of weights on the validation trials |
//! | `training` | what the learners' configs say of it |
//! | `model` | the fitted network |

mod examples;
mod gradient;
mod mining;
mod model;
mod trainer;
mod training;

pub(crate) use examples::{Examples, Labelled, WorkloadRows, signs};
pub(crate) use gradient::OutputGradient;
pub(crate) use mining::descend;
pub(crate) use model::{Feasibility, NetworkModel};
pub(crate) use trainer::{Decay, Schedule, batch_of, train};
pub use training::{TrainingConfig, TrainingDefaults};
