//! `trials.jsonl`.

mod error;
mod record;

pub use error::{LogError, LogFault};
pub use record::{Record, Timing};
