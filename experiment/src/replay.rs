//! Replaying a log: does the agent still propose what is in it?

use std::num::NonZeroUsize;
use std::path::Path;

use serde::Serialize;
use tapeout_core::Catalog;

use crate::budget::Budget;
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder;
use crate::run::{RunOptions, search};

/// A replay without a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// How many trials were compared: all there are in the log.
    pub trials: usize,
    /// How many proposals were answered from the log, up to its last trial.
    pub duplicates: usize,
}

/// Runs the same rounds over the log of the run in `folder`, up to its end: nothing is evaluated, and nothing written to the
/// folder.
///
/// # Errors
/// [`RunError::Diverged`] at the first trial that the agent would not propose; others if the run cannot be read.
pub fn replay(catalog: &Catalog, folder: &Path) -> Result<ReplayReport, RunError> {
    replay_of(folder::experiment(catalog, folder)?, folder)
}

/// The same where the experiment in `folder` is known.
pub(crate) fn replay_of(experiment: Experiment, folder: &Path) -> Result<ReplayReport, RunError> {
    let (mut log, extent) = folder::recorded(&experiment, folder)?;
    let Some(trials) = NonZeroUsize::new(extent.trials) else {
        return Ok(ReplayReport { trials: 0, duplicates: 0 });
    };
    let experiment = experiment.with_budget(Budget::trials(trials))?;
    let summary = search(&experiment, &mut log, &RunOptions::default(), &mut ())?.summary;
    Ok(ReplayReport { trials: summary.trials, duplicates: summary.duplicates })
}
