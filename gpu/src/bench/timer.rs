//! Measuring as an answer to how long a tile takes.

use std::sync::{Mutex, PoisonError};

use tapeout_simulators::gpu_gemm::{Gemm, Tile, TileTimer, TileTiming, TimerError};

use super::station::{DESIGNS_PER_PROCESS, Station};
use crate::measurement::{By, Job};

/// Measures each tile when it is asked about it, with fresh operands after every [`DESIGNS_PER_PROCESS`].
pub struct LiveTimer {
    /// With how many designs it has measured.
    station: Mutex<(Station, usize)>,
}

impl LiveTimer {
    /// Measures at `station`.
    pub const fn new(station: Station) -> Self {
        Self { station: Mutex::new((station, 0)) }
    }
}

impl TileTimer for LiveTimer {
    fn time(&self, gemm: &Gemm, tile: &Tile) -> Result<TileTiming, TimerError> {
        let job = Job { gemm: *gemm, by: By::Tile(*tile) };
        // A station that a panic left half way starts another process.
        let mut guard = self.station.lock().unwrap_or_else(PoisonError::into_inner);
        let (station, n_measured) = &mut *guard;
        let draw = (*n_measured / DESIGNS_PER_PROCESS) as u64;
        *n_measured += 1;
        let measurement = station
            .measure(&job, draw)
            .map_err(|error| TimerError::Failed { message: error.to_string(), source: Some(error.into()) })?;
        let measured = measurement.outcome.map_err(|fault| fault.tile_fault())?;
        Ok(TileTiming { time_s: measured.time_s(), energy_j: measured.energy_j })
    }
}
