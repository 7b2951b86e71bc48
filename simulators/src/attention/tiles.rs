//! How queries and keys are cut into tiles of the array's side.

use super::{AttentionMachine, AttentionShape};

/// A shape in tiles of a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    /// Groups of queries.
    pub(super) groups: f64,
    /// Queries of a group.
    pub(super) rows: f64,
    /// Keys of a group.
    pub(super) keys: f64,
    /// Tiles of the queries of a group.
    pub(super) query_tiles: u64,
    /// Tiles of the keys of a group.
    pub(super) key_tiles: u64,
    /// Steps in which the vector unit touches every query of a group once.
    pub(super) slots: f64,
}

impl Tiles {
    pub(super) fn new(shape: &AttentionShape, machine: &AttentionMachine) -> Self {
        let (rows, side) = (shape.rows(), machine.side);
        let whole = (rows / side) * side.div_ceil(machine.lanes);
        Self {
            groups: shape.groups() as f64,
            rows: rows as f64,
            keys: shape.keys as f64,
            query_tiles: rows.div_ceil(side),
            key_tiles: shape.keys.div_ceil(side),
            slots: (whole + (rows % side).div_ceil(machine.lanes)) as f64,
        }
    }

    /// Pairs of a tile of queries and a tile of keys, of all groups.
    pub(super) fn pairs(&self) -> f64 {
        self.groups * self.query_tiles as f64 * self.key_tiles as f64
    }

    /// Pairs of a query and a tile of keys, of all groups.
    pub(super) fn visits(&self) -> f64 {
        self.groups * self.rows * self.key_tiles as f64
    }
}
