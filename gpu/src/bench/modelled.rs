//! A rehearsal: the analytical model in place of a device.

use rand::RngExt;
use tapeout_core::Seed;
use tapeout_simulators::gpu_gemm::{Conversion, Device, Model, Stage, Tile};

use super::measurer::{Halt, Measurer};
use crate::measurement::{By, Fault, FaultRule, Job, Measured, Origin, Session, TimingMethod};

/// How far samples lie apart, as a share of the time. Ours: of the order of what a device with free clocks shows.
const SPREAD: f64 = 0.01;
/// Clocks of `wgmma` against `mma.sync`: what a library gains on Hopper in a rehearsal. Assumed.
const LIBRARY_GAIN: f64 = 1.5;
/// One design in so many gives a wrong result, so that a rehearsal meets failures. Ours.
const WRONG_ONE_IN: u64 = 20;

/// Times of the model with noise that depends on seed and design alone: what measuring does, without a device. Tables made
/// with it say so.
pub struct Modelled {
    model: Model,
    session: Session,
}

impl Modelled {
    /// A rehearsal on `device`.
    pub fn new(device: Device, method: TimingMethod) -> Self {
        let session = Session {
            origin: Origin::Model,
            device: device.name.clone(),
            compute_capability: device.compute_capability,
            driver: "none".to_owned(),
            // A table is gone on with by the model that it was begun with.
            compiler: format!("tile model {}", Model::VERSION),
            sm_clock_max_hz: Some(device.clock_hz),
            memory_clock_max_hz: None,
            power_limit_w: Some(device.power_w),
            method,
        };
        Self { model: Model::new(device), session }
    }
}

impl Measurer for Modelled {
    type Prepared = Measured;

    fn session(&self) -> &Session {
        &self.session
    }

    fn prepare(&mut self, job: &Job, inputs: u64) -> Result<Measured, Halt> {
        let (tile, gain) = match job.by {
            By::Tile(tile) => (tile, 1.0),
            By::CublasLt => {
                let copy_byte = job.gemm.alignment_byte.min(Tile::default().copy_byte);
                (Tile { conversion: Conversion::Fast, copy_byte, ..Tile::default() }, LIBRARY_GAIN)
            }
        };
        let estimate = self.model.estimate(&job.gemm, &tile);
        let estimate = estimate
            .map_err(|fault| Halt::Fault(Fault::new(fault.stage, FaultRule::CompileRefused, &fault)))?;
        let mut rng = Seed::new(inputs).stream(&format!("{job:?}"));
        if matches!(job.by, By::Tile(_)) && rng.random_range(0..WRONG_ONE_IN) == 0 {
            return Err(Halt::Fault(Fault::new(Stage::Run, FaultRule::WrongResult, "a rehearsed failure")));
        }
        let method = self.session.method;
        let sample = |_| estimate.time_s / gain * (1.0 + SPREAD * rng.random::<f64>());
        Ok(Measured {
            samples_s: (0..method.samples).map(sample).collect(),
            energy_j: (method.energy_s > 0.0).then_some(estimate.energy_j),
            error_share: 0.0,
            compiled: None,
            state: None,
        })
    }

    fn run(&mut self, prepared: Measured) -> Result<Measured, Halt> {
        Ok(prepared)
    }
}
