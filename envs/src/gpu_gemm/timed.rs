//! Kernels and somebody who times them, as environments show them.

use tapeout_core::{Design, DesignSpace, EvalError, Goal, Metric, Objective, Outcome};
use tapeout_simulators::gpu_gemm::{Gemm, TileTimer, TimerError};

use super::TileSpace;

/// A space of kernels for one product, timed by whoever is asked.
pub(super) struct TimedTiles {
    tiles: TileSpace,
    gemm: Gemm,
    metrics: Vec<Metric>,
    with_energy: bool,
    timer: Result<Box<dyn TileTimer>, String>,
}

impl TimedTiles {
    /// Kernels `tiles` for `gemm`, timed by `timer` or by nobody, for the reason given; with energies, if whoever times them
    /// has one for each.
    pub(super) fn new(
        tiles: TileSpace,
        gemm: Gemm,
        with_energy: bool,
        timer: Result<Box<dyn TileTimer>, String>,
    ) -> Self {
        let mut metrics = vec![
            Metric::new("time_s", "s", "from launch to completion, the median of all samples"),
            Metric::new("throughput_flop_per_s", "FLOP/s", "two operations for each product, over the time"),
        ];
        if with_energy {
            metrics.push(Metric::new("energy_j", "J", "energy of the whole device for one launch"));
        }
        Self { tiles, gemm, metrics, with_energy, timer }
    }

    /// The designs.
    pub(super) const fn space(&self) -> &DesignSpace {
        self.tiles.space()
    }

    /// What is measured.
    pub(super) fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The least time.
    pub(super) fn goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("time_s")], constraints: Vec::new() }
    }

    /// Why nobody times kernels here; none if somebody does.
    pub(super) fn missing(&self) -> Option<String> {
        self.timer.as_ref().err().cloned()
    }

    /// What the timer says of a design.
    ///
    /// # Errors
    /// [`EvalError`] if there is none, it does not answer, or owes an energy.
    pub(super) fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let timer = self.timer.as_ref().map_err(|missing| EvalError::new(missing.clone()))?;
        match timer.time(&self.gemm, &self.tiles.tile(design)) {
            Ok(timing) => {
                let mut values = vec![timing.time_s, self.gemm.flop() / timing.time_s];
                if self.with_energy {
                    values.push(timing.energy_j.ok_or_else(|| EvalError::new("no energy was measured"))?);
                }
                Ok(Outcome::Measured(values))
            }
            Err(TimerError::Infeasible(fault)) => Ok(Outcome::infeasible(&fault.rule, fault.excess)),
            Err(TimerError::Failed { message, source: Some(source) }) => {
                Err(EvalError::caused_by(message, source))
            }
            Err(TimerError::Failed { message, source: None }) => Err(EvalError::new(message)),
        }
    }
}
