//! What can be wrong with a table of measurements, and what to do about it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::table::{FORMAT, VERSION};

/// Why a table cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process is measuring into it.
    #[error("{}: another process is measuring into this table", path.display())]
    Busy {
        /// Which table.
        path: PathBuf,
    },
    /// A line of it.
    #[error("{}:{line}: {fault}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// Lines cannot be added to gzipped files.
    #[error("{}: lines cannot be added to a gzipped table", path.display())]
    Gzipped {
        /// Which file.
        path: PathBuf,
    },
    /// Measurements of another device.
    #[error("{}: measured on {got}, not on {expected}", path.display())]
    Merge {
        /// Which file.
        path: PathBuf,
        /// Its device.
        got: String,
        /// The device of what it is to be merged with.
        expected: String,
    },
}

impl TableError {
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Busy { .. } => Some("wait for it to end, or choose another table"),
            Self::File { source, .. } if source.kind() == ErrorKind::AlreadyExists => {
                Some("name another file, or remove that one first")
            }
            Self::File { .. } => None,
            Self::Line { fault, .. } => Some(match fault {
                LineFault::NoHeader => "tables are made by `tapeout measure`",
                LineFault::Version { .. } => {
                    "measure again, or use the version of this program that wrote it"
                }
                LineFault::OtherDevice { .. } => "keep a table for each device",
                _ => {
                    "the line was changed or damaged after it was written: remove it, and what it said is measured again"
                }
            }),
            Self::Gzipped { .. } => {
                Some("write to a `.jsonl` file, and pack it with `tapeout measure --merge`")
            }
            Self::Merge { .. } => Some("keep a table for each device"),
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineFault {
    /// The first line is not that of a table.
    #[error("not a table of measurements: its first line does not say `{FORMAT}`")]
    NoHeader,
    /// Written by another version.
    #[error("field `table.version`: {got}; this program reads {VERSION}")]
    Version {
        /// Its version.
        got: u32,
    },
    /// A first line further down.
    #[error("a second first line")]
    SecondHeader,
    /// Not UTF-8.
    #[error("not text")]
    NotText,
    /// No `check` at the end.
    #[error("field `check`: missing at the end of the line")]
    NoChecksum,
    /// The checksum is not that of the line.
    #[error("field `check`: {got}; the line has {expected}")]
    Checksum {
        /// What it says.
        got: String,
        /// What it should say.
        expected: String,
    },
    /// A field cannot be used.
    #[error("field `{field}`: {message}")]
    Field {
        /// Its path in the line.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// A session on another device.
    #[error("field `session.device`: {got}; the table is of {expected}")]
    OtherDevice {
        /// The device of the line.
        got: String,
        /// That of the table.
        expected: String,
    },
}
