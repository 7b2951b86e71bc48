//! A run whose loop somebody else holds: it is asked for designs, and told what became of them.
//!
//! The agent, the log and the folder are those of any other run, so it is resumed, replayed, plotted and compared like one. Nothing is
//! kept between two calls but the log: who opens the run again is asked for the same designs again, until it is told of them.

use std::path::{Path, PathBuf};

use tapeout_core::{Design, Outcome};

use crate::budget::StopReason;
use crate::clock::Clock;
use crate::error::RunError;
use crate::evaluate::checked;
use crate::experiment::Experiment;
use crate::finished::Run;
use crate::folder::{begin_or_open, write_summary};
use crate::log::{Log, MemoryLog, Record, TrialTiming};
use crate::search::{Answer, Batch, Search};
use crate::summary::Summary;

/// A run that waits to be told. After an error other than [`RunError::Told`] it is of no use, and is opened again.
pub struct AskTell {
    search: Search,
    log: Box<dyn Log + Send>,
    /// Where the summary is written, if the run is on disk.
    folder: Option<PathBuf>,
    earlier_s: f64,
    clock: Clock,
    pending: Option<Pending>,
}

/// A batch of which not everything is known yet.
struct Pending {
    batch: Batch,
    /// What is known: the first few of the new designs.
    answers: Vec<Answer>,
}

/// What is wanted next.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// What became of these designs, in this order.
    Designs(Vec<Design>),
    /// Nothing: the run is over.
    Over(StopReason),
}

impl AskTell {
    /// Opens the run of `experiment` in `folder`, or begins it: what is in the log is told to the agent.
    ///
    /// # Errors
    /// [`RunError`] if the folder holds another run or cannot be written to, its log cannot be read, or the agent proposes something
    /// other than what is logged.
    pub fn open(experiment: &Experiment, folder: &Path) -> Result<Self, RunError> {
        let search = Search::new(experiment)?;
        let log = begin_or_open(experiment, folder)?;
        Ok(Self::over(search, Box::new(log), Some(folder.to_owned())))
    }

    /// Begins a run of `experiment` that is kept in memory alone.
    ///
    /// # Errors
    /// [`RunError`] if the agent cannot begin.
    pub fn in_memory(experiment: &Experiment) -> Result<Self, RunError> {
        Ok(Self::over(Search::new(experiment)?, Box::new(MemoryLog::default()), None))
    }

    fn over(search: Search, log: Box<dyn Log + Send>, folder: Option<PathBuf>) -> Self {
        let earlier_s = log.elapsed_s();
        Self { search, log, folder, earlier_s, clock: Clock::start(), pending: None }
    }

    /// The run so far: what the agent was told, and what it is still to be told of a batch of which not everything is known.
    pub fn run(&self) -> Run {
        let mut trials = self.search.trials().clone();
        let told = self.pending.iter().flat_map(|pending| &pending.answers);
        told.for_each(|Answer { record, .. }| trials.push(&record.design, &record.outcome));
        Run::new(self.search.experiment().clone(), trials)
    }

    /// How many trials the run has.
    pub fn n_trials(&self) -> usize {
        self.search.trials().len() + self.pending.as_ref().map_or(0, |pending| pending.answers.len())
    }

    /// The designs that the agent wants to know of, or why it wants none. Asking again gives the same.
    ///
    /// The wall time of the budget is the time in which the run is open. When it is over there is no further batch; what was asked for is
    /// still to be told.
    ///
    /// # Errors
    /// [`RunError`] if the agent fails, proposes something other than what is logged, or the summary of a run that is over
    /// cannot be written.
    pub fn ask(&mut self) -> Result<Asked, RunError> {
        loop {
            if let Some(Pending { batch, answers }) = &self.pending {
                return Ok(Asked::Designs(batch.new[answers.len()..].to_vec()));
            }
            let ahead = self.log.ahead();
            let n_trials = self.search.trials().len();
            let budget = self.search.experiment().spec().budget.trials.get();
            let over = if ahead == 0 && n_trials >= budget {
                Some(StopReason::TrialsSpent)
            } else if ahead == 0 && self.search.is_target_reached() {
                Some(StopReason::Target)
            } else if ahead == 0 && self.is_time_over() {
                Some(StopReason::WallTime)
            } else {
                self.search.dead_end()
            };
            let batch = match over {
                Some(_) => None,
                None => self.search.propose(budget.max(n_trials + ahead))?,
            };
            let Some(batch) = batch else {
                return self.end(over.unwrap_or(StopReason::AgentFinished)).map(Asked::Over);
            };
            let logged = self.log.replay(&batch.new)?;
            let known = logged.into_iter().map_while(|record| record);
            let answers = known.map(|record| Answer { record, is_from_log: true }).collect();
            self.take(Pending { batch, answers })?;
        }
    }

    /// What became of the designs that [`ask`](Self::ask) gave, or of the first few of them.
    ///
    /// # Errors
    /// [`RunError::Told`] if nothing was asked for, or an outcome is none; others if the log cannot be written or the agent fails.
    pub fn tell(&mut self, outcomes: Vec<Outcome>) -> Result<(), RunError> {
        let fault = |trial: usize, fault: String| RunError::Told { trial, fault };
        let n_trials = self.n_trials();
        let Some(Pending { batch, mut answers }) = self.pending.take() else {
            return Err(fault(n_trials, "no design was asked about".to_owned()));
        };
        let asked = &batch.new[answers.len()..];
        if outcomes.len() > asked.len() {
            let message = format!("{} outcomes for {} designs", outcomes.len(), asked.len());
            self.pending = Some(Pending { batch, answers });
            return Err(fault(n_trials, message));
        }
        let timing = TrialTiming { evaluation_s: 0.0, elapsed_s: self.elapsed_s() };
        let env = self.search.experiment().env();
        let records = asked.iter().zip(outcomes).enumerate().map(|(index, (design, outcome))| {
            let outcome = checked(env, outcome).map_err(|message| fault(n_trials + index, message))?;
            Ok(Record { design: design.clone(), outcome, retried: None, timing })
        });
        let records = match records.collect::<Result<Vec<Record>, RunError>>() {
            Ok(records) => records,
            Err(error) => {
                self.pending = Some(Pending { batch, answers });
                return Err(error);
            }
        };
        self.log.append(&records)?;
        self.log.finish()?;
        answers.extend(records.into_iter().map(|record| Answer { record, is_from_log: false }));
        self.take(Pending { batch, answers })
    }

    /// Tells the agent of a batch of which everything is known; any other waits.
    fn take(&mut self, Pending { batch, answers }: Pending) -> Result<(), RunError> {
        if answers.len() == batch.new.len() {
            return self.search.absorb(&batch, answers, &mut ());
        }
        self.pending = Some(Pending { batch, answers });
        Ok(())
    }

    /// Writes the summary of a run that is over.
    fn end(&mut self, stop: StopReason) -> Result<StopReason, RunError> {
        self.log.finish()?;
        if let Some(folder) = &self.folder {
            write_summary(&Summary::of(&self.search, stop, self.elapsed_s()), folder)?;
        }
        Ok(stop)
    }

    fn is_time_over(&self) -> bool {
        let wall_s = self.search.experiment().spec().budget.wall_s;
        wall_s.is_some_and(|wall_s| self.elapsed_s() >= wall_s)
    }

    /// Wall time for which the run is open, all parts of it.
    pub fn elapsed_s(&self) -> f64 {
        self.earlier_s + self.clock.elapsed_s()
    }
}
