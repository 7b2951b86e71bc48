//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use tapeout_core::UnknownName;

use super::kinship::Difference;
use crate::log::LogError;

/// A data set that cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// Nothing to make it of.
    #[error("no run was named")]
    NoRuns,
    /// There is no log in the folder.
    #[error("{}: there is no run in this folder: `trials.jsonl` is missing", .path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What a log says of its space cannot be used.
    #[error("{}: the space: {reason}", .path.display())]
    Space {
        /// The log.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Logs that do not belong into one table.
    #[error("{}: {what}: got {got}, expected {expected} as in {}", .path.display(), .first.display())]
    Differs {
        /// The log that differs.
        path: PathBuf,
        /// The log that came first.
        first: PathBuf,
        /// What differs.
        what: String,
        /// What the one has.
        got: String,
        /// What the first has.
        expected: String,
    },
    /// A design with two outcomes, in an environment that is not noisy.
    #[error("two outcomes of {design} in application `{application}`: trial {} of {} and trial {} of {}", .second.1, .second.0, .first.1, .first.0)]
    Contradiction {
        /// The application.
        application: String,
        /// The design.
        design: String,
        /// Source and trial of the one.
        first: (String, usize),
        /// Source and trial of the other.
        second: (String, usize),
    },
    /// No application, metric or parameter has this name.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// A file or folder cannot be read or written.
    #[error("{}: cannot {action}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl DatasetError {
    pub(super) fn differs(path: PathBuf, first: PathBuf, difference: Difference) -> Self {
        let Difference { what, got, expected } = difference;
        Self::Differs { path, first, what, got, expected }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRuns => Some("name the folders of runs, as `tapeout search` makes them".to_owned()),
            Self::NoRun { .. } => Some("check the path; a run is made by `tapeout search`".to_owned()),
            Self::Log(error) => error.hint(),
            Self::Space { .. } => Some(
                "use the release of the program that made the log, or one whose environment has this space"
                    .to_owned(),
            ),
            Self::Differs { .. } => Some("make a data set of each kind of logs".to_owned()),
            Self::Contradiction { .. } => Some(
                "one of the logs was edited, or the environment changed without a new version; leave one out"
                    .to_owned(),
            ),
            Self::UnknownName(_) => None,
            Self::File { .. } => Some("check the path, its permissions and the room on the disk".to_owned()),
        }
    }
}
