//! Why a run stopped that should not have.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use tapeout_core::{AgentError, Design, Env, EvalError};

use crate::log::{LogError, design_text};
use crate::spec_error::SpecError;
use crate::workers::ThreadsError;

/// A run could not begin, go on or be read. What is in the log stays there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The spec cannot be run.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The log cannot be read, or is not of this run.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The folder cannot be made or listed.
    #[error("{}: cannot {action}", .path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is a run in the folder already.
    #[error("{}: there is a run in this folder already", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// There is no run in the folder.
    #[error("{}: there is no run in this folder: `spec.toml` is missing", .path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Another process is writing to the log.
    #[error("{}: another process is running in this folder", .path.display())]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// The log is there twice, and what is packed is not in the other.
    #[error("{}: has {trials} trials, but {} has {packed_trials}", .log.display(), .packed.display())]
    TwoLogs {
        /// The log as it is written.
        log: PathBuf,
        /// How many trials it has.
        trials: usize,
        /// The log as it was packed.
        packed: PathBuf,
        /// How many trials that has.
        packed_trials: usize,
    },
    /// The log lost trials while it was read.
    #[error("{}: the log became shorter while it was read", .path.display())]
    Shrunk {
        /// The log.
        path: PathBuf,
    },
    /// A file of the run cannot be written.
    #[error("{}: cannot write; {trials} trials are safe in the log", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// How many trials are in the log, whole.
        trials: usize,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The evaluator failed, and no result is in sight.
    #[error("trial {trial}: `{env}` failed to evaluate {design}{}", behind(*.others))]
    Evaluation {
        /// The trial that was to be logged.
        trial: usize,
        /// The environment.
        env: String,
        /// The design.
        design: String,
        /// How many designs behind it failed too.
        others: usize,
        /// Whether they are in the log, as failed.
        is_logged: bool,
        /// Why.
        #[source]
        source: EvalError,
    },
    /// Whoever evaluates the designs elsewhere has no answer.
    #[error("designs cannot be evaluated any more")]
    Executor(#[source] EvalError),
    /// What a run was told is no outcome of what it asked for.
    #[error("trial {trial}: {fault}")]
    Told {
        /// The trial that was to be logged.
        trial: usize,
        /// What is wrong with what it was told.
        fault: String,
    },
    /// The agent gave up.
    #[error("after {trials} trials: agent `{agent}` cannot go on")]
    Agent {
        /// The agent.
        agent: String,
        /// How many trials are in the log.
        trials: usize,
        /// Why.
        #[source]
        source: AgentError,
    },
    /// The agent proposed more than it was asked for.
    #[error(
        "after {trials} trials: agent `{agent}` proposed {got} designs; it was asked for at most {expected}"
    )]
    TooManyProposals {
        /// The agent.
        agent: String,
        /// How many trials are in the log.
        trials: usize,
        /// How many it proposed.
        got: usize,
        /// How many it was asked for.
        expected: usize,
    },
    /// The agent does not propose what is in the log.
    #[error("{}: trial {trial}: the log has {logged}, but agent `{agent}` proposes {proposed}", .path.display())]
    Diverged {
        /// The log.
        path: PathBuf,
        /// The first trial that differs.
        trial: usize,
        /// The agent.
        agent: String,
        /// The design in the log.
        logged: String,
        /// What the agent proposes in its place: a design, or nothing more.
        proposed: String,
    },
    /// No threads to evaluate on.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// A log of another kind cannot be read or added to.
    #[error(transparent)]
    OtherLog(Box<dyn Error + Send + Sync>),
}

impl RunError {
    /// The evaluator `env`, which messages call `name`, failed on this design, in this place.
    pub(crate) fn failed(env: &dyn Env, name: &str, (trial, design): (usize, &Design), cause: &str) -> Self {
        Self::Evaluation {
            trial,
            env: name.to_owned(),
            design: design_text(env.space(), design),
            others: 0,
            is_logged: false,
            source: EvalError::new(cause),
        }
    }

    /// The same of several designs in a row.
    pub(crate) fn with_others(mut self, n: usize, is_in_log: bool) -> Self {
        if let Self::Evaluation { others, is_logged, .. } = &mut self {
            (*others, *is_logged) = (n, is_in_log);
        }
        self
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(error) => error.hint(),
            Self::Log(error) => error.hint(),
            Self::Folder { source, .. } if is_full(source) => {
                Some("make room on the disk, or choose a folder on another".to_owned())
            }
            Self::Folder { .. } => Some("choose a folder that can be written to".to_owned()),
            Self::Exists { path } => Some(format!(
                "go on with it by `tapeout resume {}`, or choose another folder",
                path.display()
            )),
            Self::NoRun { .. } => Some("start one there by `tapeout search`, or check the path".to_owned()),
            Self::TwoLogs { log, packed, .. } => Some(format!(
                "keep one of them: move {} away to go on from the trials of {}, or the latter to do without them",
                log.display(),
                packed.display()
            )),
            Self::Shrunk { .. } => Some("try again when nobody else writes to the folder".to_owned()),
            Self::Busy { .. } => Some("wait for it to end, or choose another folder".to_owned()),
            Self::Write { source, path, .. } => Some(write_hint(source, path)),
            Self::Evaluation { is_logged: true, .. } => Some(
                "mend what the cause names, then `tapeout resume --retry-failed` asks about them again and goes on"
                    .to_owned(),
            ),
            Self::Evaluation { .. } | Self::Executor(_) => Some(
                "mend what the cause names, then `tapeout resume` goes on from the last trial".to_owned(),
            ),
            Self::Told { .. } => Some("`tapeout ask` says what is wanted, in which order".to_owned()),
            Self::TooManyProposals { agent, .. } => Some(format!("run `tapeout check {agent}`")),
            Self::Diverged { .. } => Some(
                "the log was made by another version of the agent or was edited; start a new run".to_owned(),
            ),
            Self::Agent { .. } | Self::Threads(_) | Self::OtherLog(_) => None,
        }
    }
}

fn behind(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => ", and the design after it".to_owned(),
        _ => format!(", and the {others} designs after it"),
    }
}

fn write_hint(source: &io::Error, path: &Path) -> String {
    let folder = path.parent().unwrap_or(path).display();
    let first = if is_full(source) { "make room on the disk" } else { "make the folder writable" };
    format!("{first}, then `tapeout resume {folder}` goes on from the last trial")
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
