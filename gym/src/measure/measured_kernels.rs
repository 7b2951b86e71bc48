//! The environment whose designs are kernels, and whose answers are measurements.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

    /// Takes all there are, in the order in which they were made.
    pub(super) fn take(&self) -> Vec<(Job, Measurement)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The kernels of a space, measured at stations; and the library's product now and then, which shows a device that drifts.
pub(super) struct MeasuredKernels {
    pub(super) gemm: Gemm,
    pub(super) tiles: TileSpace,
    pub(super) metrics: Vec<Metric>,
    pub(super) stations: Stations,
    pub(super) fresh: Arc<Fresh>,
    /// Designs between two measurements of the library's product.
    pub(super) baseline_every: usize,
    /// Designs begun.
    pub(super) n_begun: AtomicUsize,
}

impl MeasuredKernels {
    /// Measures the library's product.
    pub(super) fn measure_baseline(&self) -> Result<(), BenchError> {
        self.measure(baseline(&self.gemm)).map(drop)
    }

    fn measure(&self, job: Job) -> Result<Result<Measured, Fault>, BenchError> {
        let measurement = self.stations.lend(|station| station.measure(&job))?;
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
        let n_begun = self.n_begun.fetch_add(1, Ordering::Relaxed);
        if n_begun > 0 && n_begun.is_multiple_of(self.baseline_every) {
            self.measure_baseline().map_err(failed)?;
        }
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
    Job { gemm: Gemm { operands, ..*gemm }, by: By::CublasLt }
}
