//! What can be wrong with a spec.

use std::io;
use std::path::{Path, PathBuf};

use tapeout_core::names::suggestion;
use tapeout_core::narrowing::NarrowingError;
use tapeout_core::{ConfigError, ProblemError, UnknownName};

use crate::spec_location::Position;
use crate::spec_words::plain;
use crate::warm_start_fault::WarmStartFault;

/// A spec that cannot be run: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}{fault}", place(.path.as_deref(), *.position, .field))]
pub struct SpecError {
    /// The file, if the spec came from one.
    pub path: Option<PathBuf>,
    /// Where in the file, if the fault has a place there.
    pub position: Option<Position>,
    /// The field, from the root: `agent.config.population`; empty for the whole.
    pub field: String,
    /// What is wrong.
    pub fault: Box<SpecFault>,
}

/// What is wrong with a spec.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpecFault {
    /// The file cannot be read.
    #[error("cannot read the spec: {0}")]
    Unreadable(io::Error),
    /// It is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// Another version of the format.
    #[error("spec version {got}; this program reads version {expected}")]
    Version {
        /// The version it has.
        got: i64,
        /// The version that is read.
        expected: u32,
    },
    /// No such key.
    #[error("unknown key{}", suggestion(.nearest))]
    UnknownKey {
        /// The nearest key there is.
        nearest: Option<String>,
        /// All keys there are.
        known: Vec<String>,
    },
    /// A value of the wrong type, or a missing key.
    #[error("{0}")]
    Mistyped(String),
    /// A value out of range.
    #[error("{got} is out of range; expected {expected}")]
    OutOfRange {
        /// The value.
        got: String,
        /// What it should be.
        expected: &'static str,
    },
    /// No such environment or agent.
    #[error("{0}")]
    UnknownName(UnknownName),
    /// Another version of the environment.
    #[error("version {got} is not here; this program has version {expected} of `{env}`")]
    EnvVersion {
        /// The environment.
        env: String,
        /// The version asked for.
        got: u32,
        /// The version there is.
        expected: u32,
    },
    /// The environment or the agent refuses a setting.
    #[error("{}", plain(&.0.message))]
    Config(ConfigError),
    /// The objectives and constraints do not fit the environment.
    #[error("{0}")]
    Goal(ProblemError),
    /// The environment does not say what to optimise, and neither does the spec.
    #[error("`{env}` does not say what to optimise: it measures {}", .metrics.join(", "))]
    NoDefaultGoal {
        /// The environment.
        env: String,
        /// What it measures.
        metrics: Vec<String>,
    },
    /// The target is not an objective.
    #[error("`{got}` is not an objective{}; the objectives are {}", suggestion(.nearest), .known.join(", "))]
    TargetMetric {
        /// The metric asked for.
        got: String,
        /// The nearest objective there is.
        nearest: Option<String>,
        /// The metrics of all objectives.
        known: Vec<String>,
    },
    /// An earlier log cannot be learned from.
    #[error("{0}")]
    WarmStart(WarmStartFault),
    /// A part of the space that there is not.
    #[error("{0}")]
    Narrowing(NarrowingError),
    /// A file that a setting names cannot be read.
    #[error("{path}: cannot read the file: {source}")]
    InputFile {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file that a setting names is not what it was.
    #[error("{path}: the file has changed: its SHA-256 is {got}, the spec says {expected}")]
    InputFileChanged {
        /// The file.
        path: String,
        /// Its checksum.
        got: String,
        /// The checksum in the spec.
        expected: String,
    },
    /// A setting that TOML cannot hold.
    #[error("cannot be written as TOML: {0}")]
    NotToml(String),
}

impl SpecError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self.fault.as_ref() {
            SpecFault::Unreadable(_) => Some("check the path and its permissions".to_owned()),
            SpecFault::Version { expected, .. } => Some(format!("write `version = {expected}`")),
            SpecFault::UnknownKey { known, .. } if known.is_empty() => Some("remove it".to_owned()),
            SpecFault::UnknownKey { known, .. } => Some(format!("the keys here are {}", known.join(", "))),
            SpecFault::UnknownName(name) => Some(format!("each {} is listed by `tapeout list`", name.kind)),
            SpecFault::EnvVersion { expected, .. } => Some(format!(
                "results of two versions do not compare; write `version = {expected}` or use the release that has the other"
            )),
            SpecFault::Config(_) if self.field.starts_with("env") => {
                Some("its settings are shown by `tapeout describe`".to_owned())
            }
            SpecFault::NoDefaultGoal { metrics, .. } => {
                let metric = metrics.first()?;
                Some(format!("say so: `min:{metric}` if less is better, `max:{metric}` if more is"))
            }
            SpecFault::WarmStart(fault) => Some(fault.hint()),
            SpecFault::InputFileChanged { .. } => {
                Some("put back the file that the run was made with, or begin another run".to_owned())
            }
            SpecFault::Config(_) => Some("its hyperparameters are shown by `tapeout describe`".to_owned()),
            _ => None,
        }
    }
}

fn place(path: Option<&Path>, position: Option<Position>, field: &str) -> String {
    let mut place = String::new();
    if let Some(path) = path {
        place.push_str(&path.display().to_string());
        if let Some(Position { line, column }) = position {
            place.push_str(&format!(":{line}:{column}"));
        }
        place.push_str(": ");
    }
    if !field.is_empty() {
        place.push_str(&format!("`{field}`: "));
    }
    place
}
