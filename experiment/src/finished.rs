//! A run, and what came of it.

use tapeout_core::Trial;
use tapeout_core::pareto::Archive;

use crate::experiment::Experiment;
use crate::summary::Summary;
use crate::trials::Trials;

/// What was searched, and every trial of it; finished or not.
#[derive(Debug, Clone)]
pub struct Run {
    experiment: Experiment,
    trials: Trials,
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
    pub(crate) fn new(experiment: Experiment, trials: Trials) -> Self {
        Self { experiment, trials }
    }

    /// What was searched.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// What was evaluated, in the order of the log, judged by the run's own problem.
    pub fn trials(&self) -> &Trials {
        &self.trials
    }

    /// The acceptable trials that no other dominates, by their place in the log, ordered by the first objective; of equal ones the
    /// first.
    pub fn front(&self) -> Vec<usize> {
        let mut front = Archive::new(self.experiment.problem().n_objectives());
        for (index, trial) in self.trials.iter().enumerate() {
            if let Some(losses) = trial.judgement.accepted() {
                front.insert(index, losses).expect("a judged outcome has finite losses, one per objective");
            }
        }
        front.members().iter().map(|member| member.trial).collect()
    }

    /// The acceptable trial that is best by an objective, by its place in the log; the first, of equals, and none if nothing is
    /// acceptable.
    ///
    /// # Panics
    /// If there is no such objective.
    pub fn best(&self, objective: usize) -> Option<usize> {
        best(&self.trials, objective)
    }
}

/// The first of the acceptable trials with the least loss by an objective.
pub(crate) fn best(trials: &Trials, objective: usize) -> Option<usize> {
    let loss = |trial: Trial| trial.judgement.accepted().map(|losses| losses[objective]);
    let acceptable = trials.iter().enumerate().filter_map(|(index, trial)| Some((index, loss(trial)?)));
    acceptable.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| index)
}
