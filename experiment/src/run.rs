//! The one loop in which agent and environment meet.
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use tapeout_core::Catalog;
use crate::budget::Budget;
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::observer::Observer;
use crate::summary::Summary;

/// How to run; nothing here changes what comes of it.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How many designs are evaluated at once.
    pub threads: NonZeroUsize,
    /// Set by somebody who wants the run to end: it does so in good order, with what is evaluated in the log.
    pub interrupt: Option<&'a AtomicBool>,
}

/// Runs an experiment and logs it in `folder`, which is made if it is not there.
///
/// # Errors
/// [`RunError`].
pub fn run(
    experiment: &Experiment,
    folder: &Path,
    options: &Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Summary, RunError> {
    todo!("{} {:?} {:?} {}", experiment.spec().seed.number(), folder, options, { let _ = observer; 0 })
}

/// Goes on with the run in `folder`: replays its log, and then runs until the budget is spent.
///
/// `budget`: in place of that of the folder's spec, to which it is written; none to keep it.
///
/// # Errors
/// [`RunError`].
pub fn resume(
    catalog: &Catalog,
    folder: &Path,
    budget: Option<Budget>,
    options: &Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Summary, RunError> {
    todo!("{} {:?} {:?} {:?} {}", catalog.envs().len(), folder, options, budget, { let _ = observer; 0 })
}
