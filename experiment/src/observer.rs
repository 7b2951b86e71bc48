//! What the loop tells whoever watches: a progress bar, a test.

use tapeout_core::Trial;

/// Watches a run. It is told of every trial once, in the order of the log, after the trial is in the log.
pub trait Observer {
    /// Takes one event.
    fn event(&mut self, event: Event<'_>);
}

/// Watches nothing.
impl Observer for () {
    fn event(&mut self, _: Event<'_>) {}
}

/// Something that happened in the loop.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A trial was evaluated and logged, or, when a run is resumed, found in the log.
    Trial {
        /// Its place in the log, from 0.
        index: usize,
        /// The trial.
        trial: &'a Trial,
        /// Whether it was read from the log of an earlier part instead of being evaluated now.
        is_from_log: bool,
        /// Whether it is an incumbent: acceptable, and dominated or equalled by no trial before it.
        is_incumbent: bool,
    },
    /// A batch is done: logged, and observed by the agent.
    Batch(Progress),
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Distinct designs evaluated, those of earlier parts included.
    pub trials: usize,
    /// How many there may be.
    pub budget_trials: usize,
    /// How many of the trials are acceptable.
    pub acceptable: usize,
    /// How many of the trials are infeasible.
    pub infeasible: usize,
    /// How many of the trials have no result, since the evaluator failed.
    pub failed: usize,
    /// How many proposals were answered from the log.
    pub duplicates: usize,
    /// How many designs are on the front.
    pub front: usize,
    /// Wall time of all parts so far.
    pub elapsed_s: f64,
}
