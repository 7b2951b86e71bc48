//! Warm starts: trials of an earlier log, which an agent is told before its first proposal.
//!
//! The trials stay where they are. A resolved spec names the log by its full path, says how many of its trials count, and
//! carries a checksum of them: a log that has grown since is as good as before, one that was edited or made anew from
//! another spec is refused, and so a run stays a function of its spec.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An earlier log, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmStart {
    /// The log, or the folder of the run it belongs to.
    pub log: PathBuf,
    /// How many of its trials count, from the first: all that are there when the spec is resolved if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// Which designs these are and what became of them, in hexadecimal; filled in when the spec is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// What an agent learned from an earlier log, wherever that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// How many trials.
    pub trials: usize,
    /// Which designs these are and what became of them.
    pub checksum: String,
}

impl WarmStart {
    /// All there is in `log`, a log or the folder of a run.
    pub fn from_log(log: impl Into<PathBuf>) -> Self {
        Self { log: log.into(), trials: None, checksum: None }
    }

    /// What it teaches; none before it is resolved.
    pub(crate) fn lesson(&self) -> Option<Lesson> {
        Some(Lesson { trials: self.trials?, checksum: self.checksum.clone()? })
    }
}
