//! Processes that measure side by side.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use tapeout_core::Seed;
use tapeout_gpu::{BenchError, Session, Station, StationLimits, WorkerCommand};

/// Who measures.
#[derive(Debug, Clone)]
pub struct Workers {
    /// How a process is started.
    pub command: WorkerCommand,
    /// How long things may take.
    pub limits: StationLimits,
    /// Designs after which operands are drawn anew, and processes replaced.
    pub designs_per_process: NonZeroUsize,
    /// Processes side by side; one of them at a time has the device.
    pub count: NonZeroUsize,
}

/// The stations of workers, one for each thread that asks for one.
pub(super) struct Stations(Mutex<Vec<Station>>);

impl Stations {
    /// As many as `workers` says, all with the operands that are drawn from `seed`.
    pub(super) fn new(workers: &Workers, seed: Seed) -> Self {
        let device = Arc::new(Mutex::new(()));
        let station = |_| Station::new(workers.command.clone(), workers.limits, seed, Arc::clone(&device));
        Self(Mutex::new((0..workers.count.get()).map(station).collect()))
    }

    /// What they measure with.
    pub(super) fn session(&self) -> Result<Session, BenchError> {
        self.lend(Station::session)
    }

    /// Does `work` with a station that is idle.
    ///
    /// # Panics
    /// If all are at work: there are as many as threads.
    pub(super) fn lend<T>(&self, work: impl FnOnce(&mut Station) -> T) -> T {
        let idle = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut station = idle().pop().expect("invariant: there is a station for each thread");
        let done = work(&mut station);
        idle().push(station);
        done
    }
}
