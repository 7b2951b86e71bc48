//! The one loop in which agent and environment meet.
//!
//! A round asks the agent for a batch, answers the designs that are in the log from the log, evaluates the others side by
//! side, adds them to the log, and tells the agent, in the order of its proposals. A run that is resumed takes the
//! same rounds with its log in place of the environment until the log is used up, so that the agent is as it was. What
//! was evaluated in an earlier log, from which the agent started warm, is answered from there and is no trial of the run.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tapeout_core::{Catalog, Design};

use crate::budget::{Budget, StopReason};
use crate::clock::Clock;
use crate::error::RunError;
use crate::evaluate::{Evaluator, Failure};
use crate::experiment::Experiment;
use crate::folder;
use crate::log::{LogWriter, Record, Timing, open_locked};
use crate::observer::{Event, Observer};
use crate::replay::Logged;
pub use crate::search::STALLED_BATCHES;
use crate::search::Search;
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
/// Without a word on time in the budget, the log is a function of the spec, whatever the threads; and the log of a
/// smaller budget is the beginning of the log of a larger one.
///
/// # Errors
/// [`RunError`] if the folder holds a run or cannot be written to, or if agent or environment fail. What was logged
/// until then stays, and [`resume`] goes on from there.
pub fn run(
    experiment: &Experiment,
    folder: &Path,
    options: &Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Summary, RunError> {
    let search = Search::new(experiment)?; // nothing is made if the agent cannot begin
    folder::create(experiment, folder)?;
    let file = open_locked(&folder::log_path(folder))?;
    go_on(search, folder, file, options, observer)
}

/// Goes on with the run in `folder`: replays its log, and then runs until the budget is spent.
///
/// `budget`: in place of that of the folder's spec, to which it is written; none to keep it.
///
/// # Errors
/// [`RunError`] if there is no run in the folder, its log cannot be read, its agent proposes something other than what is
/// logged, or as [`run`].
pub fn resume(
    catalog: &Catalog,
    folder: &Path,
    budget: Option<Budget>,
    options: &Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Summary, RunError> {
    let mut experiment = folder::experiment(catalog, folder)?;
    let is_changed = budget.is_some();
    if let Some(budget) = budget {
        experiment = experiment.with_budget(budget)?;
    }
    if !folder::log_path(folder).exists() {
        folder::write_header(&experiment, folder)?; // it was killed between spec and header
    }
    let file = open_locked(&folder::log_path(folder))?;
    if is_changed {
        folder::write_spec(&experiment, folder)?;
    }
    go_on(Search::new(&experiment)?, folder, file, options, observer)
}

/// Replays what is in the log, runs until the budget is spent, and sums up.
fn go_on(
    mut search: Search<'_>,
    folder: &Path,
    file: File,
    options: &Options<'_>,
    observer: &mut dyn Observer,
) -> Result<Summary, RunError> {
    let experiment = search.experiment();
    let (records, whole) = folder::read_log(experiment, folder)?;
    let logged = Logged::new(folder, experiment, records);
    let mut live = Live {
        experiment,
        evaluator: Evaluator::new(experiment.env(), options.threads)?,
        log: LogWriter::new(file, &folder::log_path(folder), experiment, whole)?,
        watch: Watch {
            interrupt: options.interrupt,
            wall_s: experiment.spec().budget.wall_s,
            earlier_s: logged.elapsed_s(),
            clock: None,
        },
    };
    let stop = rounds(&mut search, logged, &mut live, observer);
    // Whatever stopped the run, what was evaluated is forced to the disk; the first failure is the one to report.
    let finished = live.log.finish();
    let stop = stop?;
    finished?;
    let summary = Summary::of(&search, stop, live.watch.elapsed_s());
    folder::write_summary(&summary, folder)?;
    Ok(summary)
}

fn rounds(
    search: &mut Search<'_>,
    mut logged: Logged,
    live: &mut Live<'_>,
    observer: &mut dyn Observer,
) -> Result<StopReason, RunError> {
    let limit = live.experiment.spec().budget.trials.get().max(logged.len());
    loop {
        if logged.is_used_up() {
            live.watch.start();
            if let Some(reason) = live.stop_reason(search) {
                return Ok(reason);
            }
        }
        if let Some(reason) = search.dead_end() {
            return logged.must_be_used_up().map(|()| reason);
        }
        let Some(batch) = search.propose(limit)? else {
            return logged.must_be_used_up().map(|()| StopReason::AgentFinished);
        };
        let mut records = logged.answer(&batch.new)?;
        let n_from_log = records.len();
        let ahead = &batch.new[n_from_log..];
        if !ahead.is_empty() {
            records.extend(live.evaluate(ahead)?);
        }
        let is_cut_short = records.len() < batch.new.len();
        search.absorb(&batch, records, n_from_log, observer)?;
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

/// The part of a run that the log does not hold yet: an environment, and a log to add to.
struct Live<'a> {
    experiment: &'a Experiment,
    evaluator: Evaluator,
    log: LogWriter,
    watch: Watch<'a>,
}

impl Live<'_> {
    /// Why the run ends between two batches, if it does.
    fn stop_reason(&self, search: &Search<'_>) -> Option<StopReason> {
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

    /// Evaluates and logs `designs`; only the first few if the run is to end.
    fn evaluate(&mut self, designs: &[Design]) -> Result<Vec<Record>, RunError> {
        self.watch.start();
        let watch = self.watch;
        let evaluation = self.evaluator.evaluate(self.experiment.env(), designs, &|| watch.is_over());
        let elapsed_s = watch.elapsed_s();
        let records: Vec<Record> = (designs.iter().zip(evaluation.done))
            .map(|(design, (outcome, evaluation_s))| Record {
                design: design.clone(),
                outcome,
                timing: Timing { evaluation_s, elapsed_s },
            })
            .collect();
        self.log.append(&records)?;
        match evaluation.failure {
            None => Ok(records),
            Some(failure) => Err(self.failed(&designs[records.len()], failure)),
        }
    }

    fn failed(&self, design: &Design, failure: Failure) -> RunError {
        let (trial, env) = (self.log.trials(), self.experiment.spec().env.id.clone());
        let design = self.log.format().design_text(design);
        match failure {
            Failure::Error(source) => RunError::Evaluation { trial, env, design, source },
            Failure::Contract(fault) => RunError::Outcome { trial, env, design, fault },
        }
    }
}
