//! What counts of a run: the designs that were the best, or on the front, when they were found.

use std::borrow::Borrow;

use tapeout_core::Trial;
use tapeout_core::pareto::Archive;

/// The incumbents of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunTrace {
    /// Each design that nothing before it dominated or equalled: how many trials it took, counting its own, and its losses.
    pub incumbents: Vec<(usize, Vec<f64>)>,
    /// How many trials there are; fewer than the budget if the agent finished early.
    pub trials: usize,
    /// How many of them are acceptable.
    pub acceptable: usize,
    /// How many of them failed to be evaluated.
    pub failed: usize,
}

impl RunTrace {
    /// The trace of these trials over `n_objectives`.
    pub fn of<T: Borrow<Trial>>(trials: impl IntoIterator<Item = T>, n_objectives: usize) -> Self {
        let mut archive = Archive::new(n_objectives);
        let mut trace = Self { incumbents: Vec::new(), trials: 0, acceptable: 0, failed: 0 };
        for (index, trial) in trials.into_iter().enumerate() {
            let trial = trial.borrow();
            trace.trials += 1;
            trace.failed += usize::from(trial.outcome.is_failed());
            let Some(losses) = trial.judgement.accepted() else { continue };
            trace.acceptable += 1;
            let is_new = archive.insert(index, losses);
            if is_new.expect("invariant: judged losses are finite, one for each objective") {
                trace.incumbents.push((index + 1, losses.to_vec()));
            }
        }
        trace
    }
}
