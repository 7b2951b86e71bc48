//! A chip for transformers, and the cascade that it runs attention by.

use crate::attention::{
    AttentionCosts, AttentionMachine, AttentionReport, AttentionShape, Binding, FlatMapping, OnePass, Place,
    ScoreReuse, Stationarity, TwoPass, Unfused,
};
use crate::precision::ProcessingElement;
use crate::technology::{BankProcessing, MacCost, MainMemory, Node, StorageCost, mac_of, register_file};

/// How attention is fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttentionCascade {
    /// Not at all.
    Unfused,
    /// Rows of scores on the chip: FLAT, queries and results on the chip, keys and values held by the array.
    Flat,
    /// Two passes.
    TwoPass(ScoreReuse),
    /// One pass.
    OnePass(Binding),
}

impl AttentionCascade {
    /// Whether the array makes exponentials, for which it needs multipliers.
    pub const fn uses_array_for_softmax(self) -> bool {
        matches!(self, Self::TwoPass(_) | Self::OnePass(Binding::Serial | Binding::Interleaved))
    }

    /// What attention takes with `rows` queries of a group on the chip.
    pub fn report(self, shape: &AttentionShape, machine: &AttentionMachine, rows: u64) -> AttentionReport {
        let query_tiles = rows.min(shape.rows()).div_ceil(machine.side);
        match self {
            Self::Unfused => Unfused.report(shape, machine),
            Self::Flat => flat(rows).report(shape, machine),
            Self::TwoPass(reuse) => TwoPass { reuse, query_tiles }.report(shape, machine),
            Self::OnePass(binding) => OnePass { binding, query_tiles }.report(shape, machine),
        }
    }
}

fn flat(rows: u64) -> FlatMapping {
    FlatMapping {
        queries: Place::OnChip,
        keys: Place::OffChip,
        scores: Place::OnChip,
        values: Place::OffChip,
        results: Place::OnChip,
        score_stationarity: Stationarity::Weight,
        result_stationarity: Stationarity::Weight,
        rows,
    }
}

/// What the parts of a chip cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerCosts {
    /// An element of the array, its registers for products among it.
    pub element: ProcessingElement,
    /// The buffer; a row of it is as many 16-bit words as the array has columns.
    pub buffer: StorageCost,
    /// Process node.
    pub node: Node,
}

/// Bits of a word of the vector unit, and of its sums. Source: arXiv 2406.10491, section VI: 16-bit words.
const VECTOR_BITS: u32 = 16;
const VECTOR_SUM_BITS: u32 = 32;
/// Words of registers that an element has beside those for products if the array does the softmax. Source: the artifact of FuseMax,
/// accel_fusemax and accel_flat, `accel-top-2d-path.yaml`: 12, stated as 16 in the paper's text, of which 4 are there for products.
const SOFTMAX_WORDS: u64 = 16 - 4;
/// Costs over those of a multiply-accumulate. Source: the artifact, as above, ERT and ART of 16-bit words: exponential 94.65 pJ and 8,240 um2,
/// division 36.25 pJ and 23,741 um2, multiply-accumulate 17.16 pJ and 1,545 um2.
const EXPONENTIAL_ENERGY: f64 = 94.6475 / 17.1645;
const EXPONENTIAL_AREA: f64 = 8240.0 / 1545.0;
const DIVISION_ENERGY: f64 = 36.251153 / 17.1645;
const DIVISION_AREA: f64 = 23740.9375 / 1545.0;

/// A chip for transformers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransformerChip {
    /// Array, vector unit, buffer and bandwidth.
    pub machine: AttentionMachine,
    /// How it runs attention.
    pub cascade: AttentionCascade,
    /// Queries of a group on the chip at once.
    pub rows: u64,
    /// Energies of operations.
    pub costs: AttentionCosts,
    /// Energy of scaling, for each multiply-accumulate with weights.
    pub scaling_j: f64,
    /// Energy of an operation of the vector unit.
    pub vector_j: f64,
    /// Area of array, vector unit and buffer, without wires between them or control.
    pub area_m2: f64,
    /// Power while idle.
    pub leakage_w: f64,
    /// What the banks of its memory compute.
    pub bank: Option<BankProcessing>,
}

impl TransformerChip {
    /// A chip of these parts.
    pub fn new(
        machine: AttentionMachine,
        cascade: AttentionCascade,
        rows: u64,
        memory: MainMemory,
        costs: &TransformerCosts,
    ) -> Self {
        let vector = mac_of(VECTOR_BITS, VECTOR_BITS, VECTOR_SUM_BITS, costs.node);
        let units = machine.side as f64 * machine.side as f64;
        let lanes = machine.lanes as f64;
        // Where the array makes exponentials, the vector unit has no unit for them.
        let exponential = if cascade.uses_array_for_softmax() { 0.0 } else { EXPONENTIAL_AREA };
        let lane = 1.0 + exponential + DIVISION_AREA;
        let (softmax_area_m2, softmax_leakage_w) =
            if cascade.uses_array_for_softmax() { softmax_registers(costs.node) } else { (0.0, 0.0) };
        Self {
            machine,
            cascade,
            rows,
            costs: energies(&machine, costs, &vector, memory),
            scaling_j: costs.element.scaling_j,
            vector_j: vector.energy_j,
            area_m2: units * (costs.element.area_m2 + softmax_area_m2)
                + lanes * lane * vector.area_m2
                + costs.buffer.area_m2,
            leakage_w: units * (costs.element.leakage_w + softmax_leakage_w)
                + lanes * lane * vector.leakage_w
                + costs.buffer.leakage_w,
            bank: memory.bank_processing(),
        }
    }

    /// The same chip with a memory of `byte` beside the buffer, for what is resident: of the buffer's kind, so its area and leakage are
    /// in proportion to those of a buffer of `buffer_byte`.
    pub fn with_memory_beside(mut self, byte: f64, buffer: &StorageCost, buffer_byte: f64) -> Self {
        self.area_m2 += byte / buffer_byte * buffer.area_m2;
        self.leakage_w += byte / buffer_byte * buffer.leakage_w;
        self
    }
}

/// Area and leakage of the registers that an element has for the softmax; what they hold is read once for many operations.
fn softmax_registers(node: Node) -> (f64, f64) {
    let registers = register_file(SOFTMAX_WORDS * u64::from(VECTOR_BITS) / 8, VECTOR_BITS, node)
        .expect("invariant: 24 bytes of 16 bits are in the table of register files");
    (registers.area_m2, registers.leakage_w)
}

fn energies(
    machine: &AttentionMachine,
    costs: &TransformerCosts,
    vector: &MacCost,
    memory: MainMemory,
) -> AttentionCosts {
    let narrow = mac_of(1, 1, VECTOR_BITS, costs.node);
    let row_byte = machine.side as f64 * f64::from(VECTOR_BITS) / 8.0;
    AttentionCosts {
        mac_j: costs.element.mac_j,
        // The law's adder, and the multiplier of one bit that comes with it.
        add_j: narrow.energy_j,
        maximum_j: narrow.energy_j,
        exponential_j: EXPONENTIAL_ENERGY * vector.energy_j,
        division_j: DIVISION_ENERGY * vector.energy_j,
        buffer_read_j_per_byte: costs.buffer.read_j / row_byte,
        buffer_write_j_per_byte: costs.buffer.write_j / row_byte,
        dram_j_per_byte: memory.j_per_byte(costs.node),
    }
}
