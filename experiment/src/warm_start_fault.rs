//! What can be wrong with a warm start.

use std::io;
use std::path::PathBuf;

use crate::log::{LogError, LogFault};

/// Why an earlier log cannot be learned from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarmStartFault {
    /// There is no such file or folder.
    #[error("{}: {source}", .path.display())]
    Absent {
        /// The path in the spec.
        path: PathBuf,
        /// Why it cannot be found.
        source: io::Error,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log is one of other designs, or of another environment.
    #[error("{}: trials of other designs: `{field}` is {logged} in the log, {here} here", .path.display())]
    OtherSpace {
        /// The log.
        path: PathBuf,
        /// The first part of its header that differs.
        field: String,
        /// What the log has there.
        logged: String,
        /// What the spec gives.
        here: String,
    },
    /// The log lacks what the environment measures.
    #[error("{}: the log has no {}", .path.display(), .missing.join(", "))]
    MissingMetrics {
        /// The log.
        path: PathBuf,
        /// The metrics.
        missing: Vec<String>,
    },
    /// The log has fewer trials than the spec says.
    #[error("{}: {got} trials in the log; expected {expected}", .path.display())]
    Short {
        /// The log.
        path: PathBuf,
        /// How many it has.
        got: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The trials of the log are not those that the run began with.
    #[error("{}: the first {trials} trials are not those that this run began with", .path.display())]
    Changed {
        /// The log.
        path: PathBuf,
        /// How many trials were compared.
        trials: usize,
    },
}

impl WarmStartFault {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> String {
        let hint = match self {
            Self::Absent { .. } => {
                "give the folder of a run, or its `trials.jsonl`; if it was moved, correct the path"
            }
            Self::Log(error) if matches!(*error.fault, LogFault::Unreadable(_)) => {
                "if the log was moved, write its new path into `spec.toml`; a run cannot go on without it"
            }
            Self::Log(_) => "check that this is the `trials.jsonl` of a run, as it was written",
            Self::OtherSpace { .. } => "start from a log of the same environment, version and settings",
            Self::MissingMetrics { .. } => "start from a log that has every metric of the environment",
            Self::Short { .. } | Self::Changed { .. } => {
                "put the log back as it was when the run began, or start a new run from the log as it is"
            }
        };
        hint.to_owned()
    }
}
