//! `tapeout measure-worker`: the process that `measure` and `gpu-gemm-live` start for kernels to break.

use std::io::{stdin, stdout};

use tapeout::gpu::{Live, Modelled, TimingMethod, serve};
use tapeout::simulators::gpu_gemm;

use crate::answer::Answer;
use crate::failure::Failure;

/// How to measure.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take times from the model of this device
    #[arg(long, value_name = "DEVICE")]
    model: Option<String>,
    #[command(flatten)]
    method: MethodFlags,
}

/// How kernels are timed.
#[derive(clap::Args)]
pub(crate) struct MethodFlags {
    /// Launches before any is timed
    #[arg(long, value_name = "NUMBER", default_value_t = TimingMethod::default().warm_ups, value_parser = clap::value_parser!(u32).range(3..))]
    warm_ups: u32,
    /// Launches to a sample
    #[arg(long, value_name = "NUMBER", default_value_t = TimingMethod::default().launches, value_parser = clap::value_parser!(u32).range(20..))]
    launches: u32,
    /// Samples to a measurement
    #[arg(long, value_name = "NUMBER", default_value_t = TimingMethod::default().samples, value_parser = clap::value_parser!(u32).range(5..))]
    samples: u32,
    /// Seconds for which a kernel is repeated to read its energy; 0 for none
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = energy)]
    energy_s: f64,
}

impl MethodFlags {
    /// What the flags say.
    pub(crate) const fn method(&self) -> TimingMethod {
        TimingMethod {
            warm_ups: self.warm_ups,
            launches: self.launches,
            samples: self.samples,
            energy_s: self.energy_s,
        }
    }
}

impl Args {
    /// Nothing: everything is said to whoever started this process.
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let (input, output, method) = (stdin().lock(), stdout().lock(), self.method.method());
        let served = match &self.model {
            Some(id) => {
                let device = gpu_gemm::device(id).map_err(|unknown| unknown.to_string());
                serve(device.map(|device| Modelled::new(device, method)), input, output)
            }
            None => serve(Live::open(method).map_err(|unavailable| unavailable.to_string()), input, output),
        };
        served.map_err(|error| Failure::failed(error).context("cannot go on answering"))?;
        Ok(Answer::text(""))
    }
}

/// No more than a minute: time limits are made for kernels.
fn energy(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=60.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds from 0 to 60".to_owned()),
    }
}
