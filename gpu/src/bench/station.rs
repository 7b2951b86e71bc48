//! One child process at a time, and what becomes of the designs that it is asked for.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tapeout_core::Seed;
use tapeout_simulators::gpu_gemm::Stage;

use super::protocol::{Reply, Request};
use super::worker::{BenchError, Silence, Worker, WorkerCommand};
use crate::measurement::{Fault, FaultRule, Job, Measured, Session};

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StationLimits {
    /// Until a child has found its device.
    pub start: Duration,
    /// To compile a kernel.
    pub compile: Duration,
    /// To check and time it.
    pub run: Duration,
}

/// Designs after which a child is replaced by another one, with fresh operands: contexts take seconds to come up, and so does the
/// reference product. Ours.
pub const DESIGNS_PER_PROCESS: NonZeroUsize = NonZeroUsize::new(50).expect("50 is not 0");

impl Default for StationLimits {
    /// Of a sample of 324 kernels the slowest took 27 s to compile; a run takes well under a second.
    fn default() -> Self {
        Self {
            start: Duration::from_secs(60),
            compile: Duration::from_secs(60),
            run: Duration::from_secs(30),
        }
    }
}

/// A measurement or a fault, and what the operands were drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The seed of the operands.
    pub inputs: u64,
    /// What came of it.
    pub outcome: Result<Measured, Fault>,
}

/// Measures one design at a time, in a process of its own.
pub struct Station {
    command: WorkerCommand,
    limits: StationLimits,
    device: Arc<Mutex<()>>,
    seed: Seed,
    worker: Option<Worker>,
    /// Which draw of operands the present process has.
    draw: u64,
}

impl Station {
    /// A station whose operands are drawn from `seed`. Stations that share a device share `device`.
    pub const fn new(
        command: WorkerCommand,
        limits: StationLimits,
        seed: Seed,
        device: Arc<Mutex<()>>,
    ) -> Self {
        Self { command, limits, device, seed, worker: None, draw: 0 }
    }

    /// What it measures with.
    ///
    /// # Errors
    /// [`BenchError`] if there is no device, or no process.
    pub fn session(&mut self) -> Result<Session, BenchError> {
        Ok(self.worker()?.session().clone())
    }

    /// Measures, with operands of the draw number `draw`, of which each has processes of its own.
    ///
    /// # Errors
    /// [`BenchError`] if that says nothing about the design.
    pub fn measure(&mut self, job: &Job, draw: u64) -> Result<Measurement, BenchError> {
        if self.draw != draw {
            let device = Arc::clone(&self.device);
            let _device = device.lock().unwrap_or_else(PoisonError::into_inner);
            self.worker = None;
            self.draw = draw;
        }
        self.worker()?;
        let inputs = self.seed.child("operands", draw).number();
        let prepare = Request::Prepare { job: *job, inputs };
        let outcome = match self.ask(&prepare, self.limits.compile)? {
            Ok(Reply::Prepared) => {
                // A station that panicked has let go of the device: its process is gone.
                let device = Arc::clone(&self.device);
                let _device = device.lock().unwrap_or_else(PoisonError::into_inner);
                match self.ask(&Request::Run, self.limits.run)? {
                    Ok(Reply::Measured(measured)) => Ok(measured),
                    other => Err(self.fault(other, Stage::Run)?),
                }
            }
            other => Err(self.fault(other, Stage::Compile)?),
        };
        Ok(Measurement { inputs, outcome })
    }

    /// The present process; a new one if there is none.
    fn worker(&mut self) -> Result<&mut Worker, BenchError> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                // Contexts come and go on the device while nothing is timed there.
                let _device = self.device.lock().unwrap_or_else(PoisonError::into_inner);
                Worker::start(&self.command, self.limits.start)?
            }
        };
        Ok(self.worker.insert(worker))
    }

    /// An answer, or why there is none.
    ///
    /// # Errors
    /// If the child talks nonsense.
    fn ask(&mut self, request: &Request, limit: Duration) -> Result<Result<Reply, Silence>, BenchError> {
        let worker = self.worker.as_mut().expect("invariant: `measure` has started a process");
        match worker.ask(request, limit) {
            Err(Silence::Garbage(got)) => {
                self.worker = None;
                Err(BenchError::Protocol { expected: "an answer", got })
            }
            answer => Ok(answer),
        }
    }

    /// What anything but success says about the design that was at `stage`. A process that cannot go on is let go.
    fn fault(&mut self, answer: Result<Reply, Silence>, stage: Stage) -> Result<Fault, BenchError> {
        let limit = if stage == Stage::Compile { self.limits.compile } else { self.limits.run };
        let fault = match answer {
            Ok(Reply::Fault(fault)) => return Ok(fault),
            Ok(Reply::Failed(message)) => return Err(BenchError::Failed(message)),
            Ok(Reply::Lost(fault)) => fault,
            Ok(other) => {
                let got = format!("{other:?}");
                self.worker = None;
                return Err(BenchError::Protocol { expected: "an answer to what was asked", got });
            }
            Err(Silence::TimeLimit) => {
                let rule = if stage == Stage::Compile {
                    FaultRule::CompileTimeLimit
                } else {
                    FaultRule::RunTimeLimit
                };
                Fault::new(stage, rule, format_args!("not done within {} s", limit.as_secs_f64()))
            }
            Err(Silence::Died(how)) => Fault::new(stage, FaultRule::ProcessDied, how),
            Err(Silence::Garbage(got)) => {
                return Err(BenchError::Protocol { expected: "an answer", got });
            }
        };
        self.worker = None;
        Ok(fault)
    }
}
