//! How long a mixed-input matrix product takes on the graphics processor of this machine, measured when it is asked.
//!
//! Validated by: the processes' protocol, against children that hang, die and talk nonsense (`gpu/tests/station.rs`).

use std::env::current_exe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tapeout_core::{BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Outcome, Seed};
use tapeout_gpu::{self as gpu, LiveTimer, Station, StationLimits, TimingMethod, WorkerCommand};
use tapeout_simulators::gpu_gemm;

use crate::gpu_gemm::{TileEncoding, TileSpace, TimedTiles};

/// Which product, on which device, and how it is measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GpuGemmLiveConfig {
    /// What the device is, for the static rules: `a100`, `h100`, `h200`, `l40s`, `rtx-3090`, `rtx-4090`.
    pub device: String,
    /// Rows of the product.
    pub m: u32,
    /// Columns of the product.
    pub n: u32,
    /// Depth of the product.
    pub k: u32,
    /// Types of the first and the second operand: `f16-u8`, `bf16-s8`, `u8-f16`, `f16-u4`, `f16-f16`, ...
    pub types: String,
    /// `raw` or `structured`.
    pub encoding: TileEncoding,
    /// Seconds that the compiler may take.
    pub compile_limit_s: f64,
    /// Seconds that checking and timing a kernel may take.
    pub run_limit_s: f64,
    /// Seconds for which a kernel is repeated to read its energy; 0 for none.
    pub energy_s: f64,
    /// Where operands are drawn from.
    pub seed: u64,
    /// The program that has the command `measure-worker`; this one if none is named.
    pub worker: Option<String>,
}

impl Default for GpuGemmLiveConfig {
    /// The published shape on the device that recordings are planned for.
    fn default() -> Self {
        let limits = StationLimits::default();
        Self {
            device: "h200".to_owned(),
            m: 3456,
            n: 4096,
            k: 2048,
            types: "f16-u8".to_owned(),
            encoding: TileEncoding::Raw,
            compile_limit_s: limits.compile.as_secs_f64(),
            run_limit_s: limits.run.as_secs_f64(),
            energy_s: 0.0,
            seed: 0,
            worker: None,
        }
    }
}

/// A device as an environment.
pub struct GpuGemmLive {
    tiles: TimedTiles,
    timer: LiveTimer,
    missing: Option<String>,
}

impl Env for GpuGemmLive {
    fn space(&self) -> &DesignSpace {
        self.tiles.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.tiles.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        match &self.missing {
            Some(missing) => Err(EvalError::new(missing.clone())),
            None => self.tiles.ask(&self.timer, design),
        }
    }

    fn is_noisy(&self) -> bool {
        true
    }

    fn is_parallel(&self) -> bool {
        false
    }

    fn missing(&self) -> Option<String> {
        self.missing.clone()
    }
}

impl BuildEnv for GpuGemmLive {
    const ID: &'static str = "gpu-gemm-live";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "Tiles of mixed-input matrix products, measured on this machine's GPU";
    const DESCRIPTION: &'static str = include_str!("gpu_gemm_live.md");
    type Config = GpuGemmLiveConfig;

    fn build(config: GpuGemmLiveConfig) -> Result<Self, ConfigError> {
        let device = gpu_gemm::device(&config.device)
            .map_err(|unknown| ConfigError::new("device", unknown.to_string()))?;
        let gemm = TimedTiles::gemm([config.m, config.n, config.k], &config.types)?;
        let seconds = |field: &str, seconds| {
            Duration::try_from_secs_f64(seconds).map_err(|error| ConfigError::new(field, error.to_string()))
        };
        let energy = seconds("energy_s", config.energy_s)?;
        let limits = StationLimits {
            compile: seconds("compile_limit_s", config.compile_limit_s)?,
            run: seconds("run_limit_s", config.run_limit_s)? + energy,
            ..StationLimits::default()
        };
        let program = match &config.worker {
            Some(worker) => PathBuf::from(worker),
            None => current_exe().map_err(|error| ConfigError::new("worker", error.to_string()))?,
        };
        let method = TimingMethod { energy_s: config.energy_s, ..TimingMethod::default() };
        let command = WorkerCommand { program, arguments: method.worker_arguments() };
        let station = Station::new(command, limits, Seed::new(config.seed), Arc::new(Mutex::new(())));
        let missing = gpu::missing().map(|missing| {
            format!("nothing can be measured here: {missing}; use `gpu-gemm-recorded` or `gpu-gemm-model`")
        });
        let tiles = TileSpace::new(&gemm, &device, config.encoding)?;
        let tiles = TimedTiles::new(tiles, gemm, config.energy_s > 0.0);
        Ok(Self { tiles, timer: LiveTimer::new(station), missing })
    }

    fn default_goal(&self) -> Goal {
        self.tiles.goal()
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
