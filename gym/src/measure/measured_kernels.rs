//! The environment whose designs are kernels, and whose answers are measurements.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tapeout_core::{Design, DesignSpace, Env, EvalError, Metric, Outcome};
use tapeout_envs::TileSpace;
use tapeout_gpu::{BenchError, By, Fault, Job, Measured, Measurement};
use tapeout_simulators::gpu_gemm::{ElementType, Gemm, Operands};

use super::workers::Stations;

/// Measurements that are not in the table yet: all that was measured, of which an outcome is but the time.
#[derive(Default)]
pub(super) struct Fresh(Mutex<Vec<(Job, Measurement)>>);

impl Fresh {
    fn put(&self, job: Job, measurement: Measurement) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((job, measurement));
    }

    /// Takes those for which `is_wanted`, in the order in which they were made.
    pub(super) fn take(&self, is_wanted: impl Fn(&Job) -> bool) -> Vec<(Job, Measurement)> {
        let mut fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.extract_if(.., |(job, _)| is_wanted(job)).collect()
    }
}

/// The kernels of a space, and the library's product, measured at stations.
pub(super) struct MeasuredKernels {
    pub(super) gemm: Gemm,
    pub(super) tiles: TileSpace,
    pub(super) metrics: Vec<Metric>,
    pub(super) stations: Stations,
    pub(super) fresh: Fresh,
    /// Designs after which operands are drawn anew.
    pub(super) designs_per_draw: usize,
    /// How often operands were drawn anew.
    pub(super) draw: AtomicU64,
}

impl MeasuredKernels {
    /// Draws operands anew if it is their turn after `n_met` designs, measured or known: between batches, so that a rehearsal depends neither
    /// on which thread was first nor on where it was interrupted.
    pub(super) fn draw_for(&self, n_met: usize) {
        self.draw.store((n_met / self.designs_per_draw) as u64, Ordering::Relaxed);
    }

    /// Measures the library's product.
    pub(super) fn measure_baseline(&self) -> Result<(), BenchError> {
        self.measure(baseline(&self.gemm)).map(drop)
    }

    fn measure(&self, job: Job) -> Result<Result<Measured, Fault>, BenchError> {
        let draw = self.draw.load(Ordering::Relaxed);
        let measurement = self.stations.lend(|station| station.measure(&job, draw))?;
        let outcome = measurement.outcome.clone();
        self.fresh.put(job, measurement);
        Ok(outcome)
    }
}

impl Env for MeasuredKernels {
    fn space(&self) -> &DesignSpace {
        self.tiles.space()
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let failed = |error: BenchError| EvalError::caused_by("measuring failed", error);
        let job = job(&self.gemm, &self.tiles, design);
        let outcome = self.measure(job).map_err(failed)?;
        Ok(outcome
            .map_or_else(|fault| infeasible(&fault), |measured| Outcome::Measured(vec![measured.time_s()])))
    }
}

/// The kernel that `design` is, for `gemm`.
pub(super) fn job(gemm: &Gemm, tiles: &TileSpace, design: &Design) -> Job {
    Job { gemm: *gemm, by: By::Tile(tiles.tile(design)) }
}

/// A fault, as the outcome of the design that has it.
pub(super) fn infeasible(fault: &Fault) -> Outcome {
    let fault = fault.tile_fault();
    Outcome::infeasible(&fault.rule, fault.excess)
}

/// The library's product of the wide type.
pub(super) fn baseline(gemm: &Gemm) -> Job {
    let operands = match (gemm.operands.a(), gemm.operands.b()) {
        (ElementType::Bf16, _) | (_, ElementType::Bf16) => Operands::BF16_BF16,
        _ => Operands::F16_F16,
    };
    Job { gemm: Gemm { operands, scaling: None, ..*gemm }, by: By::CublasLt }
}
