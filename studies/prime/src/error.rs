//! Why a study cannot go on.

use std::path::PathBuf;

use tapeout::core::{ConfigError, LoadError, ProblemError, UnknownName};
use tapeout::experiment::dataset::{DatasetError, SplitError};
use tapeout::experiment::plot::PlotError;
use tapeout::experiment::{RunError, SpecError};

use tapeout::offline::OfflineError;

/// Why a study cannot go on; what is in its ledger stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The data set.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Its split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A fit or a validation.
    #[error(transparent)]
    Offline(#[from] OfflineError),
    /// A setting of the environment cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A search that cannot begin.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A search that failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A model that cannot be read back.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The folder has the data set of another study.
    #[error("{}: a data set of another number of designs, or another area limit; use another folder, or delete it", .path.display())]
    OtherData {
        /// The folder.
        path: PathBuf,
    },
    /// A name that is not there.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// The goal does not fit the environment.
    #[error(transparent)]
    Goal(#[from] ProblemError),
    /// A picture.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody can interrupt it.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signal(std::io::Error),
    /// A line of a file that says something else.
    #[error("{}:{line}: {message}", path.display())]
    Ledger {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The study in the folder has another plan.
    #[error("{}: the study in this folder was begun with another plan; `{field}` is {got}, expected {expected}", path.display())]
    OtherPlan {
        /// The file with the plan.
        path: PathBuf,
        /// What differs first.
        field: String,
        /// In the file.
        got: String,
        /// Asked for.
        expected: String,
    },
}

impl StudyError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Dataset(error) => error.hint(),
            Self::Offline(error) => error.hint().map(str::to_owned),
            Self::Spec(error) => error.hint(),
            Self::Run(error) => error.hint(),
            Self::OtherPlan { .. } => Some("name another folder with `--out`, or remove that one".to_owned()),
            _ => None,
        }
    }
}
