//! Measuring as an answer to how long a tile takes.

use std::sync::{Mutex, PoisonError};

use tapeout_simulators::gpu_gemm::{Gemm, Tile, TileTimer, TileTiming, TimerError};

use super::station::Station;
use crate::measurement::{By, Job};

/// Measures each tile when it is asked about it.
pub struct LiveTimer {
    station: Mutex<Station>,
}

impl LiveTimer {
    /// Measures at `station`.
    pub const fn new(station: Station) -> Self {
        Self { station: Mutex::new(station) }
    }
}

impl TileTimer for LiveTimer {
    fn time(&self, gemm: &Gemm, tile: &Tile) -> Result<TileTiming, TimerError> {
        let job = Job { gemm: *gemm, by: By::Tile(*tile) };
        // A station that a panic left half way starts another process.
        let mut station = self.station.lock().unwrap_or_else(PoisonError::into_inner);
        let measurement = station
            .measure(&job)
            .map_err(|error| TimerError::Failed { message: error.to_string(), source: Some(error.into()) })?;
        let measured = measurement.outcome.map_err(|fault| fault.tile_fault())?;
        Ok(TileTiming { time_s: measured.time_s(), energy_j: measured.energy_j })
    }
}
