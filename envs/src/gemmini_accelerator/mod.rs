//! DOSA's Gemmini: the sizes of a systolic array, its scratchpad and its accumulator.
//!
//! Source: Hong et al. (2023), "DOSA: differentiable model-based one-loop search for DNN accelerators",
//! doi:10.1145/3613424.3623797. The cost model is [`tapeout_simulators::gemmini`] under the mapper.

use tapeout_core::{
    ConfigError, CountParameter, Design, DesignSpace, EvalError, Goal, Objective, Outcome, Parameter,
};
use tapeout_simulators::gemmini::{GemminiDataflow, GemminiSetting, GemminiTemplate};
use tapeout_simulators::loop_nest::Architecture;
use tapeout_simulators::mapped::MappedWorkload;
use tapeout_simulators::network_cost::NetworkCost;
use tapeout_simulators::networks::Workload;
use tapeout_simulators::technology::{DramKind, Node};

use crate::accelerator::{AcceleratorTemplate, accelerator_config, architecture, run};

accelerator_config! {
    /// Networks, technology and dataflow.
    pub struct GemminiAcceleratorConfig {
        /// Kind of DRAM, which sets its energy per bit: `lpddr4`, `ddr3`, `hbm2` or `hbm3`.
        pub dram: DramKind,
        /// `weight-stationary` or `output-stationary`.
        pub dataflow: GemminiDataflow,
    }
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
            dataflow: GemminiDataflow::WeightStationary,
        }
    }
}

/// The parameters of the template, and what every design is built in and runs.
pub struct GemminiAccelerator {
    array: CountParameter,
    scratchpad_bytes: CountParameter,
    accumulator_bytes: CountParameter,
    workload: MappedWorkload,
    setting: GemminiSetting,
}

impl GemminiAccelerator {
    /// The three numbers of a design.
    pub fn numbers(&self, design: &Design) -> GemminiTemplate {
        GemminiTemplate {
            array: self.array.of(design),
            scratchpad_bytes: self.scratchpad_bytes.of(design),
            accumulator_bytes: self.accumulator_bytes.of(design),
        }
    }
}

impl AcceleratorTemplate for GemminiAccelerator {
    const ID: &'static str = "gemmini-accelerator";
    const VERSION: u32 = 4;
    const SUMMARY: &'static str =
        "DOSA's Gemmini: array, scratchpad and accumulator sizes on real networks (loop-nest model, mapper)";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const DESIGNS: u128 = 1_008;
    const ENERGY: &'static str =
        "energy of chip and DRAM, leakage included, wires between memories left out; a weighted sum";
    const AREA: &'static str =
        "area of multiply-accumulate units, registers and memories, without wires between them or control";
    const HAS_ENERGY_DELAY: bool = true;
    type Config = GemminiAcceleratorConfig;
    type Chip = Architecture;

    fn parameters() -> Vec<Parameter> {
        // Source of all levels: Hong et al. (2023): arrays of 2^1 to 2^7 rows, memories of 1 KB to 2 MB.
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

    fn new(
        config: GemminiAcceleratorConfig,
        space: &DesignSpace,
        workload: &Workload,
    ) -> Result<Self, ConfigError> {
        let setting = GemminiSetting {
            node: config.node_nm,
            clock_hz: config.clock_hz,
            dram: config.dram,
            dataflow: config.dataflow,
        };
        Ok(Self {
            array: space.count("array")?,
            scratchpad_bytes: space.count("scratchpad_bytes")?,
            accumulator_bytes: space.count("accumulator_bytes")?,
            workload: MappedWorkload::new(workload),
            setting,
        })
    }

    fn chip(&self, design: &Design) -> Result<Architecture, Outcome> {
        architecture(self.numbers(design).architecture(&self.setting))
    }

    fn area_m2(&self, chip: &Architecture) -> f64 {
        chip.area_m2()
    }

    fn run(&self, chip: &Architecture) -> Result<Result<NetworkCost, Outcome>, EvalError> {
        run(&self.workload, chip, |layer| self.setting.dataflow.constraints(layer))
    }

    fn default_goal(&self) -> Goal {
        Goal {
            objectives: vec![Objective::minimize("energy_delay_js"), Objective::minimize("area_m2")],
            constraints: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
