//! Why a table cannot be filled.

use tapeout_core::{AgentError, ConfigError, UnknownName};
use tapeout_gpu::{BenchError, TableError};

/// Why a table cannot be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MeasureError {
    /// No such device or agent.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// The product or a hyperparameter cannot be used.
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
    /// The agent cannot go on.
    #[error(transparent)]
    Agent(#[from] AgentError),
}

impl MeasureError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Table(error) => error.hint(),
            Self::OtherDevice { .. } => Some("name the device that is there with `--device`"),
            Self::Bench(BenchError::Unavailable(_)) => Some(
                "without a GPU, search `gpu-gemm-recorded` or `gpu-gemm-model`, or rehearse with `--rehearse`",
            ),
            _ => None,
        }
    }

    /// Whether it lies in what was asked for, or in where it was asked, and not in what happened on the way.
    pub const fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Agent(_) | Self::Bench(BenchError::Failed(_) | BenchError::Protocol { .. }))
    }
}
