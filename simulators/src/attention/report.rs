//! What attention takes on a machine.

use std::ops::AddAssign;

use super::AttentionCosts;

/// Bytes read and written.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moved {
    /// Bytes read.
    pub read_byte: f64,
    /// Bytes written.
    pub write_byte: f64,
}

impl Moved {
    /// Bytes in both directions.
    pub fn total_byte(&self) -> f64 {
        self.read_byte + self.write_byte
    }
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.read_byte += other.read_byte;
        self.write_byte += other.write_byte;
    }
}

/// Scalar operations, of array and vector unit together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Operations {
    /// Multiply-accumulates.
    pub macs: f64,
    /// Additions.
    pub adds: f64,
    /// The larger of two numbers.
    pub maxima: f64,
    /// Exponentials by a unit of their own; those that are made of multiply-accumulates count as such.
    pub exponentials: f64,
    /// Divisions.
    pub divisions: f64,
}

impl AddAssign for Operations {
    fn add_assign(&mut self, other: Self) {
        self.macs += other.macs;
        self.adds += other.adds;
        self.maxima += other.maxima;
        self.exponentials += other.exponentials;
        self.divisions += other.divisions;
    }
}

/// What attention takes on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AttentionReport {
    /// From the first byte to the last.
    pub latency_s: f64,
    /// Time in which all units of the array would do what they do, were they always busy.
    pub array_busy_s: f64,
    /// Time in which the vector unit has work.
    pub vector_busy_s: f64,
    /// To and from DRAM.
    pub dram: Moved,
    /// To and from the buffer.
    pub buffer: Moved,
    /// Most bytes that the buffer is asked to hold at once. More than it has are spilled by [`super::FlatMapping`], and too many
    /// for all others.
    pub footprint_byte: f64,
    /// Scalar operations.
    pub operations: Operations,
}

impl AttentionReport {
    /// Share of the time in which the array is busy.
    pub fn array_utilization(&self) -> f64 {
        self.array_busy_s / self.latency_s
    }

    /// Share of the time in which the vector unit is busy.
    pub fn vector_utilization(&self) -> f64 {
        self.vector_busy_s / self.latency_s
    }

    /// Energy of operations, buffer and DRAM, in J; without leakage and registers.
    pub fn energy_j(&self, costs: &AttentionCosts) -> f64 {
        let (done, buffer) = (&self.operations, &self.buffer);
        done.macs * costs.mac_j
            + done.adds * costs.add_j
            + done.maxima * costs.maximum_j
            + done.exponentials * costs.exponential_j
            + done.divisions * costs.division_j
            + buffer.read_byte * costs.buffer_read_j_per_byte
            + buffer.write_byte * costs.buffer_write_j_per_byte
            + self.dram.total_byte() * costs.dram_j_per_byte
    }
}
