//! The one loop in which agent and environment meet.
//!
//! A round asks the agent for a batch, answers the designs that are in the log from the log, evaluates the others side by
//! side, adds them to the log, and tells the agent, in the order of its proposals. A run that is gone on with takes the
//! same rounds with its log in place of the environment until the log is used up, so that the agent is as it was. What
//! was evaluated in an earlier log, from which the agent started warm, is answered from there and is no trial of the run.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

use tapeout_core::Design;

use crate::budget::StopReason;
use crate::clock::Clock;
use crate::error::RunError;
use crate::evaluate::{Evaluated, Evaluator};
use crate::executor::Executor;
use crate::experiment::Experiment;
use crate::failures::Failures;
use crate::finished::{Finished, Run};
use crate::log::{Log, Record, TrialTiming};
use crate::observer::{Event, Observer};
pub use crate::search::STALLED_BATCHES;
use crate::search::{Answer, Search};
use crate::summary::Summary;

/// Time that a piece of a batch must have taken to be added to the log before the rest of the batch. Ours: a hundred times what
/// a write takes, so that a kill costs little and keeping it so costs a hundredth.
const WORTH_A_WRITE_S: f64 = 1e-3;

/// How to run; nothing here changes what comes of it.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// How many designs are evaluated at once.
    pub threads: NonZeroUsize,
    /// Set by somebody who wants the run to end: it does so in good order, with what is evaluated in the log.
    pub interrupt: Option<&'a AtomicBool>,
    /// Who is asked about the designs of a run in place of its environment, if anybody is; what comes of it is the same, if the answers are.
    pub executor: Option<&'a dyn Executor>,
}

impl Default for RunOptions<'_> {
    /// One thread, and nobody to interrupt it or to answer for it.
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, interrupt: None, executor: None }
    }
}

/// Searches until the budget is spent: what `log` holds already is taken from there, what is new is added to it.
///
/// Without a word on time in the budget, what comes of it is a function of the spec, whatever the threads and the log.
///
/// # Errors
/// [`RunError`] if agent, environment or log fail. What was added to the log until then stays there.
pub fn search(
    experiment: &Experiment,
    log: &mut dyn Log,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    conclude(Search::new(experiment)?, log, options, observer)
}

/// Takes a search that has begun to its end, and sums up.
pub(crate) fn conclude(
    mut search: Search,
    log: &mut dyn Log,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    let experiment = &search.experiment().clone();
    let evaluator = Evaluator::new(experiment.env(), options.threads)?;
    let mut live = Live {
        experiment,
        evaluator: if log.is_ordered() { evaluator } else { evaluator.one_by_one() },
        executor: options.executor,
        watch: Watch {
            interrupt: options.interrupt,
            wall_s: experiment.spec().budget.wall_s,
            earlier_s: log.elapsed_s(),
            clock: None,
        },
        failures: Failures::default(),
    };
    let stop = rounds(&mut search, log, &mut live, observer);
    let stop = live.end(stop, log);
    // Whatever stopped the run, what was evaluated is kept; the first failure is the one to report.
    let finished = log.finish();
    let stop = stop?;
    finished?;
    let summary = Summary::of(&search, stop, live.watch.elapsed_s());
    Ok(Finished { run: Run::new(experiment.clone(), search.into_trials()), summary })
}

fn rounds(
    search: &mut Search,
    log: &mut dyn Log,
    live: &mut Live<'_>,
    observer: &mut dyn Observer,
) -> Result<StopReason, RunError> {
    let budget = live.experiment.spec().budget.trials.get();
    loop {
        let ahead = log.ahead();
        if ahead == 0 {
            live.watch.start();
            if let Some(reason) = live.stop_reason(search) {
                return Ok(reason);
            }
        }
        if let Some(reason) = search.dead_end() {
            return Ok(reason);
        }
        let limit = budget.max(search.trials().len() + ahead);
        let Some(batch) = search.propose(limit)? else { return Ok(StopReason::AgentFinished) };
        live.failures.has_result |= search.has_result();
        let answers = live.answer(log, search.trials().len(), &batch.new)?;
        let is_cut_short = answers.len() < batch.new.len();
        search.absorb(&batch, answers, observer)?;
        observer.event(Event::Batch(search.progress(live.watch.elapsed_s())));
        if is_cut_short {
            return Ok(if live.watch.is_interrupted() {
                StopReason::Interrupted
            } else {
                StopReason::WallTime
            });
        }
    }
}

/// What ends a run that its agent would go on with: somebody who asks for it, or the time.
#[derive(Clone, Copy)]
struct Watch<'a> {
    interrupt: Option<&'a AtomicBool>,
    /// The wall time of the budget.
    wall_s: Option<f64>,
    /// Wall time of the parts before this one.
    earlier_s: f64,
    /// Started when the log is used up: replaying is not part of the run.
    clock: Option<Clock>,
}

impl Watch<'_> {
    fn start(&mut self) {
        self.clock.get_or_insert_with(Clock::start);
    }

    fn elapsed_s(&self) -> f64 {
        self.earlier_s + self.clock.map_or(0.0, Clock::elapsed_s)
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed))
    }

    fn is_time_over(&self) -> bool {
        self.wall_s.is_some_and(|wall_s| self.elapsed_s() >= wall_s)
    }

    fn is_over(&self) -> bool {
        self.is_interrupted() || self.is_time_over()
    }
}

/// The part of a run that the log does not hold yet: an environment to ask, and reasons to stop.
struct Live<'a> {
    experiment: &'a Experiment,
    evaluator: Evaluator<'a>,
    executor: Option<&'a dyn Executor>,
    watch: Watch<'a>,
    failures: Failures,
}

impl Live<'_> {
    /// Why the run ends between two batches, if it does.
    fn stop_reason(&self, search: &Search) -> Option<StopReason> {
        if search.trials().len() >= self.experiment.spec().budget.trials.get() {
            Some(StopReason::TrialsSpent)
        } else if search.is_target_reached() {
            Some(StopReason::Target)
        } else if self.watch.is_interrupted() {
            Some(StopReason::Interrupted)
        } else if self.watch.is_time_over() {
            Some(StopReason::WallTime)
        } else {
            None
        }
    }

    /// What becomes of `designs`, by the log or by evaluating and logging them; only the first few if the run is to end.
    ///
    /// `n_trials`: trials of the run so far.
    fn answer(
        &mut self,
        log: &mut dyn Log,
        n_trials: usize,
        designs: &[Design],
    ) -> Result<Vec<Answer>, RunError> {
        let logged = log.replay(designs)?;
        assert_eq!(logged.len(), designs.len(), "invariant: a log says of each design what it holds");
        self.failures.has_result |= logged.iter().flatten().any(|record| !record.outcome.is_failed());
        let missing: Vec<usize> = (0..designs.len()).filter(|&index| logged[index].is_none()).collect();
        let evaluated =
            if missing.is_empty() { Vec::new() } else { self.evaluate(log, n_trials, designs, &missing)? };
        let mut evaluated = evaluated.into_iter();
        let answers = logged.into_iter().map_while(|logged| match logged {
            Some(record) => Some(Answer { record, is_from_log: true }),
            None => evaluated.next().map(|record| Answer { record, is_from_log: false }),
        });
        Ok(answers.collect())
    }

    /// Evaluates and logs those of `designs` that are `missing`; only the first few if the run is to end.
    fn evaluate(
        &mut self,
        log: &mut dyn Log,
        n_trials: usize,
        designs: &[Design],
        missing: &[usize],
    ) -> Result<Vec<Record>, RunError> {
        self.watch.start();
        let watch = self.watch;
        let designs = if missing.len() == designs.len() {
            Cow::Borrowed(designs)
        } else {
            Cow::Owned(missing.iter().map(|&index| designs[index].clone()).collect())
        };
        let is_hopeless = &AtomicBool::new(false);
        let mut desk = Desk {
            log,
            designs: &designs,
            trials: missing.iter().map(|index| n_trials + index).collect(),
            watch,
            failures: &mut self.failures,
            is_hopeless,
            waiting: vec![None; designs.len()],
            records: Vec::with_capacity(designs.len()),
        };
        let should_stop = || watch.is_over() || is_hopeless.load(Ordering::Relaxed);
        let mut take = |first, done| desk.take(first, done);
        let asked = match self.executor {
            None => self.evaluator.evaluate(&designs, &should_stop, &mut take),
            Some(executor) => self.evaluator.evaluate_by(executor, &designs, &should_stop, &mut take),
        };
        if let Err(error) = asked {
            if matches!(error, RunError::Executor(_)) {
                desk.finish()?; // what others have answered is kept
            }
            return Err(error);
        }
        let records = desk.finish()?;
        if self.failures.are_too_many() { Err(self.failures.error(self.experiment)) } else { Ok(records) }
    }

    /// Ends a run without a result by the first failure, unless it ends before it could have one: then its failures are logged, as those
    /// of any other run that ends in good order or by its agent.
    fn end(&mut self, stop: Result<StopReason, RunError>, log: &mut dyn Log) -> Result<StopReason, RunError> {
        let is_without = self.failures.are_all_there_is();
        match stop {
            Ok(reason) if is_without && !matches!(reason, StopReason::Interrupted | StopReason::WallTime) => {
                Err(self.failures.error(self.experiment))
            }
            Ok(_) | Err(RunError::Agent { .. } | RunError::TooManyProposals { .. }) => {
                let kept = self.failures.release(log);
                stop.and_then(|reason| kept.map(|()| reason))
            }
            Err(_) => stop,
        }
    }
}

/// Where pieces of a batch lie, done in whatever order, until they can be logged.
struct Desk<'a> {
    log: &'a mut dyn Log,
    designs: &'a [Design],
    /// Which trials of the run they are to be.
    trials: Vec<usize>,
    watch: Watch<'a>,
    failures: &'a mut Failures,
    /// Set when so many designs in a row have failed that the others need not be asked about.
    is_hopeless: &'a AtomicBool,
    /// What is done and not among the records yet, by its place in the batch.
    waiting: Vec<Option<Evaluated>>,
    /// The batch up to the first design that is not done, as far as it was looked for.
    records: Vec<Record>,
}

impl Desk<'_> {
    /// Takes what came of the designs from `first` on, and logs what is to be logged at once.
    fn take(&mut self, first: usize, done: Vec<Evaluated>) -> Result<(), RunError> {
        let worth_s: f64 = done.iter().map(|(_, evaluation_s)| evaluation_s).sum();
        if !self.log.is_ordered() {
            let elapsed_s = self.watch.elapsed_s();
            let records: Vec<Record> = (self.designs[first..].iter().zip(done.iter().cloned()))
                .map(|(design, evaluated)| record(design, evaluated, elapsed_s))
                .collect();
            self.log.append(&records)?;
        }
        for (place, evaluated) in self.waiting[first..].iter_mut().zip(done) {
            *place = Some(evaluated);
        }
        if worth_s >= WORTH_A_WRITE_S { self.log_beginning() } else { Ok(()) }
    }

    /// Takes what is done up to the first that is not from where it waits, and logs it if that is not done.
    fn log_beginning(&mut self) -> Result<(), RunError> {
        let (n_before, elapsed_s) = (self.records.len(), self.watch.elapsed_s());
        // What was done behind too many failures is given up.
        while !self.failures.are_too_many()
            && let Some(evaluated) = self.waiting.get_mut(self.records.len()).and_then(Option::take)
        {
            let index = self.records.len();
            let record = record(&self.designs[index], evaluated, elapsed_s);
            self.failures.see(self.trials[index], &record);
            self.records.push(record);
        }
        self.is_hopeless.store(self.failures.are_too_many(), Ordering::Relaxed);
        let new = &self.records[n_before..];
        if new.is_empty() || !self.log.is_ordered() {
            return Ok(());
        }
        if !self.failures.has_result {
            self.failures.withheld.extend_from_slice(new);
            return Ok(());
        }
        self.failures.release(self.log)?;
        self.log.append(new)
    }

    /// The batch up to the first design that is not done, all of it logged.
    fn finish(mut self) -> Result<Vec<Record>, RunError> {
        self.log_beginning()?;
        Ok(self.records)
    }
}

fn record(design: &Design, (outcome, evaluation_s): Evaluated, elapsed_s: f64) -> Record {
    let timing = TrialTiming { evaluation_s, elapsed_s };
    Record { design: design.clone(), outcome, retried: None, timing }
}
