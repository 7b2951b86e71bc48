//! DOSA's Gemmini: the sizes of a systolic array, its scratchpad and its accumulator.
//!
//! Source: Hong et al. (2023), "DOSA: differentiable model-based one-loop search for DNN accelerators",
//! doi:10.1145/3613424.3623797. The cost model is [`tapeout_simulators::gemmini`] under the mapper.

use serde::{Deserialize, Serialize};
use tapeout_core::config::{above, check};
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome, Parameter,
};
use tapeout_simulators::gemmini::{Dataflow, Setting, Template};
use tapeout_simulators::loop_nest::Architecture;
use tapeout_simulators::mapped::MappedWorkload;
use tapeout_simulators::mapper::NoMapping;
use tapeout_simulators::technology::{DramKind, Node};

use crate::workload::weighted;

/// Networks, technology and dataflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GemminiAcceleratorConfig {
    /// The networks that run on every design, by name.
    pub networks: Vec<String>,
    /// How often each network runs relative to the others; empty for once each.
    pub weights: Vec<f64>,
    /// Inputs that a network processes at once.
    pub batch: u64,
    /// Process node in nm.
    pub node_nm: Node,
    /// Clock of the chip.
    pub clock_hz: f64,
    /// Kind of DRAM, which sets its energy per bit: `lpddr4`, `ddr3`, `hbm2` or `hbm3`.
    pub dram: DramKind,
    /// `weight-stationary` or `output-stationary`.
    pub dataflow: Dataflow,
}

impl Default for GemminiAcceleratorConfig {
    fn default() -> Self {
        Self {
            networks: vec!["resnet50".to_owned()],
            weights: Vec::new(),
            batch: 1,
            // Source of node and clock: Genc et al. (2021), doi:10.1109/DAC18074.2021.9586216: systems in a 22 nm process, at
            // 1 GHz (recalled).
            node_nm: Node::new(22).expect("invariant: the node is tabulated"),
            clock_hz: 1e9,
            dram: DramKind::Lpddr4,
            dataflow: Dataflow::WeightStationary,
        }
    }
}

/// The template as an environment.
pub struct GemminiAccelerator {
    space: DesignSpace,
    metrics: Vec<Metric>,
    workload: MappedWorkload,
    setting: Setting,
}

impl GemminiAccelerator {
    /// The three numbers of a design.
    pub fn template(&self, design: &Design) -> Template {
        let number = |index: usize| self.space.number(design, index) as u64;
        Template { array: number(0), scratchpad_bytes: number(1), accumulator_bytes: number(2) }
    }

    /// The architecture of a design, unless a memory is slower than the clock.
    fn architecture(&self, design: &Design) -> Result<Architecture, Outcome> {
        self.template(design).architecture(&self.setting).map_err(|error| {
            let violation = error.cause.cycle_s / error.cause.available_s - 1.0;
            Outcome::infeasible(&format!("{}_cycle_time", error.level), violation)
        })
    }
}

impl Env for GemminiAccelerator {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let architecture = match self.architecture(design) {
            Ok(architecture) => architecture,
            Err(broken) => return Ok(broken),
        };
        let dataflow = self.setting.dataflow;
        match self.workload.run(&architecture, |layer| dataflow.constraints(layer)) {
            Ok(cost) => {
                let latency_s = cost.cycles / self.setting.clock_hz;
                Ok(Outcome::Measured(vec![
                    latency_s,
                    cost.energy_j,
                    cost.energy_j * latency_s,
                    architecture.area_m2(),
                    cost.utilization,
                ]))
            }
            Err(NoMapping::Capacity { level, needed, available, .. }) => {
                let violation = needed as f64 / available as f64 - 1.0;
                Ok(Outcome::infeasible(&format!("{level}_capacity"), violation))
            }
            Err(error) => Err(EvalError::caused_by("a layer cannot be mapped", error)),
        }
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.architecture(design).err()
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["networks", "weights", "batch"]
    }
}

impl BuildEnv for GemminiAccelerator {
    const ID: &'static str = "gemmini-accelerator";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str =
        "DOSA's Gemmini: array, scratchpad and accumulator sizes on real networks (loop-nest model, mapper)";
    const DESCRIPTION: &'static str = include_str!("page.md");
    type Config = GemminiAcceleratorConfig;

    fn build(config: GemminiAcceleratorConfig) -> Result<Self, ConfigError> {
        check("clock_hz", config.clock_hz, above(0.0))?;
        let workload = weighted(&config.networks, &config.weights, config.batch)?;
        let space = DesignSpace::new(parameters(), Vec::new())
            .map_err(|error| ConfigError::new("", error.to_string()))?;
        let setting = Setting {
            node: config.node_nm,
            clock_hz: config.clock_hz,
            dram: config.dram,
            dataflow: config.dataflow,
        };
        Ok(Self { space, metrics: metrics(), workload: MappedWorkload::new(&workload), setting })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("energy_delay_js"), Objective::minimize("area_m2")],
            constraints: Vec::new(),
        }
    }
}

/// Source of all levels: Hong et al. (2023): arrays of 2^1 to 2^7 rows, memories of 1 KB to 2 MB.
fn parameters() -> Vec<Parameter> {
    let (kib, mib) = (1u32 << 10, 1u32 << 20);
    vec![
        Parameter::power_of_two("array", 2, 128).about("rows, and columns, of the systolic array"),
        Parameter::power_of_two("scratchpad_bytes", kib, 2 * mib)
            .unit("byte")
            .about("memory of inputs and weights"),
        Parameter::power_of_two("accumulator_bytes", kib, 2 * mib)
            .unit("byte")
            .about("memory of sums, four bytes each"),
    ]
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new(
            "latency_s",
            "s",
            "time of all layers, one after the other; a weighted sum over the networks",
        ),
        Metric::new("energy_j", "J", "energy of chip and DRAM, leakage included; a weighted sum"),
        Metric::new("energy_delay_js", "J s", "energy times latency"),
        Metric::new("area_m2", "m2", "area of multiply-accumulate units, registers and memories"),
        Metric::new("utilization", "", "multiply-accumulates over what the chip could do in that time"),
    ]
}

#[cfg(test)]
mod tests;
