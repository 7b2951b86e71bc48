//! What a step of inference takes on a chip.

use super::{AttentionCascade, TransformerChip, TransformerWorkload};
use crate::attention::{AttentionReport, AttentionShape, MatrixProduct, Moved, Operations, Place};
use crate::technology::BankProcessing;

/// What a step of inference takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// From the first byte to the last.
    pub latency_s: f64,
    /// The part of it that is attention.
    pub attention_s: f64,
    /// Energy, leakage included.
    pub energy_j: f64,
    /// To and from main memory.
    pub dram: Moved,
    /// Multiply-accumulates of matrix products, those done by banks among them.
    pub macs: f64,
    /// Those done by banks.
    pub bank_macs: f64,
    /// Most bytes that attention asks the buffer to hold at once.
    pub footprint_byte: f64,
}

/// What a part of a step takes.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    latency_s: f64,
    energy_j: f64,
    dram: Moved,
    macs: f64,
    bank_macs: f64,
    footprint_byte: f64,
}

impl Part {
    fn add(&mut self, other: &Self, times: f64) {
        self.latency_s += times * other.latency_s;
        self.energy_j += times * other.energy_j;
        self.dram.read_byte += times * other.dram.read_byte;
        self.dram.write_byte += times * other.dram.write_byte;
        self.macs += times * other.macs;
        self.bank_macs += times * other.bank_macs;
        self.footprint_byte = self.footprint_byte.max(other.footprint_byte);
    }
}

/// Vector work of a layer for each element of a token.
///
/// Ours: two normalizations of three operations each (sum of squares; scale; shift or mean), two residual sums.
const OPERATIONS_OF_TOKENS: f64 = 2.0 * 3.0 + 2.0;
/// Reads and writes of the same where nothing is fused: a normalization reads and writes, a sum reads twice and writes.
const READS_OF_TOKENS: f64 = 2.0 + 2.0 * 2.0;
const WRITES_OF_TOKENS: f64 = 2.0 + 2.0;
/// An activation function: an exponential as in attention, a sum, a quotient and a product.
const OPERATIONS_OF_ACTIVATIONS: f64 = 7.0 + 3.0;

impl TransformerChip {
    /// What `workload` takes: layers one after the other, in each the products with weights, attention, and vector work. The latter
    /// runs beside the products that make its operands, unless nothing is fused.
    pub fn run(&self, workload: &TransformerWorkload) -> StepReport {
        let mut layer = Part::default();
        for product in &workload.products {
            layer.add(&self.product(product), 1.0);
        }
        self.add_vector_work(workload, &mut layer);
        let mut attention = Part::default();
        for shape in &workload.attention {
            attention.add(&self.attention(shape), 1.0);
        }
        let mut sum = Part::default();
        sum.add(&layer, workload.layers);
        sum.add(&attention, workload.layers);
        if let Some(logits) = &workload.logits {
            sum.add(&self.product(logits), 1.0);
        }
        StepReport {
            latency_s: sum.latency_s,
            attention_s: workload.layers * attention.latency_s,
            energy_j: sum.energy_j + sum.latency_s * self.leakage_w,
            dram: sum.dram,
            macs: sum.macs,
            bank_macs: sum.bank_macs,
            footprint_byte: sum.footprint_byte,
        }
    }

    fn part(&self, report: &AttentionReport, macs: f64) -> Part {
        Part {
            latency_s: report.latency_s,
            energy_j: report.energy_j(&self.costs),
            dram: report.dram,
            macs,
            bank_macs: 0.0,
            footprint_byte: report.footprint_byte,
        }
    }

    /// On the array, or in the banks that the second operand lies in if they are faster: there every row of the first reads the second anew.
    fn product(&self, product: &MatrixProduct) -> Part {
        let mut on_array = self.part(&product.phase(&self.machine), product.macs());
        on_array.energy_j += product.macs() * self.scaling_j;
        let Some(bank) = self.bank.filter(|_| product.second == Place::OffChip) else { return on_array };
        let (m, k, n) = (product.m as f64, product.k as f64, product.n as f64);
        let asked_byte = product.count * m * k * n * product.second_byte;
        let dram = Moved {
            read_byte: product.count * m * k * product.first_byte,
            write_byte: product.count * m * n * product.result_byte,
        };
        let in_banks = self.in_banks(asked_byte, &bank, dram, product.macs());
        if in_banks.latency_s < on_array.latency_s { in_banks } else { on_array }
    }

    /// The same choice for both products of attention; the softmax between them is the vector unit's.
    fn attention(&self, shape: &AttentionShape) -> Part {
        let on_array = self.part(&self.cascade.report(shape, &self.machine, self.rows), shape.macs());
        let Some(bank) = self.bank.filter(|_| shape.cache == Place::OffChip) else { return on_array };
        let (keys, values) = shape.cache_bytes();
        let asked_byte = shape.rows() as f64 * (keys + values);
        let (queries, results) = shape.query_byte();
        let scores_byte = shape.scores() * shape.activation_byte;
        let dram = Moved { read_byte: queries + scores_byte, write_byte: results + scores_byte };
        let mut in_banks = self.in_banks(asked_byte, &bank, dram, shape.macs());
        // Four operations a score, a lane each: rows of all groups fill the vector unit together.
        in_banks.latency_s += 4.0 * shape.scores() / self.machine.lanes as f64 / self.machine.clock_hz;
        let softmax = Operations {
            adds: 2.0 * shape.scores(),
            maxima: shape.scores(),
            exponentials: shape.scores(),
            divisions: shape.scores(),
            ..Operations::default()
        };
        in_banks.energy_j +=
            AttentionReport { operations: softmax, ..AttentionReport::default() }.energy_j(&self.costs);
        if in_banks.latency_s < on_array.latency_s { in_banks } else { on_array }
    }

    fn in_banks(&self, asked_byte: f64, bank: &BankProcessing, dram: Moved, macs: f64) -> Part {
        let interface = self.machine.dram_byte_per_s;
        let inside_byte = asked_byte.max(macs * bank.byte_per_mac);
        Part {
            latency_s: (inside_byte / (bank.bandwidth_ratio * interface)).max(dram.total_byte() / interface),
            energy_j: asked_byte * bank.j_per_byte
                + macs * bank.mac_j
                + dram.total_byte() * self.costs.dram_j_per_byte,
            dram,
            macs,
            bank_macs: macs,
            footprint_byte: 0.0,
        }
    }

    /// Normalizations, residual sums and activations of a layer, whose products are in `layer`.
    fn add_vector_work(&self, workload: &TransformerWorkload, layer: &mut Part) {
        let tokens = workload.tokens * workload.hidden;
        let operations =
            tokens * OPERATIONS_OF_TOKENS + workload.activated * OPERATIONS_OF_ACTIVATIONS + workload.gated;
        let vector_s = operations / self.machine.lanes as f64 / self.machine.clock_hz;
        layer.energy_j += operations * self.vector_j;
        if self.cascade == AttentionCascade::Unfused {
            let read = tokens * READS_OF_TOKENS + workload.activated + workload.gated;
            let written = tokens * WRITES_OF_TOKENS + workload.activated;
            let dram = Moved {
                read_byte: read * workload.activation_byte,
                write_byte: written * workload.activation_byte,
            };
            layer.latency_s += vector_s.max(dram.total_byte() / self.machine.dram_byte_per_s);
            layer.energy_j += dram.total_byte() * self.costs.dram_j_per_byte;
            layer.dram += dram;
        } else {
            layer.latency_s = layer.latency_s.max(vector_s);
        }
    }
}
