//! What the compiler makes of a mixed-input matrix product's kernel: registers, spills, instructions.
//!
//! Validated by: kernels emulated instruction by instruction (`gpu/tests/emulation.rs`), sums and bounds by hand.

use std::time::Duration;

use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_gpu::{CompileError, CompileReport, GpuArchitecture, KernelSource, Nvrtc, NvrtcMissing};
use tapeout_simulators::gpu_gemm::{Device, Gemm, Occupancy, Tile};

use super::TileSpace;
use super::config::{gemm_config, seconds};

gemm_config! {
    /// Which product for which device, and how long the compiler may take.
    pub struct GpuGemmCompiledConfig {
        /// A built-in device: `a100`, `h100`, `h200`, `l40s`, `rtx-3090`, `rtx-4090`. It need not be there.
        pub device: String = "a100".to_owned(), // that of the published ablation
        ..product,
        /// Seconds after which a kernel counts as one that does not compile.
        // Far above the slowest kernel of a sample of 324; see the page.
        pub compile_limit_s: f64 = 60.0,
    }
}

/// The compiler as an environment.
pub struct GpuGemmCompiled {
    tiles: TileSpace,
    gemm: Gemm,
    device: Device,
    limit: Duration,
    compiler: Result<Nvrtc, NvrtcMissing>,
    metrics: Vec<Metric>,
}

impl GpuGemmCompiled {
    fn measured(&self, tile: &Tile, report: &CompileReport) -> Outcome {
        let occupancy = Occupancy::of(tile, &self.gemm, &self.device, report.registers);
        let mix = report.instructions;
        Outcome::Measured(vec![
            f64::from(report.registers),
            f64::from(report.spill_store_byte + report.spill_load_byte),
            f64::from(report.stack_byte),
            f64::from(report.shared_byte),
            f64::from(occupancy.warps),
            report.code_byte as f64,
            f64::from(mix.tensor),
            f64::from(mix.total() - mix.tensor) / f64::from(mix.tensor),
        ])
    }
}

impl Env for GpuGemmCompiled {
    fn space(&self) -> &DesignSpace {
        self.tiles.space()
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let compiler = self.compiler.map_err(|missing| EvalError::new(missing.to_string()))?;
        let tile = self.tiles.tile(design);
        let source = KernelSource::for_tile(&tile, &self.gemm);
        match compiler.compile_within(&source, GpuArchitecture::of(&self.device), self.limit) {
            Ok(cubin) => Ok(self.measured(&tile, &cubin.report)),
            Err(CompileError::Refused { .. }) => Ok(Outcome::infeasible("compile_refused", 1.0)),
            Err(CompileError::TimeLimit { .. }) => Ok(Outcome::infeasible("compile_time_limit", 1.0)),
            Err(error) => Err(EvalError::caused_by("the kernel was not compiled", error)),
        }
    }

    fn missing(&self) -> Option<String> {
        self.compiler.err().map(|missing| missing.to_string())
    }
}

impl BuildEnv for GpuGemmCompiled {
    const ID: &'static str = "gpu-gemm-compiled";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "Kernels of mixed-input matrix products as NVRTC compiles them, without a GPU";
    const DESCRIPTION: &'static str = include_str!("compiled.md");
    const DESIGNS: Option<u128> = Some(37_126_720);
    type Config = GpuGemmCompiledConfig;

    fn build(config: GpuGemmCompiledConfig) -> Result<Self, ConfigError> {
        let device = config.device()?;
        let limit = seconds("compile_limit_s", config.compile_limit_s)?;
        let gemm = config.gemm()?;
        let tiles = TileSpace::new(&gemm, &device, config.encoding)?;
        Ok(Self { tiles, gemm, device, limit, compiler: Nvrtc::load(), metrics: metrics() })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("overhead")],
            constraints: vec![Constraint::at_most("spill_byte", 0.0)],
        }
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("registers", "", "registers of a thread"),
        Metric::new("spill_byte", "byte", "stored and loaded by a thread for want of registers, in the code"),
        Metric::new("stack_byte", "byte", "local memory of a thread"),
        Metric::new("shared_byte", "byte", "shared memory of a block"),
        Metric::new(
            "resident_warps",
            "",
            "warps on a multiprocessor at once, by its registers and shared memory",
        ),
        Metric::new("code_byte", "byte", "machine code"),
        Metric::new("tensor_instructions", "", "tensor-core instructions in the code"),
        Metric::new("overhead", "", "other instructions in the code to each of the tensor cores"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;
    use tapeout_core::check::check_env;

    fn build(config: GpuGemmCompiledConfig) -> GpuGemmCompiled {
        GpuGemmCompiled::build(config).unwrap()
    }

    /// Without a compiler the space and the metrics are there all the same, and the answer is one clear error.
    #[test]
    fn it_answers_or_says_what_it_misses() {
        let env = build(GpuGemmCompiledConfig::default());
        let design = env.space().sample(&mut Seed::new(0).stream("test"));
        match (env.missing(), env.evaluate(&design)) {
            (None, Ok(Outcome::Measured(metrics))) => {
                assert!((16.0..=255.0).contains(&metrics[0]), "{metrics:?}");
                check_env(&env).unwrap_or_else(|findings| panic!("{findings}"));
            }
            (Some(missing), Err(error)) => assert_eq!(missing, error.to_string()),
            (missing, outcome) => panic!("{missing:?} {outcome:?}"),
        }
    }

    /// Claim: what does not compile in time is a result, not a failure.
    #[test]
    fn a_kernel_that_takes_too_long_is_infeasible() {
        let env = build(GpuGemmCompiledConfig { compile_limit_s: 0.0, ..Default::default() });
        let design = env.space().sample(&mut Seed::new(0).stream("test"));
        if let Some(missing) = env.missing() {
            println!("skipped: {missing}");
            return;
        }
        assert_eq!(env.evaluate(&design).unwrap(), Outcome::infeasible("compile_time_limit", 1.0));
    }

    #[test]
    fn a_limit_that_is_no_time_is_refused() {
        let config = GpuGemmCompiledConfig { compile_limit_s: -1.0, ..Default::default() };
        let error = GpuGemmCompiled::build(config).err().unwrap().to_string();
        assert!(error.starts_with("`compile_limit_s`: "), "{error}");
    }
}
