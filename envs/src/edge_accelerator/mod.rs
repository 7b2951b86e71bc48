//! PRIME's ten-parameter accelerator template on real networks.
//!
//! Source: Kumar et al. (2022), "Data-Driven Offline Optimization for Architecting Hardware Accelerators",
//! arXiv 2110.11346, table of the design space. The cost model is [`tapeout_simulators::edge`].

mod context;

use serde::{Deserialize, Serialize};
use tapeout_core::config::{above, check};
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome, Parameter,
};
use tapeout_simulators::edge::{Chip, Dataflow, Infeasible, PreparedWorkload, Setting, Template};
use tapeout_simulators::technology::{DramKind, Node};

use crate::workload::weighted;

/// Networks, technology and dataflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeAcceleratorConfig {
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
    /// `output-stationary`, `weight-stationary` or `input-stationary`.
    pub dataflow: Dataflow,
    /// Kind of DRAM, which sets its energy per bit: `lpddr4`, `ddr3`, `hbm2` or `hbm3`.
    pub dram: DramKind,
    /// Time from a request to the DRAM to its data.
    pub dram_latency_s: f64,
    /// Area above which a chip is infeasible.
    pub area_limit_m2: f64,
}

impl Default for EdgeAcceleratorConfig {
    fn default() -> Self {
        Self {
            networks: vec!["resnet50".to_owned()],
            weights: Vec::new(),
            batch: 1,
            node_nm: Node::new(DEFAULT_NODE_NM).expect("invariant: the default node is tabulated"),
            // Source: Seshadri et al. (2022), arXiv 2102.10423, table 2 (recalled): the first class runs at 800 MHz.
            clock_hz: 800e6,
            dataflow: Dataflow::OutputStationary,
            dram: DramKind::Lpddr4,
            // Source: sbc-bench, results/reviews/Radxa-Rock-5B.md (24 Feb 2023): reads of the Cortex-A76 scattered over
            // 16 MiB take 104 to 121 ns on an RK3588 with its memory at 2112 MHz; 110 ns is in the middle.
            dram_latency_s: 110e-9,
            // Source: Kumar et al. (2022), arXiv 2110.11346: designs above 27 mm2 count as infeasible.
            area_limit_m2: 27e-6,
        }
    }
}

/// 16 nm: the table of the arithmetic has it, and the largest published class of the template stays below PRIME's limit
/// of 27 mm2, which cuts off as many designs as PRIME reports; the page has the figures.
const DEFAULT_NODE_NM: u32 = 16;

/// The rule that a chip larger than the limit breaks.
const AREA: &str = "area";

/// The template as an environment.
pub struct EdgeAccelerator {
    space: DesignSpace,
    metrics: Vec<Metric>,
    workload: PreparedWorkload,
    context: Vec<ContextFeature>,
    setting: Setting,
    area_limit_m2: f64,
}

impl EdgeAccelerator {
    /// The ten numbers of a design.
    pub fn template(&self, design: &Design) -> Template {
        let number = |index: usize| self.space.number(design, index);
        let count = |index: usize| number(index) as u64;
        Template {
            pes_x: count(0),
            pes_y: count(1),
            cores: count(2),
            lanes: count(3),
            pe_memory_bytes: count(4),
            core_memory_bytes: count(5),
            activation_memory_bytes: count(6),
            instruction_entries: count(7),
            parameter_memory_bytes: count(8),
            dram_bandwidth_byte_per_s: number(9) * 1e9,
        }
    }

    /// What every design is built in.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// The chip of a design, unless a memory cannot be made or its area is above the limit.
    fn chip(&self, design: &Design) -> Result<Chip, Outcome> {
        let chip = Chip::new(self.template(design), self.setting).map_err(outcome)?;
        let excess = chip.area().total_m2() / self.area_limit_m2 - 1.0;
        if excess > 0.0 { Err(Outcome::infeasible(AREA, excess)) } else { Ok(chip) }
    }
}

fn outcome(Infeasible { rule, violation }: Infeasible) -> Outcome {
    Outcome::infeasible(rule.name(), violation)
}

impl Env for EdgeAccelerator {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let chip = match self.chip(design) {
            Ok(chip) => chip,
            Err(broken) => return Ok(broken),
        };
        let measured = chip.run(&self.workload).map(|report| {
            let area_m2 = chip.area().total_m2();
            Outcome::Measured(vec![report.latency_s, report.energy_j, area_m2, report.utilization])
        });
        Ok(measured.unwrap_or_else(outcome))
    }

    fn precheck(&self, design: &Design) -> Option<Outcome> {
        self.chip(design).err()
    }

    fn workload_settings(&self) -> &'static [&'static str] {
        &["networks", "weights", "batch"]
    }

    fn context(&self) -> Vec<ContextFeature> {
        self.context.clone()
    }
}

impl BuildEnv for EdgeAccelerator {
    const ID: &'static str = "edge-accelerator";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str =
        "PRIME's ten-parameter edge accelerator on real networks (analytical loop-nest model)";
    const DESCRIPTION: &'static str = include_str!("page.md");
    type Config = EdgeAcceleratorConfig;

    fn build(config: EdgeAcceleratorConfig) -> Result<Self, ConfigError> {
        check("clock_hz", config.clock_hz, above(0.0))?;
        check("dram_latency_s", config.dram_latency_s, above(0.0))?;
        check("area_limit_m2", config.area_limit_m2, above(0.0))?;
        let setting = Setting {
            node: config.node_nm,
            clock_hz: config.clock_hz,
            dram: config.dram,
            dram_latency_s: config.dram_latency_s,
            dataflow: config.dataflow,
        };
        let workload = weighted(&config.networks, &config.weights, config.batch)?;
        let space = DesignSpace::new(parameters(), Vec::new())
            .map_err(|error| ConfigError::new("", error.to_string()))?;
        Ok(Self {
            space,
            metrics: metrics(),
            context: context::features(&workload),
            workload: PreparedWorkload::new(&workload),
            setting,
            area_limit_m2: config.area_limit_m2,
        })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::minimize("energy_j")],
            constraints: Vec::new(),
        }
    }
}

/// Source of all levels: Kumar et al. (2022), arXiv 2110.11346, table of the design space; the paper gives no units for
/// the three memories of the controller, and the page says how they are read here.
fn parameters() -> Vec<Parameter> {
    const COUNTS: [u32; 10] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 32];
    let kib = 1u32 << 10;
    let mib = 1u32 << 20;
    vec![
        Parameter::ordinal("pes_x", COUNTS).about("processing elements side by side"),
        Parameter::ordinal("pes_y", COUNTS).about("rows of processing elements"),
        Parameter::ordinal("cores", COUNTS).about("cores of a processing element"),
        Parameter::ordinal("lanes", [4u32, 8, 16, 32, 64, 128, 256])
            .about("compute lanes of a core, four multiply-accumulate units each"),
        Parameter::power_of_two("pe_memory_bytes", 256 * kib, 16 * mib)
            .unit("byte")
            .about("memory of a processing element: inputs, sums, outputs"),
        Parameter::power_of_two("core_memory_bytes", 4 * kib, 4 * mib)
            .unit("byte")
            .about("memory of a core: weights"),
        Parameter::power_of_two("activation_memory_bytes", 256, 16384)
            .unit("byte")
            .about("staging memory of inputs and outputs on their way from and to DRAM"),
        Parameter::power_of_two("instruction_entries", 8192, 65536)
            .about("instructions that the controller holds: the longest program of a layer"),
        Parameter::power_of_two("parameter_memory_bytes", 2048, 32768)
            .unit("byte")
            .about("staging memory of weights on their way from DRAM"),
        Parameter::ordinal("dram_bandwidth", [5u32, 10, 16, 20, 25, 30])
            .unit("GB/s")
            .about("bandwidth of the DRAM, reads and writes together"),
    ]
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new(
            "latency_s",
            "s",
            "time of all layers, one after the other; a weighted sum over the networks",
        ),
        Metric::new("energy_j", "J", "energy of chip and DRAM interface, leakage included; a weighted sum"),
        Metric::new("area_m2", "m2", "area of multiply-accumulate units, registers and memories"),
        Metric::new("utilization", "", "multiply-accumulates over what the chip could do in that time"),
    ]
}

#[cfg(test)]
mod tests;
