//! An accelerator like Eyeriss, of any size: processing elements (PEs) with three scratchpads, a buffer for each column,
//! one for all.
//!
//! Source: the `eyeriss_like` architecture of Timeloop's examples in the form that ArchGym searches (Krishnan et al. 2023,
//! doi:10.1145/3579371.3589049; `sims/Timeloop/arch/eyeriss_like.yaml` of its repository): a mesh of PEs, in each a
//! multiply-accumulate unit below scratchpads for inputs, filters and partial sums; a dummy buffer for each column; a
//! global buffer; DRAM. The dataflow is row stationary as far as a PE goes (Chen, Emer & Sze 2016,
//! doi:10.1109/ISCA.2016.40); which rows meet in the array is left to the mapper.

use crate::dataflow::{dims, keeping, tensors};
use crate::levels::{BUFFERS, dram_level, mac_units, memory_level};
use crate::loop_nest::{Architecture, Bandwidth, Einsum, Level, TensorSet};
use crate::mapper::{DimSet, LevelConstraints, MappingConstraints};
use crate::memory::{Memory, StorageClass, UnbuildableMemory};
use crate::networks::is_convolution;
use crate::technology::{DramKind, Node, StorageCost, mac};

/// Bits of a word.
// Source: ArchGym's eyeriss_like.yaml: `word-bits: 16`, as on the chip (Chen et al. 2017).
const WORD_BITS: u32 = 16;

/// A buffer of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    /// Class of storage that the buffer is made of.
    pub class: StorageClass,
    /// Rows of `block_words` each.
    pub depth: u64,
    /// Words of an access.
    pub block_words: u64,
    /// Words read per cycle.
    pub read_words_per_cycle: u64,
    /// Words written per cycle.
    pub write_words_per_cycle: u64,
}

/// The numbers that make an accelerator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EyerissTemplate {
    /// Processing elements.
    pub pes: u64,
    /// Processing elements side by side, a divisor of `pes`.
    pub mesh_x: u64,
    /// Inputs of a PE.
    pub inputs: Buffer,
    /// Partial sums of a PE.
    pub sums: Buffer,
    /// Filters of a PE.
    pub filters: Buffer,
    /// What the dummy buffer of a column is made of.
    pub dummy_class: StorageClass,
    /// Rows of the dummy buffer.
    pub dummy_depth: u64,
    /// Words of a row of the dummy buffer.
    pub dummy_block_words: u64,
    /// The buffer of all PEs.
    pub global: Buffer,
    /// Its banks, each of which takes one access a cycle.
    pub global_banks: u64,
}

/// What a template is built in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyerissSetting {
    /// Process node.
    pub node: Node,
    /// Clock of the chip.
    pub clock_hz: f64,
    /// Kind of DRAM.
    pub dram: DramKind,
    /// Bandwidth of the DRAM, reads and writes together.
    pub dram_bandwidth_byte_per_s: f64,
}

/// Names of the buffers, the innermost first; DRAM is above them.
pub const LEVELS: [&str; 5] = ["psum_spad", "weights_spad", "ifmap_spad", "dummy_buffer", "shared_glb"];
const SUMS: usize = 0;
const FILTERS: usize = 1;
const INPUTS: usize = 2;
const DUMMY: usize = 3;
const GLOBAL: usize = 4;

impl EyerissTemplate {
    /// The hierarchy, with costs.
    ///
    /// # Errors
    /// [`UnbuildableMemory`] with the first buffer that is slower than the clock.
    pub fn architecture(&self, setting: &EyerissSetting) -> Result<Architecture, UnbuildableMemory> {
        let (pes, mesh_x) = (self.pes, self.mesh_x);
        let spad = |index: usize, buffer: &Buffer| -> Result<Level, UnbuildableMemory> {
            let cost = build(index, &spad_memory(buffer), setting)?;
            Ok(Level { bandwidth: ports(buffer), ..level(index, pes, mesh_x, buffer, &cost, setting) })
        };
        let dummy = Buffer {
            class: self.dummy_class,
            depth: self.dummy_depth,
            block_words: self.dummy_block_words,
            read_words_per_cycle: self.dummy_block_words,
            write_words_per_cycle: self.dummy_block_words,
        };
        let dummy_cost = build(DUMMY, &memory(&dummy, 1), setting)?;
        let global_cost = build(GLOBAL, &memory(&self.global, self.global_banks), setting)?;
        let global = Level {
            bandwidth: Bandwidth {
                // A bank takes one access of a block each cycle.
                shared_words_per_cycle: Some((self.global_banks * self.global.block_words) as f64),
                ..ports(&self.global)
            },
            multiple_buffering: BUFFERS as f64,
            ..level(GLOBAL, 1, 1, &self.global, &global_cost, setting)
        };
        let unit = mac(WORD_BITS, None, setting.node).expect("invariant: 16 bits are in the table");
        let units = mac_units(pes, mesh_x, WORD_BITS, &unit);
        let words_per_cycle = setting.dram_bandwidth_byte_per_s / f64::from(WORD_BITS / 8) / setting.clock_hz;
        let levels = vec![
            spad(SUMS, &self.sums)?,
            spad(FILTERS, &self.filters)?,
            spad(INPUTS, &self.inputs)?,
            level(DUMMY, mesh_x, mesh_x, &dummy, &dummy_cost, setting),
            global,
            dram_level(WORD_BITS, setting.dram, words_per_cycle),
        ];
        Ok(Architecture::new(units, levels).expect("invariant: the columns divide the PEs"))
    }
}

/// What of a mapping the template fixes: sums, filters and inputs are each kept in their scratchpad, and filters pass by
/// the global buffer. Rows of a filter lie in a PE as a whole. Along a column run filter rows, channels and filters;
/// along a row, output rows and filters. A matrix product is a convolution of 1 x 1 inputs: its columns are filters, its
/// summands channels, its rows output rows.
pub fn row_stationary(layer: &Einsum) -> MappingConstraints {
    let dims = |names: &[&str]| dims(layer, names);
    let only = |name: &str| tensors(layer, &[name]);
    let [sums, filters, column, row, outside] = if !is_convolution(layer) {
        [dims(&["N"]), dims(&["K"]), dims(&["N", "B", "K"]), dims(&["N", "B", "M"]), DimSet::ALL]
    } else {
        [
            dims(&["K", "G"]),
            dims(&["C", "S"]),
            dims(&["K", "G", "C", "R"]),
            dims(&["K", "G", "P"]),
            dims(&["N", "G", "K", "C", "P", "Q", "R"]),
        ]
    };
    MappingConstraints {
        levels: vec![
            keeping(only("Outputs"), sums),
            keeping(only("Weights"), filters),
            keeping(only("Inputs"), DimSet::EMPTY),
            LevelConstraints { spatial_y: column, ..keeping(TensorSet::EMPTY, DimSet::EMPTY) },
            LevelConstraints { spatial_x: row, ..keeping(tensors(layer, &["Inputs", "Outputs"]), outside) },
            keeping(tensors(layer, &["Weights", "Inputs", "Outputs"]), outside),
        ],
    }
}

fn memory(buffer: &Buffer, banks: u64) -> Memory {
    Memory {
        class: buffer.class,
        rows: buffer.depth,
        width_bits: WORD_BITS * buffer.block_words as u32,
        banks: banks as u32,
    }
}

/// A scratchpad with as many banks as its reads and writes of one cycle take.
fn spad_memory(buffer: &Buffer) -> Memory {
    let words = buffer.read_words_per_cycle + buffer.write_words_per_cycle;
    memory(buffer, words.div_ceil(buffer.block_words).next_power_of_two())
}

fn build(index: usize, memory: &Memory, setting: &EyerissSetting) -> Result<StorageCost, UnbuildableMemory> {
    memory.cost_of_level(LEVELS[index], setting.node, setting.clock_hz)
}

fn ports(buffer: &Buffer) -> Bandwidth {
    Bandwidth {
        read_words_per_cycle: Some(buffer.read_words_per_cycle as f64),
        write_words_per_cycle: Some(buffer.write_words_per_cycle as f64),
        shared_words_per_cycle: None,
    }
}

/// A level of one tile without a limit to its bandwidth.
fn level(
    index: usize,
    instances: u64,
    mesh_x: u64,
    buffer: &Buffer,
    cost: &StorageCost,
    setting: &EyerissSetting,
) -> Level {
    Level {
        instances,
        mesh_x,
        block_words: buffer.block_words,
        entries: Some(buffer.depth * buffer.block_words),
        ..memory_level(LEVELS[index], WORD_BITS, cost, setting.clock_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapper::{NoMapping, Objective, Options, best_mapping};
    use crate::networks::network;

    fn setting() -> EyerissSetting {
        EyerissSetting {
            node: Node::new(65).unwrap(),
            clock_hz: 200e6,
            dram: DramKind::Lpddr4,
            dram_bandwidth_byte_per_s: 1.6e9,
        }
    }

    fn buffer(depth: u64) -> Buffer {
        Buffer {
            class: StorageClass::Registers,
            depth,
            block_words: 1,
            read_words_per_cycle: 2,
            write_words_per_cycle: 2,
        }
    }

    /// Near the chip, as far as ArchGym's levels allow.
    fn template() -> EyerissTemplate {
        let global = Buffer { class: StorageClass::Sram, block_words: 4, ..buffer(16_384) };
        EyerissTemplate {
            pes: 168,
            mesh_x: 14,
            inputs: buffer(16),
            sums: buffer(32),
            filters: Buffer { class: StorageClass::Sram, ..buffer(256) },
            dummy_class: StorageClass::Registers,
            dummy_depth: 2,
            dummy_block_words: 1,
            global: Buffer { read_words_per_cycle: 16, write_words_per_cycle: 16, ..global },
            global_banks: 32,
        }
    }

    fn best(template: EyerissTemplate, layer: &str) -> Result<crate::mapper::Best, NoMapping> {
        let network = network("alexnet").unwrap();
        let layer = network.layers().iter().find(|known| known.name() == layer).unwrap().einsum().clone();
        let architecture = template.architecture(&setting()).unwrap();
        let constraints = row_stationary(&layer);
        best_mapping(&architecture, &layer, Objective::EnergyDelay, &constraints, Options::quick())
    }

    // By hand: the area is that of 168 units and 3 scratchpads each, 14 dummy buffers and the global buffer.
    #[test]
    fn the_area_is_the_sum_of_its_parts() {
        let architecture = template().architecture(&setting()).unwrap();
        let area = |level: usize| architecture.levels()[level].area_m2.unwrap();
        let unit_m2 = mac(16, None, setting().node).unwrap().area_m2;
        let expected =
            168.0 * (unit_m2 + area(SUMS) + area(FILTERS) + area(INPUTS)) + 14.0 * area(DUMMY) + area(GLOBAL);
        assert!((architecture.area_m2() / expected - 1.0).abs() < 1e-12);
        // The chip's core has 12.25 mm2, control and wires included.
        assert!(expected > 2e-6 && expected < 12.25e-6, "{expected}");
    }

    #[test]
    fn rows_of_filters_stay_in_an_element() {
        let found = best(template(), "conv3").unwrap();
        let column = found.einsum.dim_index("S").unwrap();
        for (index, level) in found.mapping.levels.iter().enumerate() {
            let loops = level.temporal.iter().chain(&level.spatial_x).chain(&level.spatial_y);
            let has_columns = loops.into_iter().any(|item| item.dim == column);
            assert_eq!(has_columns, index == FILTERS, "level {index}");
        }
        assert!(found.utilization() > 0.5, "{}", found.utilization());
    }

    #[test]
    fn a_scratchpad_shorter_than_a_filter_row_does_not_do() {
        let small = EyerissTemplate { inputs: buffer(8), ..template() };
        let error = best(small, "conv1").unwrap_err();
        // Rows of conv1 have 11 words.
        let NoMapping::Capacity { level, needed, available, .. } = error else { panic!("{error}") };
        assert_eq!((level.as_str(), needed, available), ("ifmap_spad", 11, 8));
    }

    #[test]
    fn a_matrix_product_runs_as_a_convolution_of_points() {
        let found = best(template(), "fc8").unwrap();
        assert!(found.report.cycles >= 4096 * 1000 / 168);
    }
}
