//! Stations that measure side by side.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use tapeout_core::Seed;
use tapeout_gpu::{BenchError, Job, Limits, Measurement, Session, Station, WorkerCommand};

use super::error::MeasureError;

/// Who measures.
#[derive(Debug, Clone)]
pub struct Crew {
    /// How a process is started.
    pub command: WorkerCommand,
    /// How long things may take.
    pub limits: Limits,
    /// Processes side by side; one of them at a time has the device.
    pub n_stations: usize,
}

/// The stations of a crew.
pub(super) struct Stations(Vec<Station>);

impl Stations {
    /// As many as `crew` says, all with operands of their own; at least one.
    pub(super) fn new(crew: &Crew, seed: Seed) -> Self {
        let device = Arc::new(Mutex::new(()));
        let station = |index: usize| {
            let seed = seed.child("station", index as u64);
            Station::new(crew.command.clone(), crew.limits, seed, Arc::clone(&device))
        };
        Self((0..crew.n_stations.max(1)).map(station).collect())
    }

    /// What they measure with.
    pub(super) fn session(&mut self) -> Result<Session, BenchError> {
        self.0[0].session()
    }

    /// Measures all `jobs`, and tells `each` of one after the other as they are done; `each` is given the place in `jobs`.
    ///
    /// Begins nothing more once `interrupt` is set, or after an error.
    pub(super) fn measure(
        &mut self,
        jobs: &[Job],
        interrupt: &AtomicBool,
        each: &mut dyn FnMut(usize, Measurement) -> Result<(), MeasureError>,
    ) -> Result<(), MeasureError> {
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, results) = channel();
        thread::scope(|scope| {
            for station in self.0.iter_mut().take(jobs.len()) {
                let (sender, next, stop) = (sender.clone(), &next, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) && !interrupt.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(job) = jobs.get(index) else { break };
                        if sender.send((index, station.measure(job))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut outcome = Ok(());
            for (index, measurement) in results {
                let told =
                    measurement.map_err(MeasureError::from).and_then(|measurement| each(index, measurement));
                if let (Err(error), Ok(())) = (told, &outcome) {
                    outcome = Err(error);
                    stop.store(true, Ordering::Relaxed);
                }
            }
            outcome
        })
    }
}
