//! The machine that attention runs on.

/// A square array of multiply-accumulate units, a vector unit, a buffer, and a DRAM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionMachine {
    /// Rows, and columns, of the array.
    pub side: u64,
    /// Lanes of the vector unit.
    pub lanes: u64,
    /// Cycles that a unit of the array takes for a multiply-accumulate of a matrix product.
    pub cycles_per_mac: f64,
    /// Cycles a second, of array and vector unit alike.
    pub clock_hz: f64,
    /// Bytes that the buffer holds.
    pub buffer_byte: f64,
    /// Bytes a second to and from DRAM together.
    pub dram_byte_per_s: f64,
}

impl AttentionMachine {
    /// Seconds of `cycles`.
    pub(super) fn seconds(&self, cycles: f64) -> f64 {
        cycles / self.clock_hz
    }

    /// Multiply-accumulates that the array does in a second.
    pub fn macs_per_s(&self) -> f64 {
        self.macs_per_cycle() * self.clock_hz
    }

    /// Multiply-accumulates that the array does in a cycle.
    pub(super) fn macs_per_cycle(&self) -> f64 {
        self.side as f64 * self.side as f64 / self.cycles_per_mac
    }
}
