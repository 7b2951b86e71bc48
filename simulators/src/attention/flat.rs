//! FLAT: whole rows of scores stay on the chip between the two products, and the vector unit does the softmax in three passes.
//!
//! Source: Kao et al. (2023), doi:10.1145/3575693.3575747; what moves and what is spilled as in the artifact of FuseMax
//! (FPSG-UIUC/micro24-fusemax-artifact @ f543beb, MIT). Checked against its tables: traffic and latency of 24 rows, spilled
//! shares of 39 of 43.

use super::tiles::Tiles;
use super::{AttentionMachine, AttentionReport, AttentionShape, Moved, Operations};

/// Whether a tensor is kept in the buffer or streamed past it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In the buffer; between the products it does not go to DRAM.
    OnChip,
    /// From or to DRAM whenever the array asks.
    OffChip,
}

/// Which operand the array holds while the others stream by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stationarity {
    /// The result.
    Output,
    /// Keys, or values.
    Weight,
    /// Queries, or probabilities.
    Input,
}

/// A mapping of FLAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlatMapping {
    /// Where queries are.
    pub queries: Place,
    /// Where keys are.
    pub keys: Place,
    /// Where scores are, and the probabilities made of them.
    pub scores: Place,
    /// Where values are.
    pub values: Place,
    /// Where results are.
    pub results: Place,
    /// What the array holds in the product of queries and keys.
    pub score_stationarity: Stationarity,
    /// What the array holds in the product of probabilities and values.
    pub result_stationarity: Stationarity,
    /// Queries whose rows are on the chip at once; no more than a group has.
    pub rows: u64,
}

/// What the array asks of the operands of a group, in words.
struct Asked {
    queries: f64,
    keys: f64,
    values: f64,
    /// Results written, partial sums among them; all but the last are read again.
    results: f64,
}

impl FlatMapping {
    fn rows(&self, shape: &AttentionShape) -> u64 {
        self.rows.min(shape.rows())
    }

    /// Bytes of the buffer: the scores on the chip once, tiles of all else twice, so that one fills while the other is used.
    pub fn footprint_byte(&self, shape: &AttentionShape, machine: &AttentionMachine) -> f64 {
        let rows = self.rows(shape);
        let extent = |place, whole: u64| (if place == Place::OnChip { whole } else { machine.side }) as f64;
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        let of_rows = extent(self.queries, rows) * head + extent(self.results, rows) * value;
        let of_keys = extent(self.keys, shape.keys) * head + extent(self.values, shape.keys) * value;
        let scores = if self.scores == Place::OnChip { rows as f64 * shape.keys as f64 } else { 0.0 };
        (scores + 2.0 * of_rows) * shape.activation_byte + 2.0 * of_keys * shape.cache_byte
    }

    /// Share of what should be on the chip that does not fit and goes to DRAM instead.
    pub fn spilled_share(&self, shape: &AttentionShape, machine: &AttentionMachine) -> f64 {
        match self.scores {
            Place::OnChip => (1.0 - machine.buffer_byte / self.footprint_byte(shape, machine)).max(0.0),
            Place::OffChip => 0.0,
        }
    }

    /// What attention takes under this mapping. Products and softmax overlap with each other and with DRAM.
    pub fn report(&self, shape: &AttentionShape, machine: &AttentionMachine) -> AttentionReport {
        let tiles = Tiles::new(shape, machine);
        let dram = self.dram(shape, machine, &tiles);
        // Maximum, exponential, sum and quotient of every score; units of several cycles are pipelined.
        let vector_s = machine.seconds(4.0 * tiles.groups * tiles.keys * tiles.slots);
        let array_s = machine
            .seconds(tiles.groups * self.array_cycles(shape, machine, &tiles) * machine.cycles_per_mac);
        AttentionReport {
            latency_s: vector_s.max(array_s).max(dram.total_byte() / machine.dram_byte_per_s),
            array_busy_s: machine.seconds(shape.macs() / machine.macs_per_cycle()),
            vector_busy_s: vector_s,
            dram,
            buffer: self.buffer(shape, &tiles),
            footprint_byte: self.footprint_byte(shape, machine),
            operations: Operations {
                macs: shape.macs(),
                adds: 2.0 * shape.scores(),
                maxima: shape.scores(),
                exponentials: shape.scores(),
                divisions: shape.scores(),
            },
        }
    }

    /// Cycles of the two products of a group: two dimensions across the array, the third in time.
    fn array_cycles(&self, shape: &AttentionShape, machine: &AttentionMachine, tiles: &Tiles) -> f64 {
        let cut = |size: u64| size.div_ceil(machine.side) as f64;
        let (query_tiles, key_tiles) = (tiles.query_tiles as f64, tiles.key_tiles as f64);
        let scores = match self.score_stationarity {
            Stationarity::Output => query_tiles * key_tiles * shape.head_size as f64,
            Stationarity::Weight => cut(shape.head_size) * key_tiles * tiles.rows,
            Stationarity::Input => cut(shape.head_size) * query_tiles * tiles.keys,
        };
        scores
            + match self.result_stationarity {
                Stationarity::Output => cut(shape.value_size) * query_tiles * tiles.keys,
                Stationarity::Weight => cut(shape.value_size) * key_tiles * tiles.rows,
                Stationarity::Input => query_tiles * key_tiles * shape.value_size as f64,
            }
    }

    fn asked(&self, shape: &AttentionShape, tiles: &Tiles) -> Asked {
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        let (query_tiles, key_tiles) = (tiles.query_tiles as f64, tiles.key_tiles as f64);
        let blocks = shape.rows().div_ceil(self.rows(shape)) as f64;
        let per_weight = |stationarity| match stationarity {
            Stationarity::Weight => blocks,
            Stationarity::Output | Stationarity::Input => query_tiles,
        };
        Asked {
            queries: tiles.rows
                * head
                * if self.score_stationarity == Stationarity::Input { 1.0 } else { key_tiles },
            keys: tiles.keys * head * per_weight(self.score_stationarity),
            values: tiles.keys * value * per_weight(self.result_stationarity),
            results: tiles.rows
                * value
                * if self.result_stationarity == Stationarity::Output { 1.0 } else { key_tiles },
        }
    }

    fn dram(&self, shape: &AttentionShape, machine: &AttentionMachine, tiles: &Tiles) -> Moved {
        let spilled = self.spilled_share(shape, machine);
        let asked = self.asked(shape, tiles);
        // What is on the chip is moved once but for its spilled share, which moves whenever the array asks.
        let moved = |place, once: f64, asked: f64| match place {
            Place::OnChip => once * (1.0 - spilled) + asked * spilled,
            Place::OffChip => asked,
        };
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        let once = tiles.rows * value;
        let results = moved(self.results, once, asked.results);
        let sums_read = moved(self.results, 0.0, asked.results - once);
        let scores = tiles.rows * tiles.keys;
        // Off the chip the scores are written, read by the softmax, and its result is written and read again. On it, the spilled
        // share is also written and read as exponentials, and read once more for their maximum.
        let (scores_read, scores_written) = match self.scores {
            Place::OnChip => (4.0 * scores * spilled, 3.0 * scores * spilled),
            Place::OffChip => {
                let row = self.row_spilled_share(shape, machine);
                (2.0 * scores + 2.0 * scores * row, 2.0 * scores + scores * row)
            }
        };
        let activations_read =
            moved(self.queries, tiles.rows * head, asked.queries) + sums_read + scores_read;
        let cache_read = moved(self.keys, tiles.keys * head, asked.keys)
            + moved(self.values, tiles.keys * value, asked.values);
        let cache_byte = if shape.cache == Place::OnChip { 0.0 } else { shape.cache_byte };
        Moved {
            read_byte: tiles.groups * (activations_read * shape.activation_byte + cache_read * cache_byte),
            write_byte: tiles.groups * (results + scores_written) * shape.activation_byte,
        }
    }

    /// Share of a single row of scores that does not fit beside the tiles, if scores are off the chip.
    fn row_spilled_share(&self, shape: &AttentionShape, machine: &AttentionMachine) -> f64 {
        let room_byte = machine.buffer_byte - self.footprint_byte(shape, machine);
        (1.0 - room_byte.max(0.0) / (shape.keys as f64 * shape.activation_byte)).max(0.0)
    }

    fn buffer(&self, shape: &AttentionShape, tiles: &Tiles) -> Moved {
        let asked = self.asked(shape, tiles);
        let scores = tiles.rows * tiles.keys;
        // The softmax reads scores twice and exponentials once, and writes the latter; the products write scores and read
        // probabilities. Maxima and sums are one word a row.
        let mut read = 3.0 * scores + 2.0 * tiles.rows;
        let mut written = 2.0 * scores + 2.0 * tiles.rows;
        if self.scores == Place::OnChip {
            read += scores;
            written += scores;
        }
        if self.queries == Place::OnChip {
            read += asked.queries;
            written += tiles.rows * shape.head_size as f64;
        }
        if self.results == Place::OnChip {
            read += asked.results;
            written += asked.results;
        }
        let mut moved =
            Moved { read_byte: read * shape.activation_byte, write_byte: written * shape.activation_byte };
        let (head, value) = (shape.head_size as f64, shape.value_size as f64);
        for (place, asked, size) in [(self.keys, asked.keys, head), (self.values, asked.values, value)] {
            if place == Place::OnChip {
                moved.read_byte += asked * shape.cache_byte;
                moved.write_byte += tiles.keys * size * shape.cache_byte;
            }
        }
        Moved { read_byte: tiles.groups * moved.read_byte, write_byte: tiles.groups * moved.write_byte }
    }
}
