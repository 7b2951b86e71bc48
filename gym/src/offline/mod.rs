//! Offline design: a model is fitted to a data set, searched in place of the simulator, and what it proposes is validated.
//!
//! ```text
//! Dataset -> split -> fit -> ModelFile -> `proxy` environment -> the loop -> choose -> Proposals -> validate -> Validation
//! ```
//!
//! The environment that made the data set is asked once, by [`validate`], about the proposals alone; how often is part of
//! what it returns. A file of proposals is data: any environment over the same parameters can be asked about it.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@fit`] | from a data set to a model file |
//! | [`mod@search`] | the search that asks the model |
//! | [`quality`] | how wrong a model is, workload by workload |
//! | [`proposals`] | the designs to build, with what the model expects of them |
//! | [`validation`] | what the environment says of them |
//! | [`error`] | what can be wrong with all of these |

pub mod error;
pub mod fit;
pub mod proposals;
pub mod quality;
pub mod search;
pub mod validation;

pub use error::OfflineError;
pub use fit::{Recipe, fit};
pub use proposals::{Proposal, Proposals, WeightedWorkload, choose};
pub use quality::{Quality, assess};
pub use search::{ModelSearch, workloads};
pub use validation::{Evaluated, Validation, Validator, Verdict, validate};
