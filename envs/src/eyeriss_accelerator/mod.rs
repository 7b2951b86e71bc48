//! ArchGym's 26-parameter Timeloop space: accelerators like Eyeriss.
//!
//! Source: Krishnan et al. (2023), "ArchGym: an open-source gymnasium for machine learning assisted architecture design",
//! doi:10.1145/3579371.3589049; levels from `sims/Timeloop/parameters.ini` of its repository (commit c4319fb). The cost
//! model is [`tapeout_simulators::eyeriss`] under the mapper.

use serde::{Deserialize, Serialize};
use tapeout_core::config::{above, check};
use tapeout_core::{
    BuildEnv, ConfigError, Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome,
    Parameter,
};
use tapeout_simulators::eyeriss::{Buffer, Setting, Template, row_stationary};
use tapeout_simulators::loop_nest::Architecture;
use tapeout_simulators::mapped::MappedWorkload;
use tapeout_simulators::mapper::NoMapping;
use tapeout_simulators::memory::StorageClass;
use tapeout_simulators::technology::{DramKind, Node};

use crate::workload::weighted;

/// Networks and technology.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EyerissAcceleratorConfig {
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
    /// Bandwidth of the DRAM, reads and writes together.
    pub dram_bandwidth_byte_per_s: f64,
    /// Largest acceptable area when nobody states a goal.
    pub area_limit_m2: f64,
}

impl Default for EyerissAcceleratorConfig {
    fn default() -> Self {
        Self {
            networks: vec!["alexnet".to_owned()],
            weights: Vec::new(),
            batch: 1,
            // Source of node and clock: Chen et al. (2017), IEEE JSSC 52(1), doi:10.1109/JSSC.2016.2616357: 65 nm; AlexNet was
            // measured at 200 MHz.
            node_nm: Node::new(65).expect("invariant: the node is tabulated"),
            clock_hz: 200e6,
            // Source: ArchGym's eyeriss_like.yaml: LPDDR4, 64 bits wide; here 64 bits a cycle.
            dram: DramKind::Lpddr4,
            dram_bandwidth_byte_per_s: 1.6e9,
            // Source: the same chip: a core of 3.5 mm x 3.5 mm.
            area_limit_m2: 12.25e-6,
        }
    }
}

/// The template as an environment.
pub struct EyerissAccelerator {
    space: DesignSpace,
    metrics: Vec<Metric>,
    workload: MappedWorkload,
    setting: Setting,
    area_limit_m2: f64,
}

impl EyerissAccelerator {
    /// The accelerator that `design` asks for.
    pub fn template(&self, design: &Design) -> Template {
        let number = |index: usize| self.space.number(design, index) as u64;
        let class = |index: usize| StorageClass::ALL[design.levels()[index] as usize];
        let scratchpad = |first: usize| Buffer {
            class: class(first),
            depth: number(first + 1),
            block_words: number(first + 2),
            read_words_per_cycle: number(first + 3),
            write_words_per_cycle: number(first + 4),
        };
        Template {
            elements: number(0),
            mesh_x: number(1),
            inputs: scratchpad(2),
            sums: scratchpad(7),
            filters: scratchpad(12),
            dummy_class: class(17),
            dummy_depth: number(18),
            dummy_block_words: number(19),
            global: Buffer {
                class: class(20),
                depth: number(21),
                block_words: number(23),
                read_words_per_cycle: number(24),
                write_words_per_cycle: number(25),
            },
            global_banks: number(22),
        }
    }

    /// The architecture of a design, unless a memory is slower than the clock.
    fn architecture(&self, design: &Design) -> Result<Architecture, Outcome> {
        self.template(design).architecture(&self.setting).map_err(|error| {
            let violation = error.cause.cycle_s / error.cause.available_s - 1.0;
            Outcome::infeasible(&format!("{}_cycle_time", error.level), violation)
        })
    }
}

impl Env for EyerissAccelerator {
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
        match self.workload.run(&architecture, row_stationary) {
            Ok(cost) => Ok(Outcome::Measured(vec![
                cost.cycles / self.setting.clock_hz,
                cost.energy_j,
                architecture.area_m2(),
                cost.utilization,
            ])),
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

impl BuildEnv for EyerissAccelerator {
    const ID: &'static str = "eyeriss-accelerator";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "ArchGym's 26-parameter Eyeriss-like accelerator on real networks (loop-nest model, row-stationary mapper)";
    const DESCRIPTION: &'static str = include_str!("page.md");
    type Config = EyerissAcceleratorConfig;

    fn build(config: EyerissAcceleratorConfig) -> Result<Self, ConfigError> {
        check("clock_hz", config.clock_hz, above(0.0))?;
        check("dram_bandwidth_byte_per_s", config.dram_bandwidth_byte_per_s, above(0.0))?;
        check("area_limit_m2", config.area_limit_m2, above(0.0))?;
        let workload = weighted(&config.networks, &config.weights, config.batch)?;
        let space = DesignSpace::new(parameters(), Vec::new())
            .map_err(|error| ConfigError::new("", error.to_string()))?;
        let setting = Setting {
            node: config.node_nm,
            clock_hz: config.clock_hz,
            dram: config.dram,
            dram_bandwidth_byte_per_s: config.dram_bandwidth_byte_per_s,
        };
        let workload = MappedWorkload::new(&workload);
        Ok(Self { space, metrics: metrics(), workload, setting, area_limit_m2: config.area_limit_m2 })
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::minimize("energy_j")],
            constraints: vec![Constraint::at_most("area_m2", self.area_limit_m2)],
        }
    }
}

/// Source of all levels: ArchGym, `sims/Timeloop/parameters.ini` (commit c4319fb).
fn parameters() -> Vec<Parameter> {
    const WORDS_PER_CYCLE: [u32; 4] = [2, 4, 8, 16];
    let class = |buffer: &str, what: &str| {
        let names = StorageClass::ALL.map(StorageClass::name);
        Parameter::categorical(&format!("{buffer}_class"), &names).about(&format!("what {what} is made of"))
    };
    let depth = |buffer: &str, low: u32, what: &str| {
        Parameter::power_of_two(&format!("{buffer}_depth"), low, 65_536)
            .unit("rows")
            .about(&format!("rows of {what}"))
    };
    let block = |buffer: &str, what: &str| {
        Parameter::ordinal(&format!("{buffer}_block"), [1u32, 2, 4])
            .unit("words")
            .about(&format!("words of a row of {what}, read or written at once"))
    };
    let bandwidth = |buffer: &str, way: &str, what: &str| {
        Parameter::ordinal(&format!("{buffer}_{way}"), WORDS_PER_CYCLE)
            .unit("words/cycle")
            .about(&format!("words that {what} can {way} in a cycle"))
    };
    let mut all = vec![
        Parameter::integer_step("pes", 14, 336, 14).about("processing elements"),
        Parameter::ordinal("mesh_x", [2u32, 7, 14]).about("processing elements side by side"),
    ];
    for (buffer, what) in [
        ("ifmap", "the inputs' scratchpad of an element"),
        ("psum", "the partial sums' scratchpad of an element"),
        ("weights", "the filters' scratchpad of an element"),
    ] {
        all.extend([class(buffer, what), depth(buffer, 2, what), block(buffer, what)]);
        all.extend([bandwidth(buffer, "read", what), bandwidth(buffer, "write", what)]);
    }
    let what = "the buffer of a column, which holds nothing";
    all.extend([class("dummy", what), depth("dummy", 2, what), block("dummy", what)]);
    let what = "the global buffer";
    all.extend([class("glb", what), depth("glb", 1024, what)]);
    all.push(
        Parameter::power_of_two("glb_banks", 16, 128)
            .about("banks of the global buffer, one access each in a cycle"),
    );
    all.extend([block("glb", what), bandwidth("glb", "read", what), bandwidth("glb", "write", what)]);
    all
}

fn metrics() -> Vec<Metric> {
    vec![
        Metric::new(
            "latency_s",
            "s",
            "time of all layers, one after the other; a weighted sum over the networks",
        ),
        Metric::new("energy_j", "J", "energy of chip and DRAM, leakage included; a weighted sum"),
        Metric::new("area_m2", "m2", "area of multiply-accumulate units and buffers"),
        Metric::new("utilization", "", "multiply-accumulates over what the chip could do in that time"),
    ]
}

#[cfg(test)]
mod tests;
