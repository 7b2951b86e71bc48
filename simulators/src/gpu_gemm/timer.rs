//! The question that the model, recorded tables and a live device all answer.

use std::borrow::Cow;
use std::fmt;

use super::gemm::Gemm;
use super::tile::Tile;

/// Says how long a tile takes on one device.
pub trait TileTimer: Send + Sync {
    /// The time `tile` takes to compute `gemm`.
    ///
    /// # Errors
    /// [`TimerError::Infeasible`] if the tile cannot be built or run, [`TimerError::Failed`] if there is no answer.
    fn time(&self, gemm: &Gemm, tile: &Tile) -> Result<TileTiming, TimerError>;
}

/// Time and energy of a tile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TileTiming {
    /// From launch to completion; the median where it was measured.
    pub time_s: f64,
    /// Energy of the whole device in that time; none where nobody looked.
    pub energy_j: Option<f64>,
}

/// When it shows that a tile cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// From its numbers alone.
    Static,
    /// On compiling.
    Compile,
    /// On launching.
    Launch,
    /// On running, or from a wrong result.
    Run,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Static => "static",
            Self::Compile => "compile",
            Self::Launch => "launch",
            Self::Run => "run",
        })
    }
}

/// Why a tile cannot be built or run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{stage} rule `{rule}` is broken by {excess}")]
pub struct TileFault {
    /// When the fault shows.
    pub stage: Stage,
    /// A short stable name: `shared_per_block`.
    pub rule: Cow<'static, str>,
    /// By how much, in the rule's own measure; positive.
    pub excess: f64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// The tile cannot be built or run.
    #[error(transparent)]
    Infeasible(#[from] TileFault),
    /// Whoever was asked cannot answer, which says nothing about the tile.
    #[error("{message}")]
    Failed {
        /// The missing or broken thing, in words.
        message: String,
        /// Cause of the failure.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}
