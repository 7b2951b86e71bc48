//! Warm starts: trials of an earlier log, which an agent is told before its first proposal.
//!
//! The trials stay where they are. A resolved spec names the log by its full path, says how many of its trials count, and
//! carries a checksum of them: a log that has grown since is as good as before, one that was edited or made anew from
//! another spec is refused, and so a run stays a function of its spec.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout_core::seed::fnv1a;

use crate::experiment::Experiment;
use crate::folder::log_path;
use crate::log::{Header, LogError, LogFault, LogReader, Record, RecordFormat, Timing};

/// Letters of a header's value that a message quotes. Ours: a line or two on a screen.
const QUOTED: usize = 120;

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

    /// The same with full path, number of trials and checksum. One that has them is not read again: a run can be looked
    /// at when what it was started from is gone.
    pub(crate) fn resolved(&self, experiment: &Experiment) -> Result<Self, WarmStartFault> {
        if self.lesson().is_some() {
            return Ok(self.clone());
        }
        let log = fs::canonicalize(&self.log)
            .map_err(|source| WarmStartFault::Absent { path: self.log.clone(), source })?;
        let log = if log.is_dir() { log_path(&log) } else { log };
        let records = records(&log, self.trials, experiment)?;
        Ok(Self { trials: Some(records.len()), checksum: Some(checksum(&records, experiment)), log })
    }

    /// The trials that count, in the order of the log.
    pub(crate) fn read(&self, experiment: &Experiment) -> Result<Vec<Record>, WarmStartFault> {
        let records = records(&self.log, self.trials, experiment)?;
        match &self.checksum {
            Some(expected) if *expected != checksum(&records, experiment) => {
                Err(WarmStartFault::Changed { path: self.log.clone(), trials: records.len() })
            }
            _ => Ok(records),
        }
    }
}

/// The first `trials` trials of the log at `path`, or all, if it is one of the same space.
fn records(
    path: &Path,
    trials: Option<usize>,
    experiment: &Experiment,
) -> Result<Vec<Record>, WarmStartFault> {
    let (header, log) = LogReader::open_any(path, experiment.problem())?;
    check(&header, &Header::of(experiment), path)?;
    let records = log.take(trials.unwrap_or(usize::MAX)).collect::<Result<Vec<Record>, LogError>>()?;
    match trials {
        Some(expected) if records.len() < expected => {
            Err(WarmStartFault::Short { path: path.to_owned(), got: records.len(), expected })
        }
        _ => Ok(records),
    }
}

/// Fails unless the designs of the log are those of the experiment, measured by the same metrics in the same settings.
fn check(logged: &Header, here: &Header, path: &Path) -> Result<(), WarmStartFault> {
    if let Some((field, logged, here)) = logged.first_difference_of_spaces(here) {
        let (logged, here) = (quoted(&logged), quoted(&here));
        return Err(WarmStartFault::OtherSpace { path: path.to_owned(), field, logged, here });
    }
    let is_missing = |name: &&String| logged.metrics.iter().all(|metric| metric.name != **name);
    let missing: Vec<String> =
        here.metrics.iter().map(|metric| &metric.name).filter(is_missing).cloned().collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(WarmStartFault::MissingMetrics { path: path.to_owned(), missing })
    }
}

/// The beginning of a value as it stands in the log.
fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Tells apart designs and outcomes, but not how long they took.
fn checksum(records: &[Record], experiment: &Experiment) -> String {
    let format = RecordFormat::of(experiment.problem());
    let timing = Timing { evaluation_s: 0.0, elapsed_s: 0.0 };
    let mut text = Vec::new();
    for record in records {
        format.write(&Record { timing, ..record.clone() }, &mut text);
    }
    format!("{:016x}", fnv1a(&text))
}

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
