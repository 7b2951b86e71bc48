//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use tapeout_core::{BuildEnvError, ConfigError, UnknownName, narrowing::NarrowingError};

use super::kinship::Difference;
use super::layout::TableFault;
use crate::log::LogError;
use crate::workers::ThreadsError;

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
    /// There is no such part of the environment's space.
    #[error("environment `{env}`: {source}")]
    Narrowing {
        /// The environment.
        env: String,
        /// What is wrong.
        source: Box<NarrowingError>,
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
    #[error("two outcomes of {design} in workload `{workload}`: trial {} of {} and trial {} of {}", .second.1, .second.0, .first.1, .first.0)]
    Contradiction {
        /// The workload.
        workload: String,
        /// The design.
        design: String,
        /// DatasetSource and trial of the one.
        first: (String, usize),
        /// DatasetSource and trial of the other.
        second: (String, usize),
    },
    /// No workload, metric or parameter has this name.
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
    /// The environment refuses a setting.
    #[error("environment `{env}`: {source}")]
    Config {
        /// The environment.
        env: String,
        /// Which setting, and why.
        source: ConfigError,
    },
    /// A text that names no workload.
    #[error("`{got}` is no workload of environment `{env}`: {}", expected_workload(.settings))]
    NotAWorkload {
        /// The environment.
        env: String,
        /// The text.
        got: String,
        /// The settings that name a workload.
        settings: Vec<String>,
    },
    /// A workload is asked for twice.
    #[error("workload `{workload}` stands twice")]
    WorkloadTwice {
        /// Its name.
        workload: String,
    },
    /// The workloads do not share a space.
    #[error("workload `{workload}`: {what}: got {got}, expected {expected} as in the first workload")]
    WorkloadDiffers {
        /// Its name.
        workload: String,
        /// What differs.
        what: String,
        /// What it has.
        got: String,
        /// What the first has.
        expected: String,
    },
    /// The plan cannot be written down.
    #[error("{}: {reason}", .path.display())]
    Plan {
        /// Where it was to be.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Another data set is being made in the folder.
    #[error("{}: another data set is being made in this folder", .path.display())]
    OtherPlan {
        /// Its plan.
        path: PathBuf,
    },
    /// Another process is making it.
    #[error("{}: another process is making this data set", .path.display())]
    Busy {
        /// Its plan.
        path: PathBuf,
    },
    /// No threads to evaluate on.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// The evaluator failed.
    #[error(
        "workload `{workload}`: failed to evaluate {failures} designs in a row, the last of them {design}: {reason}"
    )]
    Evaluation {
        /// The workload.
        workload: String,
        /// How many failed.
        failures: usize,
        /// The last of the designs.
        design: String,
        /// Why.
        reason: String,
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
    /// The environment `env` could not be built.
    pub(super) fn built(env: &str, error: BuildEnvError) -> Self {
        match error {
            BuildEnvError::UnknownName(error) => Self::UnknownName(error),
            BuildEnvError::Config(source) => Self::Config { env: env.to_owned(), source },
        }
    }

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
            Self::UnknownName(_) | Self::Config { .. } | Self::WorkloadTwice { .. } | Self::Plan { .. } => None,
            Self::Narrowing { env, .. } => {
                Some(format!("parameters and levels are shown by `tapeout describe {env}`"))
            }
            Self::NotAWorkload { env, .. } => Some(format!("its settings are shown by `tapeout describe {env}`")),
            Self::WorkloadDiffers { .. } => Some("make a data set for each space".to_owned()),
            Self::OtherPlan { .. } => Some(
                "ask for what `plan.toml` says to go on with it, or choose another folder, or delete this one".to_owned(),
            ),
            Self::Busy { .. } => Some("wait for it to end, or choose another folder".to_owned()),
            Self::Threads(_) => None,
            Self::Evaluation { .. } => Some(
                "mend what the cause names; the same command then goes on with this workload".to_owned(),
            ),
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

fn expected_workload(settings: &[String]) -> String {
    match settings {
        [] => "it has no settings that name a workload, and so but one".to_owned(),
        [setting] => format!("expected a value of setting `{setting}`"),
        [first, others @ ..] => {
            format!(
                "expected a value of setting `{first}`, and perhaps `KEY=VALUE` for {}",
                others.join(", ")
            )
        }
    }
}
