//! The study of PRIME: can logs alone design better hardware than a search that asks the simulator?
//!
//! It runs cell by cell: a question (one workload, several at once, or one that was never logged), a method, a seed. Every
//! cell that is done is a line in `results.jsonl`; a study that was stopped goes on with what is missing, and its report is
//! made of what is there. Seeds are the outermost loop, so that whatever is there compares all methods on the same seeds.
//!
//! | file | holds |
//! |---|---|
//! | [`plan`] | what is asked, of whom, how often, with what budget |
//! | [`cell`] | one cell: fit, search, validate, or search with the simulator |
//! | [`ledger`] | `results.jsonl`, `proxy-models.jsonl` |
//! | [`conduct`](mod@conduct) | data set, references and cells, in parallel |
//! | [`proxy_models`] | proxy models of the simulator, as ArchGym states them |
//! | [`answers`] | all answers, put side by side |
//! | [`report`] | tables with intervals |
//! | [`pictures`] | two pictures |

pub mod answers;
pub mod cell;
pub mod conduct;
pub mod error;
pub mod ledger;
pub mod pictures;
pub mod plan;
pub mod proxy_models;
pub mod report;

pub use conduct::{StudyProgress, conduct};
pub use error::StudyError;
pub use ledger::StudyResults;
pub use plan::{DesignMethod, Question, StudyPlan};
pub use report::report;
