//! Offline design: a model is fitted to a data set, searched in place of the simulator, and what it proposes is validated.
//!
//! ```text
//! Dataset -> learn (hold out, choose, fit) -> ModelFile -> `proxy` environment -> the loop -> choose -> Proposals -> validate -> Validation
//! ```
//!
//! The environment that made the data set is asked once, by [`validate`], about the proposals alone; how often is part of
//! what it returns. A file of proposals is data: any environment over the same parameters can be asked about it.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@fit`] | from a data set to a model file |
//! | [`mod@search`], [`near`] | the search that asks the model; what it expects beside the best logged designs |
//! | [`folds`], [`held_out`] | rows that are held out together, and what a learner's word about them is worth |
//! | [`auto`], [`mod@learn`] | the learner whose word is worth most, and a model with what its word is worth |
//! | [`interval`] | where to expect what is proposed |
//! | [`mod@importance`], [`pictures`] | which parameters a model's word depends on; pictures of what it is worth |
//! | [`quality`] | how wrong a model is, workload by workload |
//! | [`scenario`] | how designs may turn out, by each learner and its spread |
//! | [`batch`](mod@batch), [`evidence`] | good designs that are not all neighbours; what was logged, beside them |
//! | [`proposals`] | the designs to build, with what the model expects of them |
//! | [`sheet`], [`promised`] | a table for whoever measures, and what promises were worth |
//! | [`reported`] | proposals as a report shows them |
//! | [`validation`] | what the environment says of them |
//! | [`error`] | what can be wrong with all of these |

pub mod auto;
pub mod batch;
pub mod error;
pub mod evidence;
pub mod fit;
pub mod folds;
pub mod held_out;
pub mod importance;
pub mod interval;
pub mod learn;
pub mod near;
pub mod pictures;
pub mod promised;
pub mod proposals;
pub mod quality;
pub mod reported;
pub mod scenario;
pub mod search;
pub mod sheet;
pub mod validation;

pub use batch::{BatchEvidence, batch, looked_at};
pub use error::OfflineError;
pub use evidence::Evidence;
pub use fit::{Recipe, fit};
pub use held_out::Worth;
pub use importance::importance;
pub use interval::Interval;
pub use learn::{AUTO, LearnedModel, SecondOpinion, learn};
pub use proposals::{LoggedBest, Proposal, Proposals, WeightedWorkload, choose};
pub use quality::{Quality, assess};
pub use scenario::Scenario;
pub use search::{ModelSearch, workloads};
pub use sheet::{SheetRow, read_sheet, write_sheet};
pub use validation::{Evaluated, Validation, Validator, Verdict, validate, validate_by};
