//! ArchGym's 26-parameter Timeloop space: accelerators like Eyeriss.
//!
//! Source: Krishnan et al. (2023), "ArchGym: an open-source gymnasium for machine learning assisted architecture design",
//! doi:10.1145/3579371.3589049; levels from `sims/Timeloop/parameters.ini` of its repository (commit c4319fb). The cost
//! model is [`tapeout_simulators::eyeriss`] under the mapper.

use tapeout_core::config::{above, check};
use tapeout_core::{
    CategoryParameter, ConfigError, Constraint, CountParameter, Design, DesignSpace, EvalError, Goal,
    Objective, Outcome, Parameter, SpaceError,
};
use tapeout_simulators::eyeriss::{Buffer, EyerissSetting, EyerissTemplate, row_stationary};
use tapeout_simulators::loop_nest::Architecture;
use tapeout_simulators::mapped::MappedWorkload;
use tapeout_simulators::memory::StorageClass;
use tapeout_simulators::network_cost::NetworkCost;
use tapeout_simulators::networks::Workload;
use tapeout_simulators::technology::{DramKind, Node};

use crate::accelerator::{AcceleratorTemplate, accelerator_config, architecture, run};

accelerator_config! {
    /// Networks and technology.
    pub struct EyerissAcceleratorConfig {
        /// Kind of DRAM, which sets its energy per bit: `lpddr4`, `ddr3`, `hbm2` or `hbm3`.
        pub dram: DramKind,
        /// Bandwidth of the DRAM, reads and writes together.
        pub dram_bandwidth_byte_per_s: f64,
        /// Largest acceptable area when nobody states a goal.
        pub area_limit_m2: f64,
    }
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

/// The parameters of the template, and what every design is built in and runs.
pub struct EyerissAccelerator {
    knobs: Knobs,
    workload: MappedWorkload,
    setting: EyerissSetting,
    area_limit_m2: f64,
}

/// The parameters of [`EyerissTemplate`], by its fields.
struct Knobs {
    pes: CountParameter,
    mesh_x: CountParameter,
    inputs: BufferKnobs,
    sums: BufferKnobs,
    filters: BufferKnobs,
    dummy_class: CategoryParameter<StorageClass>,
    dummy_depth: CountParameter,
    dummy_block_words: CountParameter,
    global: BufferKnobs,
    global_banks: CountParameter,
}

/// The parameters of a [`Buffer`].
struct BufferKnobs {
    class: CategoryParameter<StorageClass>,
    depth: CountParameter,
    block: CountParameter,
    read: CountParameter,
    write: CountParameter,
}

impl BufferKnobs {
    fn of(space: &DesignSpace, buffer: &str) -> Result<Self, SpaceError> {
        let count = |what: &str| space.count(&format!("{buffer}_{what}"));
        Ok(Self {
            class: class(space, buffer)?,
            depth: count("depth")?,
            block: count("block")?,
            read: count("read")?,
            write: count("write")?,
        })
    }

    fn buffer(&self, design: &Design) -> Buffer {
        Buffer {
            class: *self.class.of(design),
            depth: self.depth.of(design),
            block_words: self.block.of(design),
            read_words_per_cycle: self.read.of(design),
            write_words_per_cycle: self.write.of(design),
        }
    }
}

fn class(space: &DesignSpace, buffer: &str) -> Result<CategoryParameter<StorageClass>, SpaceError> {
    space.category(&format!("{buffer}_class"), StorageClass::ALL.map(|class| (class.name(), class)))
}

impl Knobs {
    fn of(space: &DesignSpace) -> Result<Self, SpaceError> {
        Ok(Self {
            pes: space.count("pes")?,
            mesh_x: space.count("mesh_x")?,
            inputs: BufferKnobs::of(space, "ifmap")?,
            sums: BufferKnobs::of(space, "psum")?,
            filters: BufferKnobs::of(space, "weights")?,
            dummy_class: class(space, "dummy")?,
            dummy_depth: space.count("dummy_depth")?,
            dummy_block_words: space.count("dummy_block")?,
            global: BufferKnobs::of(space, "glb")?,
            global_banks: space.count("glb_banks")?,
        })
    }
}

impl EyerissAccelerator {
    /// The numbers and memories of a design.
    pub fn numbers(&self, design: &Design) -> EyerissTemplate {
        let knobs = &self.knobs;
        EyerissTemplate {
            pes: knobs.pes.of(design),
            mesh_x: knobs.mesh_x.of(design),
            inputs: knobs.inputs.buffer(design),
            sums: knobs.sums.buffer(design),
            filters: knobs.filters.buffer(design),
            dummy_class: *knobs.dummy_class.of(design),
            dummy_depth: knobs.dummy_depth.of(design),
            dummy_block_words: knobs.dummy_block_words.of(design),
            global: knobs.global.buffer(design),
            global_banks: knobs.global_banks.of(design),
        }
    }
}

impl AcceleratorTemplate for EyerissAccelerator {
    const ID: &'static str = "eyeriss-accelerator";
    const VERSION: u32 = 4;
    const SUMMARY: &'static str = "ArchGym's 26-parameter Eyeriss-like accelerator on real networks (loop-nest model, row-stationary mapper)";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const DESIGNS: u128 = 2_154_550_209_231_716_352;
    const ENERGY: &'static str =
        "energy of chip and DRAM, leakage included, wires between memories left out; a weighted sum";
    const AREA: &'static str =
        "area of multiply-accumulate units and buffers, without wires between them or control";
    const HAS_ENERGY_DELAY: bool = false;
    type Config = EyerissAcceleratorConfig;
    type Chip = Architecture;

    fn parameters() -> Vec<Parameter> {
        parameters()
    }

    fn new(
        config: EyerissAcceleratorConfig,
        space: &DesignSpace,
        workload: &Workload,
    ) -> Result<Self, ConfigError> {
        check("dram_bandwidth_byte_per_s", config.dram_bandwidth_byte_per_s, above(0.0))?;
        check("area_limit_m2", config.area_limit_m2, above(0.0))?;
        let setting = EyerissSetting {
            node: config.node_nm,
            clock_hz: config.clock_hz,
            dram: config.dram,
            dram_bandwidth_byte_per_s: config.dram_bandwidth_byte_per_s,
        };
        let (knobs, workload) = (Knobs::of(space)?, MappedWorkload::new(workload));
        Ok(Self { knobs, workload, setting, area_limit_m2: config.area_limit_m2 })
    }

    fn chip(&self, design: &Design) -> Result<Architecture, Outcome> {
        architecture(self.numbers(design).architecture(&self.setting))
    }

    fn area_m2(&self, chip: &Architecture) -> f64 {
        chip.area_m2()
    }

    fn run(&self, chip: &Architecture) -> Result<Result<NetworkCost, Outcome>, EvalError> {
        run(&self.workload, chip, row_stationary)
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

#[cfg(test)]
mod tests;
