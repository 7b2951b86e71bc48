//! The state of a search: an agent, what it has proposed, and what became of it. A function of the spec and the outcomes;
//! it knows no file, and of clocks only what its agent takes.

use std::collections::BTreeMap;

use tapeout_core::pareto::Archive;
use tapeout_core::{Agent, Design, DesignIndex, Direction, Judgement, Outcome, Trial};

use crate::budget::StopReason;
use crate::clock::ThreadClock;
use crate::error::RunError;
use crate::experiment::{Experiment, target_objective};
use crate::log::Record;
use crate::observer::{Event, Observer, Progress};
use crate::trials::Trials;

/// Batches in a row without a new design after which the agent counts as stuck. Ours: an agent of which one proposal in a
/// hundred is new, and that is asked for a single one at a time, still goes on more often than not.
pub const STALLED_BATCHES: usize = 100;

/// An agent at work.
pub(crate) struct Search {
    experiment: Experiment,
    agent: Box<dyn Agent>,
    /// Every design that is known, in the order of what is known of them; empty if the environment is noisy, and nothing is looked up.
    index: DesignIndex,
    /// What the agent was told before its first proposal.
    warm: Vec<Trial>,
    /// Of those the first of each design: as many as the index has of them.
    first_warm: Vec<usize>,
    /// The trials of the run.
    trials: Trials,
    front: Archive,
    acceptable: usize,
    infeasible: usize,
    failed: usize,
    /// Trials that were retried, by their place in the run, as the agent was told of them.
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
    /// For each proposal what answers it, which may be a trial that is yet to be.
    answers: Vec<Known>,
    /// The designs to be evaluated, in the order proposed.
    pub(crate) new: Vec<Design>,
    /// Whether proposals were left out because the budget ends before them.
    is_cut: bool,
}

/// What answers a proposal.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// What the agent was told before its first proposal, at this place.
    Warm(usize),
    /// A trial of the run.
    Trial(usize),
}

impl Known {
    /// Whether it is there when the run has `trials`.
    fn is_before(self, trials: usize) -> bool {
        match self {
            Self::Warm(_) => true,
            Self::Trial(index) => index < trials,
        }
    }
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
        let (mut index, mut first_warm) = (DesignIndex::new(experiment.problem().space()), Vec::new());
        if !experiment.env().is_noisy() {
            first_warm = (0..warm.len()).filter(|&at| index.insert(&warm[at].design)).collect();
        }
        Ok(Self {
            experiment: experiment.clone(),
            agent,
            index,
            warm,
            first_warm,
            trials: Trials::new(experiment.problem()),
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
    pub(crate) fn trials(&self) -> &Trials {
        &self.trials
    }

    /// The trials of the run, when it is over.
    pub(crate) fn into_trials(self) -> Trials {
        self.trials
    }

    /// How many trials of earlier logs the agent has learned from.
    pub(crate) fn n_warm(&self) -> usize {
        self.warm.len()
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
        let n_known = self.index.len() as u128;
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
            if let Some(known) = self.known(&design) {
                batch.answers.push(known);
                continue;
            }
            if n_trials + batch.new.len() >= limit {
                batch.is_cut = true;
                break;
            }
            if !self.experiment.env().is_noisy() {
                self.index.insert(&design);
            }
            batch.answers.push(Known::Trial(n_trials + batch.new.len()));
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
        let end = self.trials.len() + answers.len();
        self.batches_without_new = if answers.is_empty() { self.batches_without_new + 1 } else { 0 };
        self.duplicates += batch.answers.iter().filter(|known| known.is_before(end)).count() - answers.len();
        for answer in answers {
            self.add(answer, observer);
        }
        if !is_whole {
            return Ok(());
        }
        let told = |known: &Known| match *known {
            Known::Warm(index) => self.warm[index].clone(),
            Known::Trial(index) => self.told.get(&index).cloned().unwrap_or_else(|| self.trials.at(index)),
        };
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

    /// What is known of a design, or will be when its batch is.
    fn known(&self, design: &Design) -> Option<Known> {
        let place = self.index.find(design)?;
        let warm = self.first_warm.get(place).copied().map(Known::Warm);
        Some(warm.unwrap_or_else(|| Known::Trial(place - self.first_warm.len())))
    }

    fn add(&mut self, Answer { record, is_from_log }: Answer, observer: &mut dyn Observer) {
        let index = self.trials().len();
        self.evaluation_s += record.timing.evaluation_s;
        let problem = self.experiment.problem();
        if let Some(cause) = record.retried {
            let told = problem.trial(record.design.clone(), Outcome::Failed { cause });
            self.told.insert(index, told);
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
        self.trials.push(&trial.design, &trial.outcome);
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
