//! Why a log cannot be imported.

use std::path::PathBuf;

use tapeout_core::{ProblemError, SpaceError};

/// A log that cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Nothing to import.
    #[error("no file was named")]
    NoFiles,
    /// The file cannot be read, or is not what its ending says.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Nothing in it.
    #[error("{}: the file is empty", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A column that is asked for is not there.
    #[error("{}: there is no column `{column}`{}; there are {}", .path.display(), tapeout_core::names::suggestion(.nearest), .known.join(", "))]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The nearest name there is.
        nearest: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// `logs.toml` cannot be understood.
    #[error("{}{}: {reason}", .path.display(), if .field.is_empty() { String::new() } else { format!(": `{field}`") })]
    Columns {
        /// The file.
        path: PathBuf,
        /// The field; empty if it is about the text.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// Levels that are none.
    #[error("levels of parameter `{parameter}`: {reason}")]
    Levels {
        /// Whose.
        parameter: String,
        /// What is wrong.
        reason: String,
    },
    /// No row is fit.
    #[error("none of the {rows} rows is fit to be learned from; the first: {first}")]
    NoRows {
        /// How many there are.
        rows: usize,
        /// What is wrong with the first.
        first: String,
    },
    /// The parameters do not make a space.
    #[error("the parameters make no space: {0}")]
    Space(#[from] SpaceError),
    /// The goal does not fit the metrics.
    #[error(transparent)]
    Goal(#[from] ProblemError),
}

impl ImportError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoFiles => Some("name a log: a file that ends in .csv, .jsonl or .parquet"),
            Self::File { reason, .. } if reason.contains("codec") || reason.contains("ZSTD") => {
                Some("write the file with the compression `snappy`, `gzip` or none, or as CSV")
            }
            Self::NoColumn { .. } | Self::Columns { .. } => {
                Some("`tapeout dataset import FILE --draft logs.toml` writes what the columns seem to mean")
            }
            _ => None,
        }
    }
}
