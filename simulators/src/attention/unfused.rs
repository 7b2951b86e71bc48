//! Attention without fusion: two products and a softmax, each from DRAM and back.

use super::tiles::Tiles;
use super::{AttentionMachine, AttentionReport, AttentionShape, MatrixProduct, Moved, Operations};

/// Attention as a row of separate phases, none of which begins before the last has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unfused;

impl Unfused {
    /// What attention takes. The softmax keeps a row of scores in the buffer, so it reads and writes each score once.
    ///
    /// Source: the baseline of arXiv 2406.10491, section VI.
    pub fn report(&self, shape: &AttentionShape, machine: &AttentionMachine) -> AttentionReport {
        let groups = shape.groups() as f64;
        let scores = MatrixProduct {
            count: groups,
            m: shape.rows(),
            k: shape.head_size,
            n: shape.keys,
            first_byte: shape.activation_byte,
            second_byte: shape.cache_byte,
            result_byte: shape.activation_byte,
            second: shape.cache,
        };
        let results = MatrixProduct { k: shape.keys, n: shape.value_size, ..scores };
        let phases = [scores.phase(machine), softmax(shape, machine), results.phase(machine)];
        let mut sum = AttentionReport::default();
        for phase in phases {
            sum.latency_s += phase.latency_s;
            sum.array_busy_s += phase.array_busy_s;
            sum.vector_busy_s += phase.vector_busy_s;
            sum.dram += phase.dram;
            sum.buffer += phase.buffer;
            sum.operations += phase.operations;
            sum.footprint_byte = sum.footprint_byte.max(phase.footprint_byte);
        }
        sum
    }
}

/// Maximum, exponentials, sum and quotients of all rows.
fn softmax(shape: &AttentionShape, machine: &AttentionMachine) -> AttentionReport {
    let tiles = Tiles::new(shape, machine);
    let scores = shape.scores();
    let score_byte = scores * shape.activation_byte;
    let dram = Moved { read_byte: score_byte, write_byte: score_byte };
    let vector_s = machine.seconds(4.0 * tiles.groups * tiles.keys * tiles.slots);
    AttentionReport {
        latency_s: vector_s.max(dram.total_byte() / machine.dram_byte_per_s),
        vector_busy_s: vector_s,
        dram,
        // Scores are filled and read twice, exponentials written and read once.
        buffer: Moved { read_byte: 3.0 * score_byte, write_byte: 2.0 * score_byte },
        footprint_byte: shape.keys as f64 * shape.activation_byte,
        operations: Operations {
            adds: 2.0 * scores,
            maxima: scores,
            exponentials: scores,
            divisions: scores,
            ..Operations::default()
        },
        ..AttentionReport::default()
    }
}
