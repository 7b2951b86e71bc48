//! How long a mixed-input matrix product takes on a graphics processor, by an analytical model.
//!
//! Validated by: the published A100 ablation (`simulators/tests/models/gpu_ablation.rs`), counts of the raw space, laws.

use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
};
use tapeout_simulators::gpu_gemm::{Gemm, Model, TileEstimate, TileFault};

use super::TileSpace;
use super::config::gemm_config;

gemm_config! {
    /// Which product on which device, and how a kernel is written down.
    pub struct GpuGemmModelConfig {
        /// A built-in device: `a100`, `h100`, `h200`, `l40s`, `rtx-3090`, `rtx-4090`.
        pub device: String = "a100".to_owned(), // that of the published ablation
        ..product,
    }
}

/// The analytical model as an environment.
pub struct GpuGemmModel {
    tiles: TileSpace,
    gemm: Gemm,
    model: Model,
    metrics: Vec<Metric>,
}

impl GpuGemmModel {
    /// All that the model says of a design: time, and what bounds it.
    ///
    /// # Errors
    /// [`TileFault`] if the design breaks a static rule, which designs of the environment's own space do not.
    pub fn estimate(&self, design: &Design) -> Result<TileEstimate, TileFault> {
        self.model.estimate(&self.gemm, &self.tiles.tile(design))
    }
}

impl Env for GpuGemmModel {
    fn space(&self) -> &DesignSpace {
        self.tiles.space()
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        Ok(match self.estimate(design) {
            Ok(estimate) => Outcome::Measured(vec![
                estimate.time_s,
                estimate.throughput_flop_per_s,
                estimate.peak_fraction,
                estimate.energy_j,
                estimate.dram_byte,
                f64::from(estimate.occupancy.warps),
            ]),
            Err(fault) => Outcome::infeasible(&fault.rule, fault.excess),
        })
    }
}

impl BuildEnv for GpuGemmModel {
    const ID: &'static str = "gpu-gemm-model";
    const VERSION: u32 = Model::VERSION;
    const SUMMARY: &'static str = "Tiles of mixed-input matrix products on GPUs, by an analytical model";
    const DESCRIPTION: &'static str = include_str!("model.md");
    const DESIGNS: Option<u128> = Some(37_126_720);
    type Config = GpuGemmModelConfig;

    fn build(config: GpuGemmModelConfig) -> Result<Self, ConfigError> {
        let device = config.device()?;
        let gemm = config.gemm()?;
        let tiles = TileSpace::new(&gemm, &device, config.encoding)?;
        Ok(Self { tiles, gemm, model: Model::new(device), metrics: metrics() })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("time_s")], constraints: Vec::new() }
    }
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new("time_s", "s", "from launch to completion"),
        Metric::new("throughput_flop_per_s", "FLOP/s", "two operations for each product, over the time"),
        Metric::new("peak_fraction", "", "throughput over the data sheet's dense tensor-core peak"),
        Metric::new("energy_j", "J", "rough: board power, scaled by how busy tensor cores or DRAM are"),
        Metric::new("dram_byte", "byte", "bytes to and from DRAM"),
        Metric::new("resident_warps", "", "warps on a multiprocessor at once"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::TileEncoding;
    use super::*;
    use tapeout_core::Seed;
    use tapeout_core::check::check_env;
    use tapeout_simulators::gpu_gemm::{DEVICES, Operands};

    fn build(config: GpuGemmModelConfig) -> GpuGemmModel {
        GpuGemmModel::build(config).unwrap()
    }

    #[test]
    fn it_keeps_the_contract_on_every_device_and_for_all_types() {
        for (operands, row) in Operands::ALL.into_iter().zip(DEVICES.iter().cycle()) {
            let (device, types) = (row.id.to_owned(), operands.name().to_owned());
            let encoding = TileEncoding::Structured;
            let env = build(GpuGemmModelConfig { device, types, encoding, ..Default::default() });
            check_env(&env).unwrap_or_else(|findings| panic!("{} {operands}: {findings}", row.id));
        }
        check_env(&build(GpuGemmModelConfig::default())).unwrap();
    }

    /// Random search: the best of 2,000 draws is at least 2.5 times as fast as the median draw, and of the order of the
    /// published kernel (170e12 FLOP/s), which took experts.
    #[test]
    fn random_search_finds_kernels_far_better_than_the_median() {
        let env = build(GpuGemmModelConfig::default());
        let mut rng = Seed::new(0).stream("test");
        let mut times_s: Vec<f64> =
            (0..2000).map(|_| env.estimate(&env.space().sample(&mut rng)).unwrap().time_s).collect();
        times_s.sort_by(f64::total_cmp);
        let best = env.gemm.flop() / times_s[0];
        assert!(times_s[0] * 2.5 < times_s[1000], "{} {}", times_s[0], times_s[1000]);
        assert!(best > 0.7 * 170e12 && best < 1.2 * 170e12, "{best}");
    }

    /// Claim: what no kernel computes is refused by the number at fault.
    #[test]
    fn a_refusal_names_the_extent() {
        let refused = |config| GpuGemmModel::build(config).err().unwrap().to_string();
        let none = refused(GpuGemmModelConfig { m: 0, ..Default::default() });
        assert_eq!(none, "`m`: got 0; expected 1 to 1048576");
        let large = refused(GpuGemmModelConfig { k: 1 << 21, ..Default::default() });
        assert_eq!(large, "`k`: got 2097152; expected 1 to 1048576");
        let odd = refused(GpuGemmModelConfig { alignment_byte: 2, ..Default::default() });
        assert_eq!(odd, "`alignment_byte`: got 2; expected 4, 8 or 16");
    }

    #[test]
    fn unknown_devices_and_types_name_the_nearest() {
        let refused = |config| GpuGemmModel::build(config).err().unwrap().to_string();
        let device = refused(GpuGemmModelConfig { device: "a10".to_owned(), ..Default::default() });
        assert_eq!(device, "`device`: unknown device `a10`; did you mean `a100`?");
        let types = refused(GpuGemmModelConfig { types: "f16-u9".to_owned(), ..Default::default() });
        assert!(types.starts_with("`types`: unknown operand types"), "{types}");
    }
}
