//! Why a command could not do what it was asked, as it is told to people.

use std::{fmt, io};

use serde_json::{Value, json};
use tapeout::core::{BuildEnvError, UnknownName};
use tapeout::experiment::dataset::DatasetError;
use tapeout::experiment::dataset::import::error::ImportError;
use tapeout::experiment::plot::PlotError;
use tapeout::experiment::{RunError, SpecError};
use tapeout::offline::OfflineError;
use tapeout::simulators::networks::OpenNetworkError;

use crate::answer::{Exit, SCHEMA};

/// What `clap` writes before each thing that can be done.
const TIP: &str = "\n  tip: ";

/// An error with its causes, what can be done about it, and the exit code it ends in.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// What was named on the command line cannot be used.
    pub(crate) fn bad_input(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hint: None, exit: Exit::BadInput }
    }

    /// Something failed on the way.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hint: None, exit: Exit::Failed }
    }

    /// A place that was named cannot be written to, or a disk failed.
    pub(crate) fn unwritable(error: io::Error) -> Self {
        Self { exit: exit_of(&error), error: error.into(), hint: None }
    }

    /// A command line that cannot be read.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        let text = error.to_string();
        let text = text.split("\n\nUsage:").next().unwrap_or_default();
        let text = text.split("\n\nFor more information").next().unwrap_or_default();
        let text = text.strip_prefix("error: ").unwrap_or(text).trim_end();
        let mut parts = text.split(TIP).map(str::trim_end);
        let message = parts.next().unwrap_or_default().to_owned();
        let tips: Vec<&str> = parts.collect();
        let hint = (!tips.is_empty()).then(|| tips.join("; "));
        Self { hint, ..Self::bad_input(anyhow::anyhow!(message)) }
    }

    /// The same failure with what can be done about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same failure as the cause of another.
    pub(crate) fn context(self, message: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self { error: self.error.context(message), ..self }
    }

    /// What went wrong, a line for each cause that the message does not tell already, and `hint: ...`.
    pub(crate) fn message(&self) -> String {
        let mut told = self.error.to_string();
        let mut message = told.clone();
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if !told.contains(&cause) {
                message.push_str(&format!("\n  caused by: {cause}"));
                told = cause;
            }
        }
        if let Some(hint) = &self.hint {
            message.push_str(&format!("\nhint: {hint}"));
        }
        message
    }

    /// The same as data: the message, its causes from the outermost in, what can be done, and the exit code.
    pub(crate) fn json(&self) -> Value {
        let causes: Vec<String> = self.error.chain().skip(1).map(ToString::to_string).collect();
        let (message, exit) = (self.error.to_string(), self.exit as u8);
        let error = json!({ "message": message, "causes": causes, "hint": self.hint, "exit": exit });
        json!({ "schema": SCHEMA, "error": error })
    }

    /// The exit code it ends in.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

/// `error: ` and the message.
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.message())
    }
}

/// How it ends that a file or a folder could not be made or written: a place that cannot be used was named so, a disk that is full failed
/// on the way.
pub(crate) fn exit_of(error: &io::Error) -> Exit {
    use io::ErrorKind::{
        AlreadyExists, InvalidFilename, IsADirectory, NotADirectory, NotFound, PermissionDenied,
        ReadOnlyFilesystem,
    };
    match error.kind() {
        AlreadyExists | InvalidFilename | IsADirectory | NotADirectory | NotFound | PermissionDenied
        | ReadOnlyFilesystem => Exit::BadInput,
        _ => Exit::Failed,
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        let hint = error.hint();
        Self { error: error.into(), hint, exit: Exit::BadInput }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = match &error {
            RunError::Spec(_)
            | RunError::Log(_)
            | RunError::Exists { .. }
            | RunError::NoRun { .. }
            | RunError::Told { .. }
            | RunError::TwoLogs { .. } => Exit::BadInput,
            RunError::Folder { source, .. } => exit_of(source),
            RunError::Diverged { .. } => Exit::Difference,
            _ => Exit::Failed,
        };
        let hint = error.hint();
        Self { error: error.into(), hint, exit }
    }
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let exit = match &error {
            DatasetError::File { source, .. } => exit_of(source),
            DatasetError::Threads(_) | DatasetError::Evaluation { .. } => Exit::Failed,
            _ => Exit::BadInput,
        };
        let hint = error.hint();
        Self { error: error.into(), hint, exit }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let hint = error.hint().map(str::to_owned);
        Self { error: error.into(), hint, exit: Exit::BadInput }
    }
}

impl From<BuildEnvError> for Failure {
    fn from(error: BuildEnvError) -> Self {
        match error {
            BuildEnvError::UnknownName(error) => error.into(),
            BuildEnvError::Config(error) => Self::bad_input(error),
        }
    }
}

impl From<UnknownName> for Failure {
    fn from(error: UnknownName) -> Self {
        Self::bad_input(error).hint("all names are listed by `tapeout list`")
    }
}

impl From<OpenNetworkError> for Failure {
    fn from(error: OpenNetworkError) -> Self {
        match error {
            OpenNetworkError::Unknown(error) => error.into(),
            OpenNetworkError::File(error) => Self::bad_input(error),
        }
    }
}

impl From<PlotError> for Failure {
    fn from(error: PlotError) -> Self {
        match error {
            PlotError::NoAcceptableDesign { .. } | PlotError::NoProgress { .. } => {
                Self::bad_input(error).hint("loosen the constraints, or search for longer")
            }
            PlotError::UnknownName(unknown) => {
                let hint = format!("this run has {}", unknown.known.join(", "));
                Self::bad_input(unknown).hint(hint)
            }
            PlotError::File { ref source, .. } => {
                let exit = exit_of(source);
                Self { exit, ..Self::failed(error).hint("choose a place that can be written to") }
            }
            _ => Self::failed(error),
        }
    }
}

impl From<OfflineError> for Failure {
    fn from(error: OfflineError) -> Self {
        let exit = match &error {
            OfflineError::Fit(_) | OfflineError::Evaluation { .. } => Exit::Failed,
            _ => Exit::BadInput,
        };
        let hint = error.hint().map(str::to_owned);
        Self { error: error.into(), hint, exit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: a cause is told once, also where the message quotes it.
    #[test]
    fn causes_are_told_once_each() {
        let failure = Failure::failed(anyhow::anyhow!("no space left"))
            .context("cannot write: no space left")
            .context("run.toml: stopped")
            .hint("make room");
        assert_eq!(
            failure.to_string(),
            "error: run.toml: stopped\n  caused by: cannot write: no space left\nhint: make room"
        );
    }
}
