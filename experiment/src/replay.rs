//! Replaying a run: does the agent still propose what the log holds?

use std::path::Path;

use serde::Serialize;
use tapeout_core::Catalog;

use crate::error::RunError;

/// A replay without a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// How many trials were compared: all there are in the log.
    pub trials: usize,
    /// How many proposals were answered from the log.
    pub duplicates: usize,
}

/// Runs the same loop over the log of the run in `folder`, without evaluating anything or writing to the folder.
///
/// # Errors
/// [`RunError::Diverged`] at the first trial that the agent would not propose; others if the run cannot be read.
pub fn replay(catalog: &Catalog, folder: &Path) -> Result<ReplayReport, RunError> {
    todo!("{} {:?}", catalog.envs().len(), folder)
}
