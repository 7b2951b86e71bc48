//! The state of a search: an agent, what it has proposed, and what became of it. A function of the spec and the outcomes;
//! it knows no file, and of clocks only what its agent takes.

use std::collections::{BTreeMap, HashMap};

use tapeout_core::pareto::Archive;
use tapeout_core::{Agent, Design, Direction, Judgement, Outcome, Trial};

use crate::budget::StopReason;
use crate::clock::ThreadClock;
use crate::error::RunError;
use crate::experiment::{Experiment, target_objective};
use crate::log::Record;
use crate::observer::{Event, Observer, Progress};

/// Batches in a row without a new design after which the agent counts as stuck. Ours: an agent of which one proposal in a
/// hundred is new, and that is asked for a single one at a time, still goes on more often than not.
pub const STALLED_BATCHES: usize = 100;

/// An agent at work.
pub(crate) struct Search {
    experiment: Experiment,
    agent: Box<dyn Agent>,
    /// Where each design stands among what is known; empty if the environment is noisy, and nothing is looked up.
    index_by_design: HashMap<Design, usize>,
    /// What the agent was told before its first proposal, and then the trials of the run.
    known: Vec<Trial>,
    n_warm: usize,
    front: Archive,
    acceptable: usize,
    infeasible: usize,
    failed: usize,
    /// Trials that were retried, by their place among what is known, as the agent was told of them.
    told: BTreeMap<usize, Trial>,
    duplicates: usize,
    batches_without_new: usize,
    is_target_reached: bool,
    evaluation_s: f64,
    agent_s: f64,
}

/// What became of a design that was new to the run.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) record: Record,
    /// Whether it was in the log, and not evaluated now.
    pub(crate) is_from_log: bool,
}

/// A batch of proposals, split into what is known and what is not.
#[derive(Debug)]
pub(crate) struct Batch {
    /// For each proposal the trial that answers it, which may be one that is yet to be.
    answers: Vec<usize>,
    /// The designs to be evaluated, in the order proposed.
    pub(crate) new: Vec<Design>,
    /// Whether proposals were left out because the budget ends before them.
    is_cut: bool,
}

impl Search {
    /// A search before its first proposal; the agent has learned from earlier logs, if there are any.
    pub(crate) fn new(experiment: &Experiment) -> Result<Self, RunError> {
        let (mut agent, warm) = (experiment.agent()?, experiment.warm_trials()?);
        if !warm.is_empty() {
            agent.observe(&warm).map_err(|source| RunError::Agent {
                agent: experiment.spec().agent.id.clone(),
                trials: 0,
                source,
            })?;
        }
        let mut index_by_design = HashMap::new();
        if !experiment.env().is_noisy() {
            for (index, trial) in warm.iter().enumerate() {
                index_by_design.entry(trial.design.clone()).or_insert(index);
            }
        }
        Ok(Self {
            experiment: experiment.clone(),
            agent,
            index_by_design,
            n_warm: warm.len(),
            known: warm,
            front: Archive::new(experiment.problem().n_objectives()),
            acceptable: 0,
            infeasible: 0,
            failed: 0,
            told: BTreeMap::new(),
            duplicates: 0,
            batches_without_new: 0,
            is_target_reached: false,
            evaluation_s: 0.0,
            agent_s: 0.0,
        })
    }

    pub(crate) fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The trials of the run.
    pub(crate) fn trials(&self) -> &[Trial] {
        &self.known[self.n_warm..]
    }

    /// The trials of the run, when it is over.
    pub(crate) fn into_trials(mut self) -> Vec<Trial> {
        self.known.split_off(self.n_warm)
    }

    /// How many trials of earlier logs the agent has learned from.
    pub(crate) fn n_warm(&self) -> usize {
        self.n_warm
    }

    pub(crate) fn front(&self) -> &Archive {
        &self.front
    }

    /// Whether any trial of the run has a result.
    pub(crate) fn has_result(&self) -> bool {
        self.failed < self.trials().len()
    }

    pub(crate) fn duplicates(&self) -> usize {
        self.duplicates
    }

    pub(crate) fn evaluation_s(&self) -> f64 {
        self.evaluation_s
    }

    /// Processor time that the agent took to suggest and to observe, for all trials: what is replayed is suggested and observed again.
    pub(crate) fn agent_s(&self) -> f64 {
        self.agent_s
    }

    pub(crate) fn is_target_reached(&self) -> bool {
        self.is_target_reached
    }

    pub(crate) fn progress(&self, elapsed_s: f64) -> Progress {
        Progress {
            trials: self.trials().len(),
            budget_trials: self.experiment.spec().budget.trials.get(),
            acceptable: self.acceptable,
            infeasible: self.infeasible,
            failed: self.failed,
            duplicates: self.duplicates,
            front: self.front.members().len(),
            elapsed_s,
        }
    }

    /// Why the search cannot yield another trial, if it cannot; the budget is none of its business.
    pub(crate) fn dead_end(&self) -> Option<StopReason> {
        let is_noisy = self.experiment.env().is_noisy();
        let n_known = self.index_by_design.len() as u128;
        if !is_noisy && n_known >= self.experiment.problem().space().cardinality() {
            Some(StopReason::SpaceExhausted)
        } else if self.batches_without_new >= STALLED_BATCHES {
            Some(StopReason::Stalled)
        } else {
            None
        }
    }

    /// Asks the agent for a batch, up to where the search would have more than `limit` trials; none if it has finished.
    ///
    /// The agent is always asked for a whole batch, so that its proposals do not depend on the budget.
    pub(crate) fn propose(&mut self, limit: usize) -> Result<Option<Batch>, RunError> {
        let spec = self.experiment.spec();
        let n_trials = self.trials().len();
        let agent_id = || spec.agent.id.clone();
        let clock = ThreadClock::start();
        let proposals = self.agent.suggest(spec.batch.get());
        self.agent_s += clock.elapsed_s();
        let proposals =
            proposals.map_err(|source| RunError::Agent { agent: agent_id(), trials: n_trials, source })?;
        if proposals.is_empty() {
            return Ok(None);
        }
        if proposals.len() > spec.batch.get() {
            return Err(RunError::TooManyProposals {
                agent: agent_id(),
                trials: n_trials,
                got: proposals.len(),
                expected: spec.batch.get(),
            });
        }
        let mut batch =
            Batch { answers: Vec::with_capacity(proposals.len()), new: Vec::new(), is_cut: false };
        for design in proposals {
            if let Some(&known) = self.index_by_design.get(&design) {
                batch.answers.push(known);
                continue;
            }
            if n_trials + batch.new.len() >= limit {
                batch.is_cut = true;
                break;
            }
            let index = self.known.len() + batch.new.len();
            if !self.experiment.env().is_noisy() {
                self.index_by_design.insert(design.clone(), index);
            }
            batch.answers.push(index);
            batch.new.push(design);
        }
        Ok(Some(batch))
    }

    /// Takes in what became of a batch and tells the agent, unless the batch is not whole: then the run is over.
    ///
    /// `answers`: what became of the batch's new designs, or of the first few.
    pub(crate) fn absorb(
        &mut self,
        batch: &Batch,
        answers: Vec<Answer>,
        observer: &mut dyn Observer,
    ) -> Result<(), RunError> {
        let is_whole = !batch.is_cut && answers.len() == batch.new.len();
        let end = self.known.len() + answers.len();
        self.batches_without_new = if answers.is_empty() { self.batches_without_new + 1 } else { 0 };
        self.duplicates += batch.answers.iter().filter(|&&index| index < end).count() - answers.len();
        for answer in answers {
            self.add(answer, observer);
        }
        if !is_whole {
            return Ok(());
        }
        let told = |index: &usize| self.told.get(index).unwrap_or(&self.known[*index]).clone();
        let answers: Vec<Trial> = batch.answers.iter().map(told).collect();
        let clock = ThreadClock::start();
        let observed = self.agent.observe(&answers);
        self.agent_s += clock.elapsed_s();
        observed.map_err(|source| RunError::Agent {
            agent: self.experiment.spec().agent.id.clone(),
            trials: self.trials().len(),
            source,
        })
    }

    fn add(&mut self, Answer { record, is_from_log }: Answer, observer: &mut dyn Observer) {
        let index = self.trials().len();
        self.evaluation_s += record.timing.evaluation_s;
        let problem = self.experiment.problem();
        if let Some(cause) = record.retried {
            let told = problem.trial(record.design.clone(), Outcome::Failed { cause });
            self.told.insert(self.known.len(), told);
        }
        let trial = problem.trial(record.design, record.outcome);
        let is_incumbent = match &trial.judgement {
            Judgement::Acceptable { losses } => {
                self.acceptable += 1;
                self.is_target_reached |= self.reaches_target(losses);
                self.front
                    .insert(index, losses)
                    .expect("a judged outcome has finite losses, one per objective")
            }
            Judgement::Unacceptable { .. } => false,
            Judgement::Infeasible { .. } => {
                self.infeasible += 1;
                false
            }
            Judgement::Failed => {
                self.failed += 1;
                false
            }
        };
        observer.event(Event::Trial { index, trial: &trial, is_from_log, is_incumbent });
        self.known.push(trial);
    }

    fn reaches_target(&self, losses: &[f64]) -> bool {
        let problem = self.experiment.problem();
        self.experiment.spec().budget.target.as_ref().is_some_and(|target| {
            let (index, direction) =
                target_objective(problem, &target.metric).expect("a target is checked with the budget");
            let value = problem.objective_value(index, losses[index]);
            match direction {
                Direction::Minimize => value <= target.value,
                Direction::Maximize => value >= target.value,
            }
        })
    }
}
