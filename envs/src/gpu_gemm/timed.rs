//! Kernels and somebody who times them, as environments show them.

use tapeout_core::{
    ConfigError, Design, DesignSpace, EvalError, Goal, Metric, Objective, Outcome, UnknownName,
};
use tapeout_simulators::gpu_gemm::{Gemm, Operands, TileTimer, TimerError};

use super::TileSpace;

/// A space of kernels for one product, timed by whoever is asked.
pub(crate) struct TimedTiles {
    tiles: TileSpace,
    gemm: Gemm,
    metrics: Vec<Metric>,
    with_energy: bool,
}

impl TimedTiles {
    /// Kernels `tiles` for `gemm`; with energies, if whoever times them has one for each.
    pub(crate) fn new(tiles: TileSpace, gemm: Gemm, with_energy: bool) -> Self {
        let mut metrics = vec![
            Metric::new("time_s", "s", "from launch to completion, the median of all samples"),
            Metric::new("throughput_flop_per_s", "FLOP/s", "two operations for each product, over the time"),
        ];
        if with_energy {
            metrics.push(Metric::new("energy_j", "J", "energy of the whole device for one launch"));
        }
        Self { tiles, gemm, metrics, with_energy }
    }

    /// The product that settings name.
    ///
    /// # Errors
    /// [`ConfigError`] if there are no such types.
    pub(crate) fn gemm([m, n, k]: [u32; 3], types: &str) -> Result<Gemm, ConfigError> {
        let operands: Operands =
            types.parse().map_err(|unknown: UnknownName| ConfigError::new("types", unknown.to_string()))?;
        Ok(Gemm { m, n, k, operands })
    }

    /// The designs.
    pub(crate) const fn space(&self) -> &DesignSpace {
        self.tiles.space()
    }

    /// What is measured.
    pub(crate) fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// The least time.
    pub(crate) fn goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("time_s")], constraints: Vec::new() }
    }

    /// What `timer` says of a design.
    ///
    /// # Errors
    /// [`EvalError`] if it does not answer, or owes an energy.
    pub(crate) fn ask(&self, timer: &dyn TileTimer, design: &Design) -> Result<Outcome, EvalError> {
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
