//! What can be wrong with a log.

use std::io;
use std::path::PathBuf;

use tapeout_core::SpaceError;
use tapeout_core::names::suggestion;

use super::LOG_VERSION;
use super::header::UNCHECKED_VERSION;

/// A log that cannot be read: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {fault}", .path.display(), .line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct LogError {
    /// The log.
    pub path: PathBuf,
    /// The line, from 1, if the fault is in one.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: Box<LogFault>,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// The file cannot be read.
    #[error("cannot read the log: {0}")]
    Unreadable(io::Error),
    /// The file is packed, but its name does not say so.
    #[error("the log is packed by gzip, but its name does not end in `.gz`")]
    Packed,
    /// The file is empty.
    #[error("the log is empty; expected a header in the first line")]
    Empty,
    /// The file ends within the first line.
    #[error("the log is truncated within its header")]
    HeaderTruncated,
    /// The first line is something else.
    #[error("the first line is not the header of a trial log: {0}")]
    NotAHeader(String),
    /// Another version of the format.
    #[error("log version {got}; this program reads versions {UNCHECKED_VERSION} to {LOG_VERSION}")]
    Version {
        /// The version it has.
        got: u64,
    },
    /// The log of something else.
    #[error("made by environment `{env}` version {version}{}: `{field}` is {logged} in the log, {here} here", aspect(.field))]
    OtherRun {
        /// The environment that made the log.
        env: String,
        /// Its version.
        version: u32,
        /// The first part of the header that differs.
        field: String,
        /// What the log has there.
        logged: String,
        /// What the spec gives.
        here: String,
    },
    /// A line is not a trial.
    #[error("not a trial: {0}")]
    NotATrial(String),
    /// A trial is not as it was written.
    #[error("the checksum of the trial is `{got}`, expected `{expected}`")]
    Checksum {
        /// What the line says.
        got: String,
        /// That of its design and outcome.
        expected: String,
    },
    /// A trial without the checksum that logs of this version have.
    #[error("not a trial: `check` is missing")]
    NoChecksum,
    /// The design is not one of the space.
    #[error("`design`: {0}")]
    Design(SpaceError),
    /// A metric has no value.
    #[error("`outcome.measured.{metric}` is missing")]
    MissingMetric {
        /// The metric.
        metric: String,
    },
    /// The environment does not measure this.
    #[error("`outcome.measured.{got}`: unknown metric{}", suggestion(.nearest))]
    UnknownMetric {
        /// The name in the log.
        got: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
}

/// What of the run differs, told from the header's field.
fn aspect(field: &str) -> &'static str {
    match field.split(['.', '[']).next() {
        Some("space" | "parameters") => ", whose space differs",
        Some("metrics") => ", whose metrics differ",
        Some("search") => ", in another search",
        _ => "",
    }
}

impl LogError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self.fault.as_ref() {
            LogFault::Unreadable(_) => "check the path and its permissions",
            LogFault::Packed => "name it `trials.jsonl.gz`, and `tapeout resume` unpacks it",
            LogFault::Empty | LogFault::HeaderTruncated => {
                "`tapeout resume` begins the run anew from `spec.toml`; if it is refused, delete the file first"
            }
            LogFault::NotAHeader(_) => {
                "check that this is the `trials.jsonl` of a run, with its first line in place"
            }
            LogFault::Version { .. } => "use the release of the program that made the log",
            LogFault::OtherRun { .. } => {
                "put `spec.toml` back as it was when the run began, or start a new run in another folder"
            }
            LogFault::NotATrial(_)
            | LogFault::Checksum { .. }
            | LogFault::NoChecksum
            | LogFault::Design(_)
            | LogFault::MissingMetric { .. }
            | LogFault::UnknownMetric { .. } => {
                "the file was edited or damaged; cut it off before this line, and `tapeout resume` makes the rest anew"
            }
        };
        Some(hint.to_owned())
    }
}
