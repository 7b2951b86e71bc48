//! What the learners for offline optimisation have in common: a model that is to be searched without a simulator has to be
//! right where the search goes, not where the data is.
//!
//! | file | holds |
//! |---|---|
//! | `examples` | trials as rows, workload by workload |
//! | `gradient` | losses of single outputs, gathered |
//! | `mining` | designs that a model likes too much: by fireflies, or down its gradient |
//! | `trainer` | the loop, the choice of weights on the validation trials, and what settings of it have in common |
//! | `model` | the fitted network |

mod examples;
mod gradient;
mod mining;
mod model;
mod trainer;

pub(crate) use examples::{Examples, Labelled, WorkloadRows, signs};
pub(crate) use gradient::OutputGradient;
pub(crate) use mining::descend;
pub(crate) use model::{Feasibility, NetworkModel};
pub(crate) use trainer::{Decay, Schedule, Training, batch_of, train};
