//! What the parts of a chip cost, each once.

use super::infeasible::{EdgeRule, Infeasible};
use super::template::{EdgeSetting, EdgeTemplate};
use crate::levels::BUFFERS;
use crate::synthesis::{Demand, synthesize};
use crate::technology::{MacCost, StorageCost, mac, register_file};

/// Bits of a weight, an input or a finished output.
pub(super) const WORD_BITS: u32 = 8;
/// Bits of a sum that is not complete; 8-bit inference accumulates in 32 bits.
// Source: Jacob et al. (2018), "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference", doi:10.1109/CVPR.2018.00286, section 2.2.
pub(super) const SUM_BITS: u32 = 32;
/// Bytes of a sum that is not complete.
pub(super) const SUM_BYTES: u64 = SUM_BITS as u64 / 8;
/// Bytes of an instruction.
// Source: Jouppi et al. (2017), "In-Datacenter Performance Analysis of a Tensor Processing Unit",
// doi:10.1145/3079856.3080246, section 2: the matrix instruction has 12 bytes.
const INSTRUCTION_BYTES: u64 = 12;

/// A staging memory and the width of its port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Staging {
    pub(super) cost: StorageCost,
    pub(super) port_bytes: u64,
    /// What its bytes in flight sustain, if that is less than what the DRAM gives.
    pub(super) limit_byte_per_cycle: Option<f64>,
}

impl Staging {
    /// The memory that sustains what its bytes in flight allow: by Little's law (Little 1961, doi:10.1287/opre.9.3.383)
    /// no more than its size over the latency of the DRAM, and no more than the DRAM gives. Each byte is written and
    /// read, so the port moves twice that.
    fn new(
        rule: EdgeRule,
        size_bytes: u64,
        template: &EdgeTemplate,
        setting: &EdgeSetting,
    ) -> Result<Self, Infeasible> {
        let in_flight = size_bytes as f64 / setting.dram_latency_s / setting.clock_hz;
        let given = template.dram_bandwidth_byte_per_s / setting.clock_hz;
        let port_bytes = ((2.0 * in_flight.min(given)).ceil() as u64).next_power_of_two().max(2);
        let demand = Demand { size_bytes, width_bits: 8 * port_bytes, ports: 1 };
        Ok(Self {
            cost: made(rule, demand, setting)?,
            port_bytes,
            limit_byte_per_cycle: (in_flight < given).then_some(in_flight),
        })
    }
}

/// What the parts of a chip cost, each once.
pub(super) struct Parts {
    pub(super) unit: MacCost,
    pub(super) register: StorageCost,
    pub(super) core: StorageCost,
    pub(super) pe: StorageCost,
    pub(super) activation: Staging,
    pub(super) parameter: Staging,
    pub(super) instruction: StorageCost,
}

impl Parts {
    pub(super) fn new(template: &EdgeTemplate, setting: &EdgeSetting) -> Result<Self, Infeasible> {
        let node = setting.node;
        let unit = mac(WORD_BITS, Some(SUM_BITS), node).expect("invariant: 8 and 32 bits are in the table");
        // A lane holds one word of 32 bits in use and one on its way: a sum, or the operands of its four units.
        let register =
            register_file(BUFFERS * SUM_BYTES, SUM_BITS, node).expect("invariant: 8 bytes are a register");
        let width_bits = 8 * template.core_words();
        // Halves take turns: lanes read one while the next tile is written to the other.
        let core = Demand { size_bytes: template.core_memory_bytes, width_bits, ports: BUFFERS };
        // Every core accesses a vector of inputs and a vector of sums per cycle, in different halves of the banks.
        let pe = Demand { size_bytes: template.pe_memory_bytes, width_bits, ports: 2 * template.cores };
        let instruction = Demand {
            size_bytes: template.instruction_entries * INSTRUCTION_BYTES,
            width_bits: 8 * INSTRUCTION_BYTES,
            ports: 1,
        };
        Ok(Self {
            unit,
            register,
            core: made(EdgeRule::CoreMemorySynthesis, core, setting)?,
            pe: made(EdgeRule::PeMemorySynthesis, pe, setting)?,
            activation: Staging::new(
                EdgeRule::ActivationMemorySynthesis,
                template.activation_memory_bytes,
                template,
                setting,
            )?,
            parameter: Staging::new(
                EdgeRule::ParameterMemorySynthesis,
                template.parameter_memory_bytes,
                template,
                setting,
            )?,
            instruction: made(EdgeRule::InstructionMemorySynthesis, instruction, setting)?,
        })
    }
}

/// The memory that `demand` asks for, or `rule` if there is none.
fn made(rule: EdgeRule, demand: Demand, setting: &EdgeSetting) -> Result<StorageCost, Infeasible> {
    let cost = synthesize(demand, setting.node, setting.clock_hz);
    cost.map_err(|shortfall| Infeasible { rule, violation: shortfall.violation })
}
