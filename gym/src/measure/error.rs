//! Why a table cannot be filled.

use tapeout_core::{ConfigError, UnknownName};
use tapeout_experiment::{RunError, SpecError};
use tapeout_gpu::{BenchError, TableError};

/// Why a table cannot be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// No such device.
    #[error(transparent)]
    Device(#[from] UnknownName),
    /// There is no such agent, or it refuses a hyperparameter.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The product cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The device is another than the one whose rules were asked for.
    #[error("the device is {got}, not {expected}")]
    OtherDevice {
        /// What is there.
        got: String,
        /// What was asked for.
        expected: String,
    },
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Measuring.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The search cannot go on.
    #[error(transparent)]
    Run(Box<RunError>),
}

impl From<RunError> for MeasureError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Spec(error) => Self::Spec(error),
            RunError::OtherLog(source) => match source.downcast() {
                Ok(error) => *error,
                Err(source) => Self::Run(Box::new(RunError::OtherLog(source))),
            },
            error => Self::Run(Box::new(error)),
        }
    }
}

impl MeasureError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Spec(error) => return error.hint(),
            Self::Table(error) => error.hint()?,
            Self::OtherDevice { .. } => "name the device that is there with `--device`",
            Self::Bench(BenchError::Unavailable(_)) => {
                "without a GPU, search `gpu-gemm-recorded` or `gpu-gemm-model`, or rehearse with `--rehearse`"
            }
            Self::Run(error) if matches!(**error, RunError::Evaluation { .. }) => {
                "mend what the cause names, then the same command goes on with the table"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether it lies in what was asked for, or in where it was asked, and not in what happened on the way.
    pub const fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Run(_) | Self::Bench(BenchError::Failed(_) | BenchError::Protocol { .. }))
    }
}
