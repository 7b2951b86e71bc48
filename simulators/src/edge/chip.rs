//! A template in a setting: its storage hierarchy, area and leakage.

use super::buffer::{Demand, synthesize};
use super::infeasible::{Infeasible, Rule};
use super::template::{Dataflow, LANE_WAYS, Setting, Template};
use crate::loop_nest::{AccessEnergy, Architecture, Bandwidth, Delivery, Level, Mac, Network};
use crate::technology::{StorageCost, mac, register_file};

/// Storage levels of the hierarchy, by index.
pub(super) const LANE: usize = 0;
pub(super) const CORE: usize = 1;
pub(super) const PE: usize = 2;
pub(super) const DRAM: usize = 3;

/// Bits of a weight, an input or a finished output.
const WORD_BITS: u32 = 8;
/// Bits of a sum that is not complete; 8-bit inference accumulates in 32 bits.
// Source: Jacob et al. (2018), "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference", doi:10.1109/CVPR.2018.00286, section 2.2.
const SUM_BITS: u32 = 32;
/// Bytes of a sum that is not complete.
pub(super) const SUM_BYTES: u64 = SUM_BITS as u64 / 8;
/// Bytes of an instruction.
// Source: Jouppi et al. (2017), "In-Datacenter Performance Analysis of a Tensor Processing Unit",
// doi:10.1145/3079856.3080246, section 2: the matrix instruction has 12 bytes.
const INSTRUCTION_BYTES: u64 = 12;
/// Tiles that a memory holds: the one in use and the one on its way.
const BUFFERS: u64 = 2;

/// Where the area of a chip goes, in m2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Multiply-accumulate units.
    pub macs_m2: f64,
    /// Registers of the lanes.
    pub registers_m2: f64,
    /// Memories of all cores.
    pub core_memory_m2: f64,
    /// Memories of all processing elements.
    pub pe_memory_m2: f64,
    /// Staging memories and instruction memory.
    pub controller_m2: f64,
}

impl Area {
    /// All of it.
    pub fn total_m2(&self) -> f64 {
        self.macs_m2 + self.registers_m2 + self.core_memory_m2 + self.pe_memory_m2 + self.controller_m2
    }
}

/// A template that can be built.
#[derive(Debug, Clone)]
pub struct Chip {
    template: Template,
    setting: Setting,
    architecture: Architecture,
    area: Area,
    leakage_w: f64,
    pub(super) costs: Costs,
}

/// Energies that the hierarchy does not hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    /// A byte through the staging memory of inputs and outputs: written once, read once.
    pub(super) activation_j_per_byte: f64,
    /// A byte through the staging memory of weights.
    pub(super) parameter_j_per_byte: f64,
    /// Fetching an instruction.
    pub(super) instruction_j: f64,
}

impl Chip {
    /// Builds `template` in `setting`.
    ///
    /// # Errors
    /// [`Infeasible`] with the memory that cannot be synthesized.
    pub fn new(template: Template, setting: Setting) -> Result<Self, Infeasible> {
        let parts = Parts::new(&template, &setting)?;
        let (macs, lanes) = (template.n_macs() as f64, template.n_lanes() as f64);
        let (pes, cores) = (template.n_pes() as f64, (template.n_pes() * template.cores) as f64);
        let controller = [parts.activation.cost, parts.parameter.cost, parts.instruction];
        let area = Area {
            macs_m2: macs * parts.mac_area_m2,
            registers_m2: lanes * parts.register.area_m2,
            core_memory_m2: cores * parts.core.area_m2,
            pe_memory_m2: pes * parts.pe.area_m2,
            controller_m2: controller.iter().map(|cost| cost.area_m2).sum(),
        };
        let leakage_w = macs * parts.mac_leakage_w
            + lanes * parts.register.leakage_w
            + cores * parts.core.leakage_w
            + pes * parts.pe.leakage_w
            + controller.iter().map(|cost| cost.leakage_w).sum::<f64>();
        let costs = Costs {
            activation_j_per_byte: parts.activation.through_j_per_byte(),
            parameter_j_per_byte: parts.parameter.through_j_per_byte(),
            instruction_j: parts.instruction.read_j,
        };
        let architecture = parts.architecture(&template, &setting);
        Ok(Self { template, setting, architecture, area, leakage_w, costs })
    }

    /// The ten numbers.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What it is built in.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Lanes, core memories, PE memories and DRAM as storage levels over the multiply-accumulate units.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Where its area goes.
    pub fn area(&self) -> Area {
        self.area
    }

    /// Power of everything on the chip while idle.
    pub fn leakage_w(&self) -> f64 {
        self.leakage_w
    }

    /// Bytes of weights that one tile may take in a core memory.
    pub(super) fn core_tile_bytes(&self) -> u64 {
        self.template.core_memory_bytes / BUFFERS
    }

    /// Bytes of inputs and outputs that one tile may take in a PE memory.
    pub(super) fn pe_tile_bytes(&self) -> u64 {
        self.template.pe_memory_bytes / BUFFERS
    }

    /// Bytes that the ports of one PE memory move per cycle, reads and writes together.
    pub(super) fn pe_port_bytes(&self) -> u64 {
        self.template.cores * self.template.core_words()
    }
}

/// A staging memory and the width of its port.
#[derive(Debug, Clone, Copy)]
struct Staging {
    cost: StorageCost,
    port_bytes: u64,
}

impl Staging {
    /// The memory that sustains what its bytes in flight allow: by Little's law (Little 1961, doi:10.1287/opre.9.3.383)
    /// no more than its size over the latency of the DRAM, and no more than the DRAM gives. Each byte is written and
    /// read, so the port moves twice that.
    fn new(rule: Rule, size_bytes: u64, template: &Template, setting: &Setting) -> Result<Self, Infeasible> {
        let sustained = size_bytes as f64 / setting.dram_latency_s;
        let rate_byte_per_s = 2.0 * sustained.min(template.dram_bandwidth_byte_per_s);
        let per_cycle = (rate_byte_per_s / setting.clock_hz).ceil() as u64;
        let port_bytes = per_cycle.next_power_of_two().max(2);
        let demand = Demand { rule, size_bytes, width_bits: 8 * port_bytes, ports: 1 };
        Ok(Self { cost: synthesize(demand, setting.node, setting.clock_hz)?, port_bytes })
    }

    fn through_j_per_byte(&self) -> f64 {
        (self.cost.write_j + self.cost.read_j) / self.port_bytes as f64
    }
}

/// What the parts of a chip cost, each once.
struct Parts {
    mac_energy_j: f64,
    mac_area_m2: f64,
    mac_leakage_w: f64,
    register: StorageCost,
    core: StorageCost,
    pe: StorageCost,
    activation: Staging,
    parameter: Staging,
    instruction: StorageCost,
}

impl Parts {
    fn new(template: &Template, setting: &Setting) -> Result<Self, Infeasible> {
        let (node, clock_hz) = (setting.node, setting.clock_hz);
        let unit = mac(WORD_BITS, Some(SUM_BITS), node).expect("invariant: 8 and 32 bits are in the table");
        // A lane holds one word of 32 bits in use and one on its way: a sum, or the operands of its four units.
        let register =
            register_file(BUFFERS * SUM_BYTES, SUM_BITS, node).expect("invariant: 8 bytes are a register");
        let width_bits = 8 * template.core_words();
        // Halves take turns: lanes read one while the next tile is written to the other.
        let core = Demand {
            rule: Rule::CoreMemorySynthesis,
            size_bytes: template.core_memory_bytes,
            width_bits,
            ports: BUFFERS,
        };
        // Every core reads or writes one vector per cycle.
        let pe = Demand {
            rule: Rule::PeMemorySynthesis,
            size_bytes: template.pe_memory_bytes,
            width_bits,
            ports: template.cores,
        };
        let instruction = Demand {
            rule: Rule::InstructionMemorySynthesis,
            size_bytes: template.instruction_entries * INSTRUCTION_BYTES,
            width_bits: 8 * INSTRUCTION_BYTES,
            ports: 1,
        };
        Ok(Self {
            mac_energy_j: unit.energy_j,
            mac_area_m2: unit.area_m2,
            mac_leakage_w: unit.leakage_w,
            register,
            core: synthesize(core, node, clock_hz)?,
            pe: synthesize(pe, node, clock_hz)?,
            activation: Staging::new(
                Rule::ActivationMemorySynthesis,
                template.activation_memory_bytes,
                template,
                setting,
            )?,
            parameter: Staging::new(
                Rule::ParameterMemorySynthesis,
                template.parameter_memory_bytes,
                template,
                setting,
            )?,
            instruction: synthesize(instruction, node, clock_hz)?,
        })
    }

    /// The hierarchy. Leakage is left to [`Chip::leakage_w`], which covers more than the levels; the ports of the PE
    /// memory, and the staging memories, to the report of a network, which knows how wide an output is.
    fn architecture(&self, template: &Template, setting: &Setting) -> Architecture {
        let core_words = template.core_words();
        let (lane_word_bits, lane_block_words) = match setting.dataflow {
            Dataflow::OutputStationary => (SUM_BITS, 1),
            Dataflow::WeightStationary | Dataflow::InputStationary => (WORD_BITS, LANE_WAYS),
        };
        let cores_x = template.pes_x * template.cores;
        let lanes_x = cores_x * template.lanes;
        let word_j = f64::from(WORD_BITS) * setting.dram.energy_j_per_bit();
        let lane = Level {
            word_bits: lane_word_bits,
            block_words: lane_block_words,
            entries: Some(BUFFERS * lane_block_words),
            ..level("lane", template.n_lanes(), lanes_x, &self.register)
        };
        let core = Level {
            block_words: core_words,
            entries: Some(template.core_memory_bytes),
            bandwidth: Bandwidth {
                read_words_per_cycle: Some(core_words as f64),
                write_words_per_cycle: Some(core_words as f64),
                shared_words_per_cycle: None,
            },
            ..level("core", template.n_pes() * template.cores, cores_x, &self.core)
        };
        let pe = Level {
            block_words: core_words,
            entries: Some(template.pe_memory_bytes),
            ..level("pe", template.n_pes(), template.pes_x, &self.pe)
        };
        let per_cycle = template.dram_bandwidth_byte_per_s / setting.clock_hz;
        let dram = Level {
            bandwidth: Bandwidth { shared_words_per_cycle: Some(per_cycle), ..Bandwidth::default() },
            network: Network { delivery: Delivery::Systolic, ..Network::default() },
            multiple_buffering: 1.0,
            reduces_in_place: false,
            energy: AccessEnergy { read_j: word_j, fill_j: word_j, update_j: word_j, leak_j_per_cycle: 0.0 },
            area_m2: None,
            ..level("dram", 1, 1, &self.pe)
        };
        let mac = Mac {
            instances: template.n_macs(),
            mesh_x: lanes_x * LANE_WAYS,
            word_bits: WORD_BITS,
            energy_j: self.mac_energy_j,
            area_m2: Some(self.mac_area_m2),
        };
        Architecture::new(mac, vec![lane, core, pe, dram])
            .expect("invariant: instances of the template nest in x and y")
    }
}

/// A level on the chip of 8-bit words and two buffers, made of memories of this cost.
fn level(name: &str, instances: u64, mesh_x: u64, cost: &StorageCost) -> Level {
    Level {
        name: name.to_owned(),
        instances,
        mesh_x,
        word_bits: WORD_BITS,
        block_words: 1,
        cluster_size: 1,
        entries: None,
        multiple_buffering: BUFFERS as f64,
        bandwidth: Bandwidth::default(),
        energy: AccessEnergy {
            read_j: cost.read_j,
            fill_j: cost.write_j,
            update_j: cost.write_j,
            leak_j_per_cycle: 0.0,
        },
        network: Network::default(),
        reduces_in_place: true,
        area_m2: Some(cost.area_m2),
    }
}
