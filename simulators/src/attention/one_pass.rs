//! The one-pass cascade: keys in tiles, a running maximum, and corrections of what was summed before it grew.
//!
//! Source: Nayak et al. (2024), arXiv 2406.10491, cascade 5 and section V. Names of einsums are the paper's: QK scores of a tile, LM
//! its maximum, RM the running one, SLN exponentials of the tile, SLD their sum, SLNV their product with the values; PRM, SPD and SPNV
//! correct what was there; RD and RNV are the running denominator and numerator; AV is their quotient.

use super::tiles::Tiles;
use super::{AttentionMachine, AttentionReport, AttentionShape, Moved, Operations};

/// Operations of an exponential without a unit of its own: a Taylor series in six multiply-accumulates, and the subtraction of the
/// maximum. Source: arXiv 2406.10491, section VI-A.
pub(super) const EXPONENTIAL_MACS: f64 = 6.0;
pub(super) const EXPONENTIAL_CYCLES: f64 = EXPONENTIAL_MACS + 1.0;
/// The same with such a unit, which is pipelined. Source: the same.
const PIPELINED_EXPONENTIAL_CYCLES: f64 = 2.0;

/// Where the einsums of the one-pass cascade run, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binding {
    /// The array multiplies, the vector unit does the softmax: the array of FLAT ("+Cascade" in the paper).
    VectorSoftmax,
    /// The array does the softmax of a tile too, one tile after the other ("+Architecture").
    Serial,
    /// The same, and tiles are interleaved so that array and vector unit work at once ("+Binding").
    Interleaved,
}

/// The one-pass cascade with so many queries on the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnePass {
    /// Where its einsums run.
    pub binding: Binding,
    /// Tiles of queries on the chip at once, which share the keys that are read; the paper's P1.
    pub query_tiles: u64,
}

/// Cycles of each einsum, all tiles of all groups.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the paper's einsums, which the module explains")]
pub struct EinsumCycles {
    pub qk: f64,
    pub lm: f64,
    pub sln: f64,
    pub sld: f64,
    pub slnv: f64,
    pub rm: f64,
    pub prm: f64,
    pub spd: f64,
    pub spnv: f64,
    pub rd: f64,
    pub rnv: f64,
    pub av: f64,
}

impl OnePass {
    /// The cascade with as many queries on the chip as fit, a divisor of their tiles as in the paper; none if not even one tile fits.
    pub fn fitting(binding: Binding, shape: &AttentionShape, machine: &AttentionMachine) -> Option<Self> {
        let tiles = Tiles::new(shape, machine).query_tiles;
        let divisors = (1..=tiles).rev().filter(|candidate| tiles.is_multiple_of(*candidate));
        let cascades = divisors.map(|query_tiles| Self { binding, query_tiles });
        cascades.into_iter().find(|cascade| cascade.footprint_byte(shape, machine) <= machine.buffer_byte)
    }

    /// Bytes of the buffer: a tile of keys and of values, and for each query on the chip itself, its maximum, denominator and numerator;
    /// where the vector unit does the softmax also its scores of a tile and their exponentials.
    pub fn footprint_byte(&self, shape: &AttentionShape, machine: &AttentionMachine) -> f64 {
        let side = machine.side as f64;
        let size = (shape.head_size + shape.value_size) as f64;
        let scores = if self.binding == Binding::VectorSoftmax { 2.0 * side } else { 0.0 };
        let rows = self.query_tiles as f64 * side;
        side * size * shape.cache_byte + rows * (size + 2.0 + scores) * shape.activation_byte
    }

    /// Cycles of each einsum.
    pub fn cycles(&self, shape: &AttentionShape, machine: &AttentionMachine) -> EinsumCycles {
        let tiles = Tiles::new(shape, machine);
        let pairs = tiles.pairs();
        let visits = tiles.groups * tiles.key_tiles as f64 * tiles.slots;
        let scores = tiles.groups * tiles.keys * tiles.slots;
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        // Where the array does the softmax, every unit has one score of the tile.
        let (each_score, exponential) = match self.binding {
            Binding::VectorSoftmax => (scores, PIPELINED_EXPONENTIAL_CYCLES),
            Binding::Serial | Binding::Interleaved => (pairs, EXPONENTIAL_CYCLES),
        };
        EinsumCycles {
            qk: pairs * head * machine.cycles_per_mac,
            lm: each_score,
            sln: each_score * exponential,
            sld: each_score,
            slnv: pairs * value * machine.cycles_per_mac,
            rm: visits,
            prm: visits * exponential,
            spd: visits,
            spnv: visits * value,
            rd: visits,
            rnv: visits * value,
            av: tiles.groups * tiles.slots * value,
        }
    }

    /// What the cascade takes.
    pub fn report(&self, shape: &AttentionShape, machine: &AttentionMachine) -> AttentionReport {
        let tiles = Tiles::new(shape, machine);
        let cycles = self.cycles(shape, machine);
        let dram = self.dram(shape, &tiles);
        let compute_s = machine.seconds(self.compute_cycles(&cycles, machine));
        let (array, vector) = self.busy_cycles(&cycles);
        AttentionReport {
            latency_s: compute_s.max(dram.total_byte() / machine.dram_byte_per_s),
            array_busy_s: machine.seconds(array),
            vector_busy_s: machine.seconds(vector),
            dram,
            buffer: self.buffer(shape, &tiles, dram),
            footprint_byte: self.footprint_byte(shape, machine),
            operations: self.operations(shape, &tiles),
        }
    }

    /// Cycles from the first to the last, were DRAM infinitely fast.
    fn compute_cycles(&self, c: &EinsumCycles, machine: &AttentionMachine) -> f64 {
        match self.binding {
            Binding::VectorSoftmax => {
                let (array, vector) = self.busy_cycles(c);
                array.max(vector)
            }
            // The maximum of a tile travels through all rows of the array before it can be used.
            Binding::Serial => {
                (c.qk + c.lm).max(c.rd + c.av)
                    + machine.side as f64 * c.lm
                    + c.rm
                    + (c.sln + c.sld).max(c.prm + c.spd)
                    + c.slnv.max(c.spnv + c.rnv)
            }
            Binding::Interleaved => {
                (c.qk + c.lm).max(c.rd + c.rnv + c.av)
                    + c.rm
                    + (c.sln + c.sld).max(c.prm + c.spd)
                    + c.slnv.max(c.spnv)
            }
        }
    }

    /// Cycles in which array and vector unit have work.
    fn busy_cycles(&self, c: &EinsumCycles) -> (f64, f64) {
        let products = c.qk + c.slnv;
        let of_tiles = c.lm + c.sln + c.sld;
        let of_rows = c.rm + c.prm + c.spd + c.spnv + c.rd + c.rnv + c.av;
        match self.binding {
            Binding::VectorSoftmax => (products, of_tiles + of_rows),
            Binding::Serial | Binding::Interleaved => (products + of_tiles, of_rows),
        }
    }

    /// Queries and results move once, keys and values once for each block of queries on the chip.
    fn dram(&self, shape: &AttentionShape, tiles: &Tiles) -> Moved {
        let ((queries, results), (keys, values)) = (shape.query_byte(), shape.cache_dram_bytes());
        let blocks = tiles.query_tiles.div_ceil(self.query_tiles) as f64;
        Moved { read_byte: queries + blocks * (keys + values), write_byte: results }
    }

    /// What is read from DRAM is written to the buffer. A tile of queries is read again for each tile of keys, and the other way
    /// about; maxima, denominators and numerators are read and written for each tile of keys.
    fn buffer(&self, shape: &AttentionShape, tiles: &Tiles, dram: Moved) -> Moved {
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        let visits = tiles.visits();
        let running = visits * (value + 2.0) * shape.activation_byte;
        let last = tiles.groups * tiles.rows * (value + 1.0) * shape.activation_byte;
        let keys = tiles.groups * tiles.query_tiles as f64 * tiles.keys * (head + value) * shape.cache_byte;
        let scores = if self.binding == Binding::VectorSoftmax {
            tiles.groups * tiles.rows * tiles.keys * shape.activation_byte
        } else {
            0.0
        };
        Moved {
            read_byte: visits * head * shape.activation_byte + keys + running + last + scores,
            write_byte: dram.read_byte + running + scores,
        }
    }

    fn operations(&self, shape: &AttentionShape, tiles: &Tiles) -> Operations {
        let value = shape.value_size as f64;
        let (scores, visits) = (shape.scores(), tiles.visits());
        let has_unit = self.binding == Binding::VectorSoftmax;
        let exponentials = scores + visits;
        Operations {
            macs: shape.macs()
                + visits * (1.0 + value)
                + if has_unit { 0.0 } else { EXPONENTIAL_MACS * exponentials },
            // Of scores: subtraction of the maximum, sum; of visits: the same, and the sum of numerators.
            adds: 2.0 * scores + visits * (2.0 + value),
            maxima: scores + visits,
            exponentials: if has_unit { exponentials } else { 0.0 },
            divisions: tiles.groups * tiles.rows * value,
        }
    }
}
