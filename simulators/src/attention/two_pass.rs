//! The two-pass cascade: maximum and denominator in one pass over the keys, exponentials and products in another.
//!
//! Source: Nayak et al. (2024), arXiv 2406.10491, cascade 4 and table I: the running maximum and its corrections make one pass of the
//! first two; numerators need no correction, since the maximum is known by then. Departs from it: bound to the array of the one-pass
//! cascade, which the paper does for one pass only. Checked against: hand-worked cycles and laws.

use super::one_pass::{EXPONENTIAL_CYCLES, EXPONENTIAL_MACS};
use super::tiles::Tiles;
use super::{AttentionMachine, AttentionReport, AttentionShape, Moved, Operations};

/// How the second pass comes by the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScoreReuse {
    /// They stay in the buffer from the first pass.
    Retain,
    /// They are computed again, from keys that are read again.
    Recompute,
}

/// The two-pass cascade with so many queries on the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoPass {
    /// How the second pass comes by the scores.
    pub reuse: ScoreReuse,
    /// Tiles of queries on the chip at once, which share the keys that are read.
    pub query_tiles: u64,
}

impl TwoPass {
    /// Bytes of the buffer: a tile of keys and of values, and for each query on the chip itself, its maximum, denominator and
    /// numerator, and all its scores if they are retained.
    pub fn footprint_byte(&self, shape: &AttentionShape, machine: &AttentionMachine) -> f64 {
        let side = machine.side as f64;
        let size = (shape.head_size + shape.value_size) as f64;
        let scores = match self.reuse {
            ScoreReuse::Retain => shape.keys as f64,
            ScoreReuse::Recompute => 0.0,
        };
        let rows = self.query_tiles as f64 * side;
        side * size * shape.cache_byte + rows * (size + 2.0 + scores) * shape.activation_byte
    }

    /// What the cascade takes. Array and vector unit work at once where the one-pass cascade lets them; the second pass begins when
    /// the first is done.
    pub fn report(&self, shape: &AttentionShape, machine: &AttentionMachine) -> AttentionReport {
        let tiles = Tiles::new(shape, machine);
        let head = shape.head_size as f64 * machine.cycles_per_mac;
        let value = shape.value_size as f64;
        let product = value * machine.cycles_per_mac;
        let pairs = tiles.pairs();
        let visits = tiles.groups * tiles.key_tiles as f64 * tiles.slots;
        let again = if self.reuse == ScoreReuse::Recompute { pairs * head } else { 0.0 };
        let quotients = tiles.groups * tiles.slots * value;
        // QK + LM | RD; RM; SLN + SLD | PRM + SPD. Then QK again, SN and SNV | AV.
        let first = (pairs * (head + 1.0)).max(visits)
            + visits
            + (pairs * (EXPONENTIAL_CYCLES + 1.0)).max(visits * (EXPONENTIAL_CYCLES + 1.0));
        let second = (again + pairs * (EXPONENTIAL_CYCLES + product)).max(quotients);
        let array = pairs * (head + 1.0 + EXPONENTIAL_CYCLES + 1.0 + EXPONENTIAL_CYCLES + product) + again;
        let vector = visits * (EXPONENTIAL_CYCLES + 3.0) + quotients;
        let dram = self.dram(shape, &tiles);
        AttentionReport {
            latency_s: machine.seconds(first + second).max(dram.total_byte() / machine.dram_byte_per_s),
            array_busy_s: machine.seconds(array),
            vector_busy_s: machine.seconds(vector),
            dram,
            buffer: self.buffer(shape, &tiles, dram),
            footprint_byte: self.footprint_byte(shape, machine),
            operations: self.operations(shape, &tiles),
        }
    }

    fn dram(&self, shape: &AttentionShape, tiles: &Tiles) -> Moved {
        let ((queries, results), (keys, values)) = (shape.query_byte(), shape.cache_dram_bytes());
        let blocks = tiles.query_tiles.div_ceil(self.query_tiles) as f64;
        Moved { read_byte: queries + blocks * (self.key_passes() * keys + values), write_byte: results }
    }

    /// Times that a block of queries reads the keys.
    fn key_passes(&self) -> f64 {
        match self.reuse {
            ScoreReuse::Retain => 1.0,
            ScoreReuse::Recompute => 2.0,
        }
    }

    fn buffer(&self, shape: &AttentionShape, tiles: &Tiles, dram: Moved) -> Moved {
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        let (visits, passes) = (tiles.visits(), self.key_passes());
        let keys = tiles.groups * tiles.query_tiles as f64 * tiles.keys * shape.cache_byte;
        let running = 2.0 * visits * shape.activation_byte;
        // Numerators stay in the array's registers for a tile of keys, as in one pass.
        let sums = visits * value * shape.activation_byte;
        let last = tiles.groups * tiles.rows * (value + 1.0) * shape.activation_byte;
        let scores = if self.reuse == ScoreReuse::Retain {
            tiles.groups * tiles.rows * tiles.keys * shape.activation_byte
        } else {
            0.0
        };
        Moved {
            read_byte: passes * visits * head * shape.activation_byte
                + keys * (passes * head + value)
                + running
                + sums
                + last
                + scores,
            write_byte: dram.read_byte + running + sums + scores,
        }
    }

    fn operations(&self, shape: &AttentionShape, tiles: &Tiles) -> Operations {
        let (scores, visits) = (shape.scores(), tiles.visits());
        let again = if self.reuse == ScoreReuse::Recompute { scores * shape.head_size as f64 } else { 0.0 };
        Operations {
            macs: shape.macs() + again + EXPONENTIAL_MACS * (2.0 * scores + visits) + visits,
            adds: 3.0 * scores + 2.0 * visits,
            maxima: scores + visits,
            exponentials: 0.0,
            divisions: tiles.groups * tiles.rows * shape.value_size as f64,
        }
    }
}
