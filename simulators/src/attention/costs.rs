//! What the operations of attention cost.

/// Energies of single operations, in J.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionCosts {
    /// A multiply-accumulate.
    pub mac_j: f64,
    /// An addition.
    pub add_j: f64,
    /// The larger of two numbers.
    pub maximum_j: f64,
    /// An exponential, by a unit of its own.
    pub exponential_j: f64,
    /// A division.
    pub division_j: f64,
    /// A byte read from the buffer.
    pub buffer_read_j_per_byte: f64,
    /// A byte written to the buffer.
    pub buffer_write_j_per_byte: f64,
    /// A byte to or from DRAM.
    pub dram_j_per_byte: f64,
}
