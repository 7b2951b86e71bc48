//! The ten numbers of the template, and what surrounds the chip.

use serde::{Deserialize, Serialize};

use crate::technology::{DramKind, Node};

/// Words that a lane multiplies and adds up in a cycle.
// Source: Seshadri et al. (2022), arXiv 2102.10423, section on the microarchitecture: a compute lane is a 4-way
// multiply-accumulate unit (recalled; the published peak rates follow from it, see the test below).
pub const LANE_WAYS: u64 = 4;

/// Ten numbers that make an accelerator.
///
/// ```
/// # use tapeout_simulators::edge::EdgeTemplate;
/// let template = EdgeTemplate {
///     pes_x: 4, pes_y: 4, cores: 4, lanes: 64,
///     pe_memory_bytes: 2 << 20, core_memory_bytes: 32 << 10,
///     activation_memory_bytes: 1024, parameter_memory_bytes: 16384,
///     instruction_entries: 16384, dram_bandwidth_byte_per_s: 17e9,
/// };
/// assert_eq!(template.n_macs(), 16_384);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeTemplate {
    /// Processing elements side by side.
    pub pes_x: u64,
    /// Rows of processing elements.
    pub pes_y: u64,
    /// Cores of a processing element.
    pub cores: u64,
    /// Compute lanes of a core, [`LANE_WAYS`] multiply-accumulate units each.
    pub lanes: u64,
    /// Memory of a processing element, shared by its cores: inputs, partial sums, outputs.
    pub pe_memory_bytes: u64,
    /// Memory of a core: weights.
    pub core_memory_bytes: u64,
    /// Staging memory between DRAM and the array for inputs and outputs.
    pub activation_memory_bytes: u64,
    /// Staging memory between DRAM and the array for weights.
    pub parameter_memory_bytes: u64,
    /// Instructions that the controller holds.
    pub instruction_entries: u64,
    /// Bandwidth of the DRAM.
    pub dram_bandwidth_byte_per_s: f64,
}

impl EdgeTemplate {
    /// Processing elements.
    pub fn n_pes(&self) -> u64 {
        self.pes_x * self.pes_y
    }

    /// Compute lanes of the chip.
    pub fn n_lanes(&self) -> u64 {
        self.n_pes() * self.cores * self.lanes
    }

    /// Multiply-accumulate units of the chip.
    pub fn n_macs(&self) -> u64 {
        self.n_lanes() * LANE_WAYS
    }

    /// Words that the lanes of one core take in a cycle; the width of all ports of a core.
    pub fn core_words(&self) -> u64 {
        self.lanes * LANE_WAYS
    }
}

/// Which operand stays in the lanes while the others pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeDataflow {
    /// The sum of one output, until it is complete or its operands run out.
    #[default]
    OutputStationary,
    /// The weights of a lane, while outputs pass; sums are kept in the PE memory.
    WeightStationary,
    /// The inputs of a lane, while output channels pass; sums are kept in the PE memory.
    InputStationary,
}

/// What a template is built in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeSetting {
    /// Process node.
    pub node: Node,
    /// Clock of the whole chip.
    pub clock_hz: f64,
    /// Kind of DRAM.
    pub dram: DramKind,
    /// Time from a request to its data.
    pub dram_latency_s: f64,
    /// Which operand stays in the lanes.
    pub dataflow: EdgeDataflow,
}

#[cfg(test)]
mod tests {
    use super::*;

    // Claim: the template's arithmetic is the paper's. The three classes of Seshadri et al. (2022), table 2 (recalled):
    // PEs, cores, lanes and clock of V1, V2 and V3, and their published peak of 26.2, 8.73 and 8.73 tera operations per
    // second, a multiply-accumulate being two operations: 16 * 4 * 64 * 4 * 2 * 0.8e9 = 26.2e12.
    #[test]
    fn the_three_published_classes_have_their_published_peak_rates() {
        for (pes_x, pes_y, cores, lanes, clock_hz, peak_tops) in
            [(4, 4, 4, 64, 0.8e9, 26.2), (4, 4, 1, 64, 1.066e9, 8.73), (4, 1, 8, 32, 1.066e9, 8.73)]
        {
            let template = EdgeTemplate {
                pes_x,
                pes_y,
                cores,
                lanes,
                pe_memory_bytes: 2 << 20,
                core_memory_bytes: 32 << 10,
                activation_memory_bytes: 1024,
                parameter_memory_bytes: 16384,
                instruction_entries: 16384,
                dram_bandwidth_byte_per_s: 17e9,
            };
            let tops = template.n_macs() as f64 * 2.0 * clock_hz / 1e12;
            // The figures are printed with three digits.
            assert!((tops - peak_tops).abs() < 0.02, "{tops} against {peak_tops}");
        }
    }
}
