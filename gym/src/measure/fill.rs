//! Filling a table: a search, with what it needs.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use serde::Serialize;
use tapeout_core::{Catalog, ConfigError, Goal, Metric, Objective, Outcome, Seed, Trial};
use tapeout_envs::{TileEncoding, TileSpace};
use tapeout_experiment::{
    AgentSpec, Budget, Experiment, Finished, Observer, RunOptions, Spec, StopReason, search,
};
use tapeout_gpu::{Origin, Recording, Session, Table, TableWriter, check_memory};
use tapeout_simulators::gpu_gemm::{self, Device, Gemm};

use super::MeasureError;
use super::measured_kernels::{Fresh, MeasuredKernels};
use super::table_log::TableLog;
use super::workers::{Stations, Workers};

/// Designs that an agent is asked for at once. Ours: enough to keep several processes compiling.
const BATCH: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");
/// The metric of a kernel.
const TIME: &str = "time_s";

/// What is measured.
#[derive(Debug, Clone)]
pub struct MeasurePlan {
    /// What the device is, for the rules that are known before a kernel is compiled.
    pub device: String,
    /// The product.
    pub gemm: Gemm,
    /// How designs are written down, and so drawn.
    pub encoding: TileEncoding,
    /// Distinct designs, those that are in the table already among them.
    pub designs: NonZeroUsize,
    /// Who proposes them.
    pub agent: AgentSpec,
    /// Where all randomness comes from.
    pub seed: Seed,
    /// Designs between two measurements of the library's product, which shows a device that drifts; it is measured before the next
    /// 16 that are asked for at once.
    pub baseline_every: NonZeroUsize,
}

impl MeasurePlan {
    /// Whether there is such a device, and kernels and memory for the product: all that is known before a process is started.
    ///
    /// # Errors
    /// [`MeasureError`] with what is not to be had.
    pub fn check(&self) -> Result<(), MeasureError> {
        self.tiles().map(drop)
    }

    fn tiles(&self) -> Result<(Device, TileSpace), MeasureError> {
        let device = gpu_gemm::device(&self.device)?;
        let checked = self.gemm.check().and_then(|()| check_memory(&self.gemm));
        checked.map_err(|error| ConfigError::new(error.extent, error.to_string()))?;
        let tiles = TileSpace::new(&self.gemm, &device, self.encoding)?;
        Ok((device, tiles))
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filled {
    /// The types of the product's operands.
    pub types: String,
    /// Designs that ran and were right, now or before.
    pub measured: usize,
    /// Designs that could not be built or run.
    pub infeasible: usize,
    /// Designs whose measurement failed, which says nothing of them.
    pub failed: usize,
    /// Why the first of these failed.
    pub first_failure: Option<String>,
    /// Of all, those that were in the table already.
    pub known: usize,
    /// The fastest, in s.
    pub best_s: Option<f64>,
    /// The library's product of the wide type, in s; none where it could not be measured.
    pub baseline_s: Option<f64>,
    /// Whether all designs were done.
    pub is_finished: bool,
}

/// Measures what `plan` says with `workers`, into the table at `path`, in view of `observer`.
///
/// # Errors
/// [`MeasureError`] if the plan cannot be carried out, or measuring failed in a way that says nothing about a design. What
/// was measured by then is in the table.
pub fn fill(
    catalog: &Catalog,
    plan: &MeasurePlan,
    workers: &Workers,
    path: &Path,
    interrupt: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Filled, MeasureError> {
    let (device, tiles) = plan.tiles()?;
    let earlier = if path.exists() { Table::read(path)? } else { Table::default() };
    let stations_of = |session: usize| Stations::new(workers, plan.seed.child("session", session as u64));
    let mut stations = stations_of(earlier.sessions().len());
    let session = stations.session()?;
    let is_rehearsal = session.origin == Origin::Model;
    if is_rehearsal {
        // It is a function of its seed, however often it was gone on with.
        stations = stations_of(0);
    }
    check_device(&session, &device)?;
    let kernels = Arc::new(MeasuredKernels {
        gemm: plan.gemm,
        tiles,
        metrics: vec![Metric::new(TIME, "s", "from launch to completion")],
        stations,
        fresh: Fresh::default(),
        designs_per_draw: workers.designs_per_process.get(),
        draw: AtomicU64::new(0),
    });
    let goal = Goal { objectives: vec![Objective::minimize(TIME)], constraints: Vec::new() };
    let experiment = Experiment::with_env(catalog, spec(plan), kernels.clone(), goal)?;
    let mut log = TableLog {
        kernels,
        is_rehearsal,
        baseline_every: plan.baseline_every.get(),
        held: Recording::of(&earlier),
        writer: TableWriter::open(path, &session)?,
        n_known: 0,
        n_measured: 0,
        n_at_baseline: 0,
        baseline_s: None,
    };
    log.measure_baseline()?;
    let options = RunOptions { threads: workers.count, interrupt: Some(interrupt), ..RunOptions::default() };
    let found = search(&experiment, &mut log, &options, observer)?;
    Ok(filled(plan, &found, &log))
}

/// The search for the fastest kernel.
fn spec(plan: &MeasurePlan) -> Spec {
    let mut spec = Spec::new("gpu-gemm", &plan.agent.id, Budget::trials(plan.designs));
    spec.agent = plan.agent.clone();
    spec.seed = plan.seed;
    spec.batch = BATCH;
    spec
}

fn filled(plan: &MeasurePlan, Finished { run, summary }: &Finished, log: &TableLog) -> Filled {
    let cause = |trial: Trial| match trial.outcome {
        Outcome::Failed { cause } => Some(cause),
        _ => None,
    };
    Filled {
        types: plan.gemm.operands.name().to_owned(),
        measured: summary.acceptable,
        infeasible: summary.n_infeasible(),
        failed: summary.failed,
        first_failure: run.trials().iter().find_map(cause),
        known: log.n_known,
        best_s: summary.best.first().map(|best| best.value),
        baseline_s: log.baseline_s,
        is_finished: summary.stop != StopReason::Interrupted,
    }
}

/// The rules of one device say nothing of another.
fn check_device(session: &Session, device: &Device) -> Result<(), MeasureError> {
    if session.compute_capability == device.compute_capability {
        return Ok(());
    }
    Err(MeasureError::OtherDevice {
        got: format!("{} (sm_{})", session.device, session.compute_capability),
        expected: format!("{} (sm_{})", device.id, device.compute_capability),
    })
}
