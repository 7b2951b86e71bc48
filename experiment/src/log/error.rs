//! What can be wrong with a log.

use std::io;
use std::path::PathBuf;

/// A log that cannot be read: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {fault}", .path.display(), .line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct LogError {
    /// The log.
    pub path: PathBuf,
    /// The line, from 1, if the fault is in one.
    pub line: Option<usize>,
    /// What is wrong.
    #[source]
    pub fault: LogFault,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// The file cannot be read.
    #[error("cannot read the log: {0}")]
    Unreadable(io::Error),
}

impl LogError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        None
    }
}
