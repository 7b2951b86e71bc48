//! PRIME's ten-parameter accelerator template on real networks.
//!
//! Source: Kumar et al. (2022), "Data-Driven Offline Optimization for Architecting Hardware Accelerators",
//! arXiv 2110.11346, table of the design space. The cost model is [`tapeout_simulators::edge`].

use serde::{Deserialize, Serialize};
use tapeout_core::config::{above, check};
use tapeout_core::env::ContextFeature;
use tapeout_core::{
    ConfigError, Constraint, CountParameter, Design, DesignSpace, EvalError, Goal, NumberParameter,
    Objective, Outcome, Parameter, SpaceError,
};
use tapeout_simulators::dram::{DDR3_1600, DramDevice, HBM2_2000, LPDDR4_3200};
use tapeout_simulators::edge::{Chip, EdgeDataflow, EdgeSetting, EdgeTemplate, Infeasible, PreparedWorkload};
use tapeout_simulators::network_cost::NetworkCost;
use tapeout_simulators::networks::Workload;
use tapeout_simulators::technology::{DramKind, Node};

use crate::accelerator::{AcceleratorTemplate, accelerator_config, features};

accelerator_config! {
    /// Networks, technology and dataflow.
    pub struct EdgeAcceleratorConfig {
        /// `output-stationary`, `weight-stationary` or `input-stationary`.
        pub dataflow: EdgeDataflow,
        /// Kind of DRAM, which sets its energy per bit: `lpddr4`, `ddr3`, `hbm2` or `hbm3`.
        pub dram: DramKind,
        /// Time from a request to the DRAM to its data.
        pub dram_latency_s: f64,
        /// `stated`: bandwidth and latency are as stated; `simulated`: a memory controller in front of the kind of DRAM says, layer by
        /// layer, what share of the bandwidth is reached and what the latency is.
        pub memory: EdgeMemory,
        /// Area above which a chip is infeasible.
        pub area_limit_m2: f64,
    }
}

/// Where bandwidth and latency of the DRAM are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeMemory {
    /// Parameters and settings.
    #[default]
    Stated,
    /// A simulation of each layer's accesses.
    Simulated,
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
            dataflow: EdgeDataflow::OutputStationary,
            dram: DramKind::Lpddr4,
            // Source: sbc-bench, results/reviews/Radxa-Rock-5B.md (24 Feb 2023): reads of the Cortex-A76 scattered over
            // 16 MiB take 104 to 121 ns on an RK3588 with its memory at 2112 MHz; 110 ns is in the middle.
            dram_latency_s: 110e-9,
            memory: EdgeMemory::Stated,
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

/// The parameters of the template, and what every design is built in and runs.
pub struct EdgeAccelerator {
    knobs: Knobs,
    workload: PreparedWorkload,
    setting: EdgeSetting,
    /// The memory that is simulated, if one is.
    memory: Option<DramDevice>,
    area_limit_m2: f64,
}

/// The parameters of [`EdgeTemplate`], by its fields.
struct Knobs {
    pes_x: CountParameter,
    pes_y: CountParameter,
    cores: CountParameter,
    lanes: CountParameter,
    pe_memory_bytes: CountParameter,
    core_memory_bytes: CountParameter,
    activation_memory_bytes: CountParameter,
    instruction_entries: CountParameter,
    parameter_memory_bytes: CountParameter,
    /// In GB/s.
    dram_bandwidth: NumberParameter,
}

impl Knobs {
    fn of(space: &DesignSpace) -> Result<Self, SpaceError> {
        Ok(Self {
            pes_x: space.count("pes_x")?,
            pes_y: space.count("pes_y")?,
            cores: space.count("cores")?,
            lanes: space.count("lanes")?,
            pe_memory_bytes: space.count("pe_memory_bytes")?,
            core_memory_bytes: space.count("core_memory_bytes")?,
            activation_memory_bytes: space.count("activation_memory_bytes")?,
            instruction_entries: space.count("instruction_entries")?,
            parameter_memory_bytes: space.count("parameter_memory_bytes")?,
            dram_bandwidth: space.number("dram_bandwidth")?,
        })
    }
}

impl EdgeAccelerator {
    /// The ten numbers of a design.
    pub fn numbers(&self, design: &Design) -> EdgeTemplate {
        let knobs = &self.knobs;
        EdgeTemplate {
            pes_x: knobs.pes_x.of(design),
            pes_y: knobs.pes_y.of(design),
            cores: knobs.cores.of(design),
            lanes: knobs.lanes.of(design),
            pe_memory_bytes: knobs.pe_memory_bytes.of(design),
            core_memory_bytes: knobs.core_memory_bytes.of(design),
            activation_memory_bytes: knobs.activation_memory_bytes.of(design),
            instruction_entries: knobs.instruction_entries.of(design),
            parameter_memory_bytes: knobs.parameter_memory_bytes.of(design),
            dram_bandwidth_byte_per_s: knobs.dram_bandwidth.of(design) * 1e9,
        }
    }
}

impl AcceleratorTemplate for EdgeAccelerator {
    const ID: &'static str = "edge-accelerator";
    const VERSION: u32 = 4;
    const SUMMARY: &'static str =
        "PRIME's ten-parameter edge accelerator on real networks (analytical loop-nest model)";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const DESIGNS: u128 = 452_760_000;
    const ENERGY: &'static str = "energy of chip and DRAM interface, leakage included, wires between memories left out; a weighted sum";
    const AREA: &'static str =
        "area of multiply-accumulate units, registers and memories, without wires between them or control";
    const HAS_ENERGY_DELAY: bool = false;
    type Config = EdgeAcceleratorConfig;
    type Chip = Chip;

    const PRODUCTS: &'static [(&'static str, &'static [&'static str], &'static str)] = &[
        ("elements", &["pes_x", "pes_y"], "processing elements of the chip"),
        ("chip_lanes", &["pes_x", "pes_y", "cores", "lanes"], "compute lanes of the chip"),
        ("chip_pe_memory_bytes", &["pes_x", "pes_y", "pe_memory_bytes"], "memory of all elements"),
        ("chip_core_memory_bytes", &["pes_x", "pes_y", "cores", "core_memory_bytes"], "memory of all cores"),
    ];

    fn parameters() -> Vec<Parameter> {
        // Source of all levels: Kumar et al. (2022), arXiv 2110.11346, table of the design space; the paper gives no units for
        // the three memories of the controller, and the page says how they are read here.
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

    fn new(
        config: EdgeAcceleratorConfig,
        space: &DesignSpace,
        workload: &Workload,
    ) -> Result<Self, ConfigError> {
        check("dram_latency_s", config.dram_latency_s, above(0.0))?;
        check("area_limit_m2", config.area_limit_m2, above(0.0))?;
        let setting = EdgeSetting {
            node: config.node_nm,
            clock_hz: config.clock_hz,
            dram: config.dram,
            dram_latency_s: config.dram_latency_s,
            dataflow: config.dataflow,
        };
        let memory = match config.memory {
            EdgeMemory::Stated => None,
            EdgeMemory::Simulated => Some(device(config.dram)?),
        };
        let (knobs, workload) = (Knobs::of(space)?, PreparedWorkload::new(workload));
        Ok(Self { knobs, workload, setting, memory, area_limit_m2: config.area_limit_m2 })
    }

    fn chip(&self, design: &Design) -> Result<Chip, Outcome> {
        let mut chip = Chip::new(self.numbers(design), self.setting).map_err(outcome)?;
        if let Some(device) = &self.memory {
            chip = chip.with_simulated_memory(device.clone());
        }
        let excess = self.area_m2(&chip) / self.area_limit_m2 - 1.0;
        if excess > 0.0 { Err(Outcome::infeasible(AREA, excess)) } else { Ok(chip) }
    }

    fn area_m2(&self, chip: &Chip) -> f64 {
        chip.area().total_m2()
    }

    fn run(&self, chip: &Chip) -> Result<Result<NetworkCost, Outcome>, EvalError> {
        Ok(chip.run(&self.workload).map_err(outcome))
    }

    fn enforced(&self) -> Vec<Constraint> {
        vec![Constraint::at_most("area_m2", self.area_limit_m2)]
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::minimize("energy_j")],
            constraints: Vec::new(),
        }
    }

    fn context(workload: &Workload) -> Vec<ContextFeature> {
        features(workload)
    }
}

/// The device that is simulated for a kind of DRAM.
fn device(kind: DramKind) -> Result<DramDevice, ConfigError> {
    match kind {
        DramKind::Lpddr4 => Ok(LPDDR4_3200),
        DramKind::Ddr3 => Ok(DDR3_1600),
        DramKind::Hbm2 => Ok(HBM2_2000),
        DramKind::Hbm3 => Err(ConfigError::new(
            "memory",
            format!("`{kind}` cannot be simulated; lpddr4, ddr3 and hbm2 can"),
        )),
    }
}

fn outcome(Infeasible { rule, violation }: Infeasible) -> Outcome {
    Outcome::infeasible(rule.name(), violation)
}

#[cfg(test)]
mod tests;
