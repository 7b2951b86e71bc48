//! Gemmini: a square systolic array below an accumulator and a scratchpad.
//!
//! Source: Genc et al. (2021), "Gemmini: enabling systematic deep-learning architecture evaluation via full-stack
//! integration", DAC, doi:10.1109/DAC18074.2021.9586216; as a template with three numbers: Hong et al. (2023), "DOSA:
//! differentiable model-based one-loop search for DNN accelerators", MICRO, doi:10.1145/3613424.3623797: bandwidth of the
//! scratchpad two words a cycle for each column, of DRAM eight bytes a cycle. Memories are stated as in DOSA: a tile may fill one,
//! and the next tile comes in as rows of it are done with.

pub mod rtl;
pub mod runs;

use serde::{Deserialize, Serialize};

use crate::dataflow::{dims, keeping, tensors};
use crate::levels::{BUFFERS, dram_level, mac_units, memory_level};
use crate::loop_nest::{Architecture, Bandwidth, Delivery, Einsum, Level, Network};
use crate::mapper::{DimSet, LevelConstraints, MappingConstraints};
use crate::memory::{Memory, StorageClass, UnbuildableMemory};
use crate::networks::is_convolution;
use crate::technology::{DramKind, Node, StorageCost, mac, register_file};

/// Bits of a weight, an input or a finished output; of a sum.
// Source: Genc et al. (2021), section 3: 8-bit inputs and 32-bit accumulation are the default configuration (recalled).
const WORD_BITS: u32 = 8;
const SUM_BITS: u32 = 32;
/// Banks of the scratchpad and of the accumulator.
// Source: Gemmini's default configuration, `sp_banks = 4`, `acc_banks = 2` (recalled).
const SCRATCHPAD_BANKS: u32 = 4;
const ACCUMULATOR_BANKS: u32 = 2;
/// Words that the DRAM moves in a cycle.
// Source: Hong et al. (2023): 8 bytes a cycle.
const DRAM_WORDS_PER_CYCLE: f64 = 8.0;

/// The operand that stays in the array while the others pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GemminiDataflow {
    /// Weights: input channels along rows, output channels along columns.
    #[default]
    WeightStationary,
    /// Sums: points of the output along rows, output channels along columns.
    OutputStationary,
}

/// The three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GemminiTemplate {
    /// Rows, and columns, of the array: a power of two from 2 on.
    pub array: u64,
    /// Inputs and weights.
    pub scratchpad_bytes: u64,
    /// Sums.
    pub accumulator_bytes: u64,
}

/// What a template is built in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GemminiSetting {
    /// Process node.
    pub node: Node,
    /// Clock of the chip.
    pub clock_hz: f64,
    /// Kind of DRAM.
    pub dram: DramKind,
    /// The operand that stays in the array.
    pub dataflow: GemminiDataflow,
}

impl GemminiTemplate {
    /// The hierarchy, with costs: registers, a column of the accumulator, the scratchpad, DRAM.
    ///
    /// # Errors
    /// [`UnbuildableMemory`] with the memory that is slower than the clock.
    pub fn architecture(&self, setting: &GemminiSetting) -> Result<Architecture, UnbuildableMemory> {
        let array = self.array;
        let unit =
            mac(WORD_BITS, Some(SUM_BITS), setting.node).expect("invariant: 8 and 32 bits are tabulated");
        let units = mac_units(array * array, array, WORD_BITS, &unit);
        let register_bits = match setting.dataflow {
            GemminiDataflow::WeightStationary => WORD_BITS,
            GemminiDataflow::OutputStationary => SUM_BITS,
        };
        let register = register_file(BUFFERS * u64::from(register_bits / 8), register_bits, setting.node)
            .expect("invariant: a few bytes are a register file");
        let registers = Level {
            word_bits: register_bits,
            entries: Some(BUFFERS),
            multiple_buffering: BUFFERS as f64,
            ..level("registers", array * array, array, &register, setting)
        };
        let levels = vec![
            registers,
            self.accumulator(setting)?,
            self.scratchpad(setting)?,
            dram_level(WORD_BITS, setting.dram, DRAM_WORDS_PER_CYCLE),
        ];
        Ok(Architecture::new(units, levels).expect("invariant: columns and rows divide the array"))
    }

    /// A column of the accumulator. A row across all columns is one access to one memory.
    fn accumulator(&self, setting: &GemminiSetting) -> Result<Level, UnbuildableMemory> {
        let width_bits = SUM_BITS * self.array as u32;
        let rows = self.accumulator_bytes / (u64::from(SUM_BITS / 8) * self.array);
        let cost = build("accumulator", rows, width_bits, ACCUMULATOR_BANKS, setting)?;
        let columns = self.array as f64;
        let share =
            StorageCost { area_m2: cost.area_m2 / columns, leakage_w: cost.leakage_w / columns, ..cost };
        Ok(Level {
            word_bits: SUM_BITS,
            cluster_size: self.array,
            entries: Some(rows),
            overlaps_fills: Some(true),
            // A sum is read and written back in a cycle.
            bandwidth: Bandwidth { shared_words_per_cycle: Some(2.0), ..Bandwidth::default() },
            network: systolic(),
            ..level("accumulator", self.array, self.array, &share, setting)
        })
    }

    fn scratchpad(&self, setting: &GemminiSetting) -> Result<Level, UnbuildableMemory> {
        let width_bits = WORD_BITS * self.array as u32;
        let cost =
            build("scratchpad", self.scratchpad_bytes / self.array, width_bits, SCRATCHPAD_BANKS, setting)?;
        // Source: Hong et al. (2023): two words a cycle for each column.
        let words_per_cycle = 2.0 * self.array as f64;
        Ok(Level {
            block_words: self.array,
            entries: Some(self.scratchpad_bytes),
            overlaps_fills: Some(true),
            bandwidth: Bandwidth { shared_words_per_cycle: Some(words_per_cycle), ..Bandwidth::default() },
            network: systolic(),
            ..level("scratchpad", 1, 1, &cost, setting)
        })
    }
}

impl GemminiDataflow {
    /// What of a mapping the dataflow fixes. Columns of a matrix product are output channels, its rows points of the output,
    /// and it reduces over input channels.
    pub fn constraints(self, layer: &Einsum) -> MappingConstraints {
        let dims = |names: &[&str]| dims(layer, names);
        let tensors = |names: &[&str]| tensors(layer, names);
        let [columns, reduction, points, window] = if !is_convolution(layer) {
            [dims(&["N"]), dims(&["K"]), dims(&["M"]), dims(&["K"])]
        } else {
            [dims(&["K"]), dims(&["C"]), dims(&["N", "P", "Q"]), dims(&["C", "R", "S"])]
        };
        let (registers, rows) = match self {
            Self::WeightStationary => (keeping(tensors(&["Weights"]), DimSet::EMPTY), reduction),
            Self::OutputStationary => (keeping(tensors(&["Outputs"]), window), points),
        };
        let outputs = LevelConstraints { spatial_y: rows, ..keeping(tensors(&["Outputs"]), DimSet::ALL) };
        let operands = keeping(tensors(&["Weights", "Inputs"]), DimSet::ALL);
        let all = keeping(tensors(&["Weights", "Inputs", "Outputs"]), DimSet::ALL);
        let operands = LevelConstraints { spatial_x: columns, ..operands };
        MappingConstraints { levels: vec![registers, outputs, operands, all] }
    }
}

fn build(
    level: &'static str,
    rows: u64,
    width_bits: u32,
    banks: u32,
    setting: &GemminiSetting,
) -> Result<StorageCost, UnbuildableMemory> {
    let memory = Memory { class: StorageClass::Sram, rows, width_bits, banks };
    memory.cost_of_level(level, setting.node, setting.clock_hz)
}

/// Words are handed from neighbour to neighbour.
fn systolic() -> Network {
    Network { delivery: Delivery::Systolic, ..Network::default() }
}

/// A level of one tile without a limit to its bandwidth.
fn level(name: &str, instances: u64, mesh_x: u64, cost: &StorageCost, setting: &GemminiSetting) -> Level {
    Level { instances, mesh_x, ..memory_level(name, WORD_BITS, cost, setting.clock_hz) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapper::{Best, Objective, Options, best_mapping};
    use crate::networks::{Layer, MatMul, Op, SecondOperand};

    fn setting(dataflow: GemminiDataflow) -> GemminiSetting {
        GemminiSetting { node: Node::new(22).unwrap(), clock_hz: 1e9, dram: DramKind::Lpddr4, dataflow }
    }

    fn template(array: u64) -> GemminiTemplate {
        GemminiTemplate { array, scratchpad_bytes: 256 << 10, accumulator_bytes: 64 << 10 }
    }

    fn best(dataflow: GemminiDataflow, m: u64, n: u64, k: u64) -> Best {
        let product = MatMul { batch: 1, m, n, k, second: SecondOperand::Weight };
        let layer = Layer::new("product", Op::MatMul(product)).unwrap();
        let architecture = template(16).architecture(&setting(dataflow)).unwrap();
        let constraints = dataflow.constraints(layer.einsum());
        best_mapping(&architecture, layer.einsum(), Objective::Latency, &constraints, Options::default())
            .unwrap()
    }

    // By hand: a product of 512 x 256 x 256 fills the array, 512 * 256 * 256 / 256 cycles of work; and the weights, inputs and
    // outputs of 64 to 128 KiB each take 8 bytes a cycle, less than the work.
    #[test]
    fn a_large_product_keeps_the_array_busy_under_both_dataflows() {
        for dataflow in [GemminiDataflow::WeightStationary, GemminiDataflow::OutputStationary] {
            let found = best(dataflow, 512, 256, 256);
            assert_eq!(found.report.latency.compute_cycles, 131_072, "{dataflow:?}");
            assert!(found.utilization() > 0.7, "{dataflow:?}: {:?}", found.report.latency);
            // 16 - 1 columns and 16 - 1 rows to fill and drain, at most as many rows to shift weights in.
            let array_cycles = found.report.latency.array_cycles;
            assert!((29..=46).contains(&array_cycles), "{dataflow:?}: {array_cycles}");
        }
    }

    // By hand: one row of inputs cannot fill an array that keeps points of the output: 16 of 256 units work.
    #[test]
    fn a_vector_fills_one_row_of_an_array_that_keeps_sums() {
        let found = best(GemminiDataflow::OutputStationary, 1, 256, 256);
        assert_eq!(found.report.used_macs, 16);
    }

    // By hand: 64 KiB of sums of 4 bytes over 16 columns are 1,024 a column; the whole memory is counted once.
    #[test]
    fn columns_share_the_accumulator() {
        let architecture = template(16).architecture(&setting(GemminiDataflow::WeightStationary)).unwrap();
        let accumulator = &architecture.levels()[1];
        assert_eq!((accumulator.instances, accumulator.entries), (16, Some(1024)));
        let memory = Memory { class: StorageClass::Sram, rows: 1024, width_bits: 512, banks: 2 };
        let cost = memory.cost(Node::new(22).unwrap(), 1e9).unwrap();
        assert!((16.0 * accumulator.area_m2.unwrap() / cost.area_m2 - 1.0).abs() < 1e-12);
        assert_eq!(accumulator.energy.read_j, cost.read_j);
    }

    // Claim: every design of the published range can be built at the default node and clock.
    #[test]
    fn all_sizes_can_be_built() {
        for array in (1..=7).map(|exponent| 1 << exponent) {
            for kib in (0..=11).map(|exponent| 1 << exponent) {
                let template =
                    GemminiTemplate { array, scratchpad_bytes: kib << 10, accumulator_bytes: kib << 10 };
                let built = template.architecture(&setting(GemminiDataflow::WeightStationary));
                assert!(built.is_ok(), "{template:?}: {:?}", built.err());
            }
        }
    }
}
