//! What attention multiplies.

use super::Place;

/// Attention of several sequences and heads.
///
/// Query heads that share a head of keys and values (grouped and multi-query attention) are one group: their queries are rows
/// of one product with the same keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Sequences at once.
    pub batch: u64,
    /// Heads of queries.
    pub heads: u64,
    /// Heads of keys and values; divides `heads`.
    pub kv_heads: u64,
    /// Queries of a sequence; the paper's P.
    pub queries: u64,
    /// Keys of a sequence; the paper's M.
    pub keys: u64,
    /// Elements of a query and of a key; the paper's E.
    pub head_size: u64,
    /// Elements of a value; the paper's F.
    pub value_size: u64,
    /// Bytes of an element of a query, a score or a result.
    pub activation_byte: f64,
    /// Bytes of an element of a key or a value.
    pub cache_byte: f64,
    /// Where keys and values are. On the chip they have a memory of their own beside the buffer.
    pub cache: Place,
}

impl AttentionShape {
    /// Groups of queries that have keys of their own.
    pub fn groups(&self) -> u64 {
        self.batch * self.kv_heads
    }

    /// Queries of a group.
    pub fn rows(&self) -> u64 {
        self.queries * (self.heads / self.kv_heads)
    }

    /// Products of a query and a key.
    pub fn scores(&self) -> f64 {
        self.groups() as f64 * self.rows() as f64 * self.keys as f64
    }

    /// Multiply-accumulates of the two matrix products.
    pub fn macs(&self) -> f64 {
        self.scores() * (self.head_size + self.value_size) as f64
    }

    /// Bytes of all queries, and of all results.
    pub fn query_byte(&self) -> (f64, f64) {
        let rows = self.groups() as f64 * self.rows() as f64 * self.activation_byte;
        (rows * self.head_size as f64, rows * self.value_size as f64)
    }

    /// Bytes of all keys, and of all values.
    pub fn cache_bytes(&self) -> (f64, f64) {
        let keys = self.groups() as f64 * self.keys as f64 * self.cache_byte;
        (keys * self.head_size as f64, keys * self.value_size as f64)
    }

    /// The same as far as they come from DRAM.
    pub(super) fn cache_dram_bytes(&self) -> (f64, f64) {
        if self.cache == Place::OnChip { (0.0, 0.0) } else { self.cache_bytes() }
    }

    /// Bytes that must be moved whatever the machine: every operand once, every result once.
    pub fn compulsory_byte(&self) -> f64 {
        let ((queries, results), (keys, values)) = (self.query_byte(), self.cache_dram_bytes());
        queries + results + keys + values
    }
}
