//! Running the cells of a plan.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use tapeout_core::{Catalog, Metric, Objective};

use super::{Cell, ComparisonError, Plan, Trace};
use crate::budget::StopReason;
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder;
use crate::log::LogReader;
use crate::run::{Options, resume, run};

/// How to run a plan; nothing here changes what comes of it.
pub struct Conditions<'a> {
    /// How many runs go on at once, each on one thread.
    pub threads: NonZeroUsize,
    /// Set by somebody who wants it to end.
    pub interrupt: Option<&'a AtomicBool>,
    /// Told of each run when it is done, and how many are; from any thread.
    pub watch: &'a (dyn Fn(Cell, usize) + Sync),
}

/// What is sought in an arena: the same for all of its runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarry {
    /// The objectives.
    pub objectives: Vec<Objective>,
    /// Their metrics.
    pub metrics: Vec<Metric>,
}

/// Every run of `plan`, in the order of its cells, and what was sought in each arena.
///
/// # Errors
/// [`ComparisonError`] if the plan is empty, a spec is refused (before anything is run), a run fails, or somebody
/// interrupts. What was run stays, and the same call goes on from there.
pub fn conduct(
    catalog: &Catalog,
    plan: &Plan,
    out: &Path,
    conditions: &Conditions<'_>,
) -> Result<(Vec<Quarry>, Vec<Trace>), ComparisonError> {
    plan.check()?;
    let quarries = rehearse(catalog, plan, out)?;
    let threads = conditions.threads.get();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|source| ComparisonError::Threads { threads, source })?;
    let cells = plan.cells();
    let n_done = AtomicUsize::new(0);
    let traces: Result<Vec<Option<Trace>>, ComparisonError> = pool.install(|| {
        let trace = |&cell: &Cell| {
            let path = plan.folder(out, cell);
            let trace = finish(catalog, plan, cell, &path, conditions.interrupt)
                .map_err(|source| failed(plan, out, cell, source))?;
            if trace.is_some() {
                (conditions.watch)(cell, n_done.fetch_add(1, Ordering::Relaxed) + 1);
            }
            Ok(trace)
        };
        // One at a time to each thread: some runs take much longer than others.
        cells.par_iter().with_max_len(1).map(trace).collect()
    });
    let traces: Option<Vec<Trace>> = traces?.into_iter().collect();
    let interrupted =
        ComparisonError::Interrupted { done: n_done.load(Ordering::Relaxed), cells: cells.len() };
    Ok((quarries, traces.ok_or(interrupted)?))
}

/// Prepares each contestant on each arena, so that a fault in the last is found before the first is run.
fn rehearse(catalog: &Catalog, plan: &Plan, out: &Path) -> Result<Vec<Quarry>, ComparisonError> {
    let mut quarries = Vec::new();
    for cell in plan.cells().into_iter().filter(|cell| cell.seed == 0) {
        let experiment = Experiment::prepare(catalog, plan.spec(cell));
        let experiment = experiment.map_err(|error| failed(plan, out, cell, error.into()))?;
        if quarries.len() == cell.arena {
            let problem = experiment.problem();
            let metrics = (0..problem.n_objectives()).map(|index| problem.objective_metric(index).clone());
            quarries.push(Quarry { objectives: problem.objectives().to_vec(), metrics: metrics.collect() });
        }
    }
    Ok(quarries)
}

/// The trace of a cell, which is run as far as it is not yet; none if somebody interrupts.
fn finish(
    catalog: &Catalog,
    plan: &Plan,
    cell: Cell,
    path: &Path,
    interrupt: Option<&AtomicBool>,
) -> Result<Option<Trace>, RunError> {
    let experiment = Experiment::prepare(catalog, plan.spec(cell))?;
    let options = Options { threads: NonZeroUsize::MIN, interrupt };
    let log_path = folder::log_path(path);
    if log_path.exists() {
        // Fails if the log is one of another experiment.
        let trials = LogReader::open(&log_path, &experiment)?.count();
        if trials >= plan.trials.get() || has_ended(path) {
            return trace(&experiment, plan, path).map(Some);
        }
    }
    if interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
        return Ok(None);
    }
    let summary = if folder::spec_path(path).exists() {
        resume(catalog, path, Some(experiment.spec().budget.clone()), &options, &mut ())?
    } else {
        run(&experiment, path, &options, &mut ())?
    };
    match summary.stop {
        StopReason::Interrupted => Ok(None),
        _ => trace(&experiment, plan, path).map(Some),
    }
}

/// Whether the run ended because there was nothing more to do, so that a larger budget would change nothing.
fn has_ended(path: &Path) -> bool {
    /// The one field of the summary that matters here.
    #[derive(serde::Deserialize)]
    struct Ended {
        stop: StopReason,
    }
    // A summary that cannot be read is made again by resuming.
    let text = std::fs::read_to_string(folder::summary_path(path)).unwrap_or_default();
    let ended: Option<Ended> = serde_json::from_str(&text).ok();
    let finally = [StopReason::AgentFinished, StopReason::SpaceExhausted, StopReason::Stalled];
    ended.is_some_and(|ended| finally.contains(&ended.stop))
}

/// What counts of a run that is done, up to the budget of the plan: the run may have gone on for longer.
fn trace(experiment: &Experiment, plan: &Plan, path: &Path) -> Result<Trace, RunError> {
    let (records, _) = folder::read_log(experiment, path)?;
    let problem = experiment.problem();
    let records = records.into_iter().take(plan.trials.get());
    let trials: Vec<_> = records.map(|record| problem.trial(record.design, record.outcome)).collect();
    Ok(Trace::of(&trials, problem.n_objectives()))
}

fn failed(plan: &Plan, out: &Path, cell: Cell, source: RunError) -> ComparisonError {
    ComparisonError::Run {
        path: plan.folder(out, cell),
        contestant: plan.contestants[cell.contestant].name.clone(),
        arena: plan.arenas[cell.arena].name.clone(),
        seed: cell.seed,
        source: Box::new(source),
    }
}
