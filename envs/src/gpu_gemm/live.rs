//! How long a mixed-input matrix product takes on the graphics processor of this machine, measured when it is asked.
//!
//! Validated by: the processes' protocol, against children that hang, die and talk nonsense (`gpu/tests/station.rs`).

use std::sync::{Arc, Mutex};

use tapeout_core::{BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Outcome, Seed};
use tapeout_gpu::{self as gpu, LiveTimer, Station, StationLimits, TimingMethod, WorkerCommand};
use tapeout_simulators::gpu_gemm::TileTimer;

use super::TileSpace;
use super::config::{gemm_config, seconds};
use super::timed::TimedTiles;

gemm_config! {
    /// Which product, on which device, and how it is measured.
    pub struct GpuGemmLiveConfig {
        /// What the device is, for the static rules: `a100`, `h100`, `h200`, `l40s`, `rtx-3090`, `rtx-4090`.
        pub device: String = "h200".to_owned(), // the device that recordings are planned for
        ..product,
        /// Seconds that the compiler may take.
        pub compile_limit_s: f64 = StationLimits::default().compile.as_secs_f64(),
        /// Seconds that checking and timing a kernel may take.
        pub run_limit_s: f64 = StationLimits::default().run.as_secs_f64(),
        /// Seconds for which a kernel is repeated to read its energy; 0 for none.
        pub energy_s: f64 = 0.0,
        /// Where operands are drawn from.
        pub seed: u64 = 0,
        /// The program that has the command `measure-worker`, and arguments before that; this one if none is named.
        pub worker: Option<Vec<String>> = None,
    }
}

/// A device as an environment.
pub struct GpuGemmLive(TimedTiles);

impl Env for GpuGemmLive {
    fn space(&self) -> &DesignSpace {
        self.0.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.0.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.0.evaluate(design)
    }

    fn is_noisy(&self) -> bool {
        true
    }

    fn is_parallel(&self) -> bool {
        false
    }

    fn missing(&self) -> Option<String> {
        self.0.missing()
    }
}

impl BuildEnv for GpuGemmLive {
    const ID: &'static str = "gpu-gemm-live";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "Tiles of mixed-input matrix products, measured on this machine's GPU";
    const DESCRIPTION: &'static str = include_str!("live.md");
    const DESIGNS: Option<u128> = Some(45_883_840);
    type Config = GpuGemmLiveConfig;

    fn build(config: GpuGemmLiveConfig) -> Result<Self, ConfigError> {
        let device = config.device()?;
        let gemm = config.gemm()?;
        gpu::check_memory(&gemm).map_err(|error| ConfigError::new(error.extent, error.to_string()))?;
        let energy = seconds("energy_s", config.energy_s)?;
        let limits = StationLimits {
            compile: seconds("compile_limit_s", config.compile_limit_s)?,
            run: seconds("run_limit_s", config.run_limit_s)? + energy,
            ..StationLimits::default()
        };
        let method = TimingMethod { energy_s: config.energy_s, ..TimingMethod::default() };
        let command = WorkerCommand::of(config.worker.as_deref(), method.worker_arguments())
            .map_err(|error| ConfigError::new("worker", error.to_string()))?;
        let station = Station::new(command, limits, Seed::new(config.seed), Arc::new(Mutex::new(())));
        let timer: Result<Box<dyn TileTimer>, String> = match gpu::missing() {
            Some(missing) => Err(format!(
                "nothing can be measured here: {missing}; use `gpu-gemm-recorded` or `gpu-gemm-model`"
            )),
            None => Ok(Box::new(LiveTimer::new(station))),
        };
        let tiles = TileSpace::new(&gemm, &device, config.encoding)?;
        Ok(Self(TimedTiles::new(tiles, gemm, config.energy_s > 0.0, timer)))
    }

    fn default_goal(&self) -> Goal {
        self.0.goal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::check_env;

    /// Claim: without a driver the space and the metrics are there all the same, and the answer is one clear error.
    #[test]
    fn it_says_what_is_missing_and_what_to_use_instead() {
        let env = GpuGemmLive::build(GpuGemmLiveConfig::default()).unwrap();
        assert!(env.is_noisy() && !env.is_parallel());
        let design = env.space().sample(&mut Seed::new(0).stream("test"));
        if let Some(missing) = env.missing() {
            check_env(&env).unwrap_or_else(|findings| panic!("{findings}"));
            assert!(missing.ends_with("use `gpu-gemm-recorded` or `gpu-gemm-model`"), "{missing}");
            assert_eq!(env.evaluate(&design).unwrap_err().to_string(), missing);
        } else {
            // This test is no program that measures; that is an error, and nothing hangs.
            assert!(env.evaluate(&design).is_err());
        }
    }

    #[test]
    fn times_that_are_none_are_refused() {
        let config = GpuGemmLiveConfig { run_limit_s: f64::NAN, ..Default::default() };
        let error = GpuGemmLive::build(config).err().unwrap().to_string();
        assert!(error.starts_with("`run_limit_s`: "), "{error}");
    }
}
