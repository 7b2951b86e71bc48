//! A run, and what came of it.

use tapeout_core::Trial;

use crate::experiment::Experiment;
use crate::summary::Summary;

/// What was searched, and every trial of it; finished or not.
#[derive(Debug, Clone)]
pub struct Run {
    experiment: Experiment,
    trials: Vec<Trial>,
}

/// A run that has ended, and what came of it.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The run.
    pub run: Run,
    /// What came of it.
    pub summary: Summary,
}

impl Run {
    pub(crate) fn new(experiment: Experiment, trials: Vec<Trial>) -> Self {
        Self { experiment, trials }
    }

    /// What was searched.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// What was evaluated, in the order of the log, judged by the run's own problem.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }
}
