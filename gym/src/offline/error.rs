//! Why something cannot be designed offline.

use std::path::PathBuf;

use tapeout_core::surrogate::FitError;
use tapeout_core::{
    BuildEnvError, ConfigError, EvalError, LoadError, ProblemError, SpaceError, TrainingDataError,
    UnknownName,
};

/// Why a model cannot be fitted, or proposals not made, read or validated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfflineError {
    /// No such environment, learner or workload.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// A setting was refused.
    #[error("{of}: {source}")]
    Config {
        /// Whose.
        of: String,
        /// Why.
        source: ConfigError,
    },
    /// The goal does not fit the metrics.
    #[error(transparent)]
    Goal(#[from] ProblemError),
    /// The rows are of a part of the environment's space, whose models nobody could ask about the whole.
    #[error("the data set is of a part of the space of environment `{env}`, and models are of the whole")]
    Narrowed {
        /// Which.
        env: String,
    },
    /// The rows cannot be learned from together.
    #[error(transparent)]
    Data(#[from] TrainingDataError),
    /// The fit failed.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The model cannot be read.
    #[error(transparent)]
    Model(#[from] LoadError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that says something else than it should.
    #[error("{}: `{field}`: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Where in it.
        field: String,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A design that the environment does not have.
    #[error("proposal {number}: {source}")]
    Design {
        /// Its number in the file, from 1.
        number: usize,
        /// Why.
        source: SpaceError,
    },
    /// An environment of another version.
    #[error("environment `{env}`: the proposals are of version {got}; this program has {expected}")]
    EnvVersion {
        /// Which.
        env: String,
        /// The file's.
        got: u32,
        /// The one here.
        expected: u32,
    },
    /// The environment failed.
    #[error("environment `{env}`, proposal {number}: {source}")]
    Evaluation {
        /// Which.
        env: String,
        /// The proposal's number in the file, from 1.
        number: usize,
        /// Why.
        source: EvalError,
    },
}

impl OfflineError {
    /// The environment `env` could not be built, for what `of` says.
    pub(crate) fn built(of: impl FnOnce() -> String, error: BuildEnvError) -> Self {
        match error {
            BuildEnvError::UnknownName(error) => Self::UnknownName(error),
            BuildEnvError::Config(source) => Self::Config { of: of(), source },
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Narrowed { .. } => {
                Some("log designs without `--fix` and `--levels`, which leave a part of the space")
            }
            Self::Fit(_) => Some("log more designs, or learn from more of the rows"),
            Self::Design { .. } => Some("name the environment that the proposals were made for: `--env`"),
            Self::EnvVersion { .. } => Some("fit the model again on a data set of this version"),
            _ => None,
        }
    }
}
