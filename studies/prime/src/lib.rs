//! The study of PRIME: can logs alone design better hardware than a search that asks the simulator?
//!
//! It runs cell by cell: a question (one workload, several at once, or one that was never logged), a method, a seed. Every
//! cell that is done is a line in `results.jsonl`; a study that was stopped goes on with what is missing, and its report is
//! made of what is there. Seeds are the outermost loop, so that whatever is there compares all methods on the same seeds.
//!
//! | file | holds |
//! |---|---|
//! | [`plan`] | what the study is about, how often, with what budget |
//! | [`methods`] | who answers |
//! | [`questions`] | what is asked, and of whom |
//! | [`cell`] | one cell: fit, search, validate, or search with the simulator |
//! | [`ledger`] | `results.jsonl` |
//! | [`results`] | all that is recorded |
//! | [`mod@conduct`](mod@conduct) | data set, references and cells, in parallel |
//! | [`proxy_models`] | proxy models of the simulator, as ArchGym states them |
//! | [`answers`] | all answers, put side by side |
//! | [`mod@report`] | tables with intervals |
//! | [`pictures`] | two pictures |

pub mod answers;
pub mod cell;
pub mod conduct;
pub mod error;
pub mod ledger;
pub mod methods;
pub mod pictures;
pub mod plan;
pub mod proxy_models;
pub mod questions;
pub mod report;
pub mod results;

pub use conduct::{StudyProgress, conduct};
pub use error::StudyError;
pub use methods::DesignMethod;
pub use plan::StudyPlan;
pub use questions::Question;
pub use report::report;
pub use results::StudyResults;
