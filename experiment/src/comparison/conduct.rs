//! Running the cells of a plan.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tapeout_core::{Catalog, Metric, Objective, Problem, Seed};

use super::shard::{CellLock, Shard};
use super::{Cell, ComparisonError, ComparisonPlan, ReferenceValue, RunTrace};
use crate::budget::StopReason;
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::finished::Run;
use crate::folder;
use crate::run::RunOptions;
use crate::workers::Workers;

/// How to run a plan; nothing here changes what comes of it.
pub struct Conditions<'a> {
    /// How many runs go on at once, each on one thread.
    pub threads: NonZeroUsize,
    /// Set by somebody who wants it to end.
    pub interrupt: Option<&'a AtomicBool>,
    /// Told of each run when it is done, and how many are.
    pub watch: &'a dyn Fn(Cell, usize),
}

/// What is sought in an environment: the same for all of its runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedProblem {
    /// The objectives.
    pub objectives: Vec<Objective>,
    /// Their metrics.
    pub metrics: Vec<Metric>,
    /// The losses at which hypervolumes end, as far as they are fixed.
    pub reference: Vec<Option<f64>>,
}

/// Every run of `plan`, in the order of its cells, and what was sought in each environment.
///
/// # Errors
/// [`ComparisonError`] if the plan is empty, a spec is refused (before anything is run), a run fails, or somebody
/// interrupts; [`ComparisonError::Held`] if another process is at a run, once all others are done. What was run stays, and the same call
/// goes on from there.
pub fn conduct(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
    conditions: &Conditions<'_>,
) -> Result<(Vec<ComparedProblem>, Vec<RunTrace>), ComparisonError> {
    plan.check()?;
    let prepared = prepare(catalog, plan, out)?;
    let problems = prepared.iter().map(|of_env| ComparedProblem::of(of_env[0].problem(), &plan.reference));
    let problems = problems.collect::<Result<_, _>>()?;
    Ok((problems, run_to_end(plan, &prepared, out, conditions, &plan.cells())?))
}

/// Runs what is not run yet of `cells`, or waits its turn where another process is at it, and returns them in their order.
pub(super) fn run_to_end(
    plan: &ComparisonPlan,
    prepared: &[Vec<Experiment>],
    out: &Path,
    conditions: &Conditions<'_>,
    cells: &[Cell],
) -> Result<Vec<RunTrace>, ComparisonError> {
    let mut ran = run_cells(plan, prepared, out, conditions, cells)?;
    // Those that were held when they were reached may be done by now; as long as some are, the rest is worth another look.
    loop {
        let held: Vec<usize> = (0..ran.len()).filter(|&index| matches!(ran[index], Ran::Held)).collect();
        let held_cells: Vec<Cell> = held.iter().map(|&index| cells[index]).collect();
        let again = run_cells(plan, prepared, out, conditions, &held_cells)?;
        let n_still = n_held(&again);
        held.iter().zip(again).for_each(|(&index, now)| ran[index] = now);
        if n_still == held.len() {
            break;
        }
    }
    let (done, held) = (ran.iter().filter(|ran| matches!(ran, Ran::Done(_))).count(), n_held(&ran));
    let is_interrupted = ran.iter().any(|ran| matches!(ran, Ran::NotYet));
    let traces = ran.into_iter().map(|ran| match ran {
        Ran::Done(trace) => Ok(trace),
        Ran::Held if !is_interrupted => Err(ComparisonError::Held { held, cells: cells.len() }),
        Ran::Held | Ran::NotYet => Err(ComparisonError::Interrupted { done, cells: cells.len() }),
    });
    traces.collect()
}

/// What became of a part of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardDone {
    /// How many of its runs are done.
    pub done: usize,
    /// How many another process is at.
    pub held: usize,
}

/// Runs what is not run yet of the cells of `shard`, but for those that another process is at: any number of processes, on machines
/// that share the folder `out`, can each run a part. [`conduct`] then reads what is there, and its results are those of one process.
///
/// # Errors
/// As [`conduct`].
pub fn conduct_shard(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
    conditions: &Conditions<'_>,
    shard: Shard,
) -> Result<ShardDone, ComparisonError> {
    plan.check()?;
    let prepared = prepare(catalog, plan, out)?;
    let cells = plan.cells().into_iter().enumerate().filter(|&(place, _)| shard.has(place));
    let cells: Vec<Cell> = cells.map(|(_, cell)| cell).collect();
    let ran = run_cells(plan, &prepared, out, conditions, &cells)?;
    let done = ran.iter().filter(|ran| matches!(ran, Ran::Done(_))).count();
    if ran.iter().any(|ran| matches!(ran, Ran::NotYet)) {
        return Err(ComparisonError::Interrupted { done, cells: cells.len() });
    }
    Ok(ShardDone { done, held: n_held(&ran) })
}

/// What became of a cell.
enum Ran {
    Done(RunTrace),
    /// Another process is at it.
    Held,
    /// Somebody interrupted before.
    NotYet,
}

fn n_held(ran: &[Ran]) -> usize {
    ran.iter().filter(|ran| matches!(ran, Ran::Held)).count()
}

/// Runs what is not run yet of `cells`; as many as there are, in their order.
fn run_cells(
    plan: &ComparisonPlan,
    prepared: &[Vec<Experiment>],
    out: &Path,
    conditions: &Conditions<'_>,
    cells: &[Cell],
) -> Result<Vec<Ran>, ComparisonError> {
    let (workers, interrupt) = (Workers::new(conditions.threads)?, conditions.interrupt);
    let of_cell = |index: usize| -> Option<Result<Ran, ComparisonError>> {
        let cell = cells[index];
        let path = plan.folder(out, cell);
        let experiment = prepared[cell.env][cell.agent].with_seed(Seed::new(cell.seed));
        let ran = experiment
            .map_err(RunError::from)
            .and_then(|experiment| finish(&experiment, plan, &path, interrupt));
        match ran {
            Ok(Ran::NotYet) => None,
            ran => Some(ran.map_err(|source| failed(plan, out, cell, source))),
        }
    };
    let mut all: Vec<Ran> = cells.iter().map(|_| Ran::NotYet).collect();
    let mut n_done = 0;
    // One cell at a time to each thread: some runs take much longer than others.
    workers.run(cells.len(), &of_cell, &mut |index, ran| {
        all[index] = ran?;
        if matches!(all[index], Ran::Done(_)) {
            n_done += 1;
            (conditions.watch)(cells[index], n_done);
        }
        Ok::<(), ComparisonError>(())
    })?;
    Ok(all)
}

impl ComparedProblem {
    /// What `problem` seeks, with volumes that end where `fixed` says.
    pub(super) fn of(problem: &Problem, fixed: &[ReferenceValue]) -> Result<Self, ComparisonError> {
        let metrics = (0..problem.n_objectives()).map(|index| problem.objective_metric(index).clone());
        Ok(Self {
            objectives: problem.objectives().to_vec(),
            metrics: metrics.collect(),
            reference: ReferenceValue::losses(fixed, problem)?,
        })
    }
}

/// Each agent in each environment, so that a fault in the last is found before the first is run. An environment is built once,
/// for all of its runs.
///
/// Shape `[environments][agents]`.
pub(super) fn prepare(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
) -> Result<Vec<Vec<Experiment>>, ComparisonError> {
    let mut prepared: Vec<Vec<Experiment>> = Vec::new();
    for cell in plan.cells().into_iter().filter(|cell| cell.seed == plan.seeds.start) {
        if cell.agent == 0 {
            prepared.push(Vec::new());
        }
        let of_env = &mut prepared[cell.env];
        let experiment = match of_env.first() {
            None => Experiment::prepare(catalog, plan.spec(cell)),
            Some(first) => first.with_agent(catalog, plan.agents[cell.agent].spec.clone()),
        };
        of_env.push(experiment.map_err(|error| failed(plan, out, cell, error.into()))?);
    }
    ReferenceValue::check(&plan.reference, prepared.iter().map(|of_env| of_env[0].problem()))?;
    for of_env in &prepared {
        ComparedProblem::of(of_env[0].problem(), &plan.reference)?;
    }
    Ok(prepared)
}

/// Runs a cell as far as it is not yet, unless somebody else does or interrupts.
fn finish(
    experiment: &Experiment,
    plan: &ComparisonPlan,
    path: &Path,
    interrupt: Option<&AtomicBool>,
) -> Result<Ran, RunError> {
    let options = RunOptions { threads: NonZeroUsize::MIN, interrupt, ..RunOptions::default() };
    if let Some(trace) = known(experiment, plan, path)? {
        return Ok(Ran::Done(trace));
    }
    if interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
        return Ok(Ran::NotYet);
    }
    let Some(lock) = CellLock::take(path)? else { return Ok(Ran::Held) };
    // Whoever had the lock until now may have finished it.
    if let Some(trace) = known(experiment, plan, path)? {
        lock.done();
        return Ok(Ran::Done(trace));
    }
    let finished = if folder::spec_path(path).exists() {
        folder::go_on(experiment, path, true, &options, &mut ())?
    } else {
        folder::run(experiment, path, &options, &mut ())?
    };
    if finished.summary.stop == StopReason::Interrupted {
        return Ok(Ran::NotYet);
    }
    lock.done();
    Ok(Ran::Done(trace(&finished.run, plan)))
}

/// The trace of a cell that is done.
fn known(experiment: &Experiment, plan: &ComparisonPlan, path: &Path) -> Result<Option<RunTrace>, RunError> {
    if !folder::log_path(path).exists() {
        return Ok(None);
    }
    // Fails if the log is one of another experiment.
    let run = folder::read(experiment.clone(), path)?;
    let is_done = run.trials().len() >= plan.trials.get() || has_ended(path);
    Ok(is_done.then(|| trace(&run, plan)))
}

/// Whether the run ended because there was nothing more to do, so that a larger budget would change nothing.
pub(super) fn has_ended(path: &Path) -> bool {
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
pub(super) fn trace(run: &Run, plan: &ComparisonPlan) -> RunTrace {
    RunTrace::of(run.trials().iter().take(plan.trials.get()), run.experiment().problem().n_objectives())
}

pub(super) fn failed(plan: &ComparisonPlan, out: &Path, cell: Cell, source: RunError) -> ComparisonError {
    ComparisonError::Run {
        path: plan.folder(out, cell),
        agent: plan.agents[cell.agent].name.clone(),
        env: plan.envs[cell.env].name.clone(),
        seed: cell.seed,
        source: Box::new(source),
    }
}
