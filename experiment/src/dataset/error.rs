//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use tapeout_core::UnknownName;

use super::kinship::Difference;
use super::layout::TableFault;
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
    /// There is a data set in the folder already.
    #[error("{}: there is a data set in this folder already", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// There is no data set in the folder.
    #[error("{}: there is no data set in this folder: `dataset.toml` is missing", .path.display())]
    NoDataset {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest cannot be understood.
    #[error("{}{}: {reason}", .path.display(), if .field.is_empty() { String::new() } else { format!(": `{field}`") })]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The field; empty if it is about the text.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// The table has another length than it was written with.
    #[error("{}: {} bytes, but `table.bytes` of the manifest is {expected}: the file was {}", .path.display(), .got, if .got < .expected { "cut short" } else { "added to" })]
    TableLength {
        /// The table.
        path: PathBuf,
        /// Its length.
        got: u64,
        /// Its length when it was written.
        expected: u64,
    },
    /// The table is not what was written.
    #[error("{}: the file was edited or damaged: its SHA-256 is {got}, but `table.sha256` of the manifest is {expected}", .path.display())]
    TableChecksum {
        /// The table.
        path: PathBuf,
        /// Its checksum.
        got: String,
        /// Its checksum when it was written.
        expected: String,
    },
    /// The table cannot be read.
    #[error("{}: {fault}", .path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// Where and why.
        fault: TableFault,
    },
    /// The table and the manifest disagree on how many rows there are.
    #[error("{}: {got} {what}, but the manifest says {expected}", .path.display())]
    Counts {
        /// The table.
        path: PathBuf,
        /// Of what.
        what: String,
        /// How many there are.
        got: usize,
        /// How many the manifest says.
        expected: usize,
    },
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
            Self::Exists { .. } => Some("choose another folder, or delete this one".to_owned()),
            Self::NoDataset { .. } => {
                Some("check the path; one is made by `tapeout dataset build` or `tapeout dataset generate`".to_owned())
            }
            Self::Manifest { field, .. } if field == "schema" => {
                Some("use the release of the program that made the data set".to_owned())
            }
            Self::Manifest { .. } | Self::Counts { .. } => {
                Some("put back the data set as it was written, or make it anew".to_owned())
            }
            Self::TableLength { .. } | Self::TableChecksum { .. } => Some(
                "put back the file as it was written, or make the data set anew; for an edit that is meant, write the new \
                 length and checksum into `dataset.toml`"
                    .to_owned(),
            ),
            Self::Table { .. } => Some("mend the row, or make the data set anew".to_owned()),
            Self::File { .. } => Some("check the path, its permissions and the room on the disk".to_owned()),
        }
    }
}
