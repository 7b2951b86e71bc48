//! What the cost tables refuse, and the range they would have accepted.

use thiserror::Error;

use super::{Node, UnknownNode};

/// A question outside the tables. The tables never extrapolate: an environment can read such an error
/// as "this buffer or unit cannot be synthesised".
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TechnologyError {
    /// No table covers the process node.
    #[error(transparent)]
    Node(#[from] UnknownNode),
    /// No SRAM macro has this access width.
    #[error("sram width {got_bits} bit is outside the table's {min_bits}..={max_bits} bit")]
    SramWidth {
        /// The width asked for.
        got_bits: u32,
        /// The narrowest macro.
        min_bits: u32,
        /// The widest macro.
        max_bits: u32,
    },
    /// No SRAM macro of this width has this capacity.
    #[error(
        "sram size {got_bytes} byte is outside the table's {min_bytes}..={max_bytes} byte at {width_bits} bit and {node}"
    )]
    SramSize {
        /// The capacity asked for.
        got_bytes: u64,
        /// The smallest macro of this width at this node.
        min_bytes: u64,
        /// The largest macro of this width at this node.
        max_bytes: u64,
        /// The access width asked for.
        width_bits: u32,
        /// The process node asked for.
        node: Node,
    },
    /// An array does not divide into equal macros.
    #[error(
        "sram array of {size_bytes} byte and {width_bits} bit does not divide into {banks} banks of {slices} slices"
    )]
    Division {
        /// Capacity of the whole array.
        size_bytes: u64,
        /// Access width of the whole array.
        width_bits: u32,
        /// Banks asked for.
        banks: u32,
        /// Slices asked for.
        slices: u32,
    },
    /// A register file is empty or larger than its model holds for.
    #[error("register file size {got_bytes} byte is outside 1..={max_bytes} byte; larger storage is sram")]
    RegisterFileSize {
        /// The capacity asked for.
        got_bytes: u64,
        /// The largest register file.
        max_bytes: u64,
    },
    /// A register file has no width, or is wider than all of its bits.
    #[error("register file width {got_bits} bit is outside 1..={max_bits} bit, the bits it holds")]
    RegisterFileWidth {
        /// The width asked for.
        got_bits: u32,
        /// All bits of the register file.
        max_bits: u64,
    },
    /// No multiplier has this operand width.
    #[error("mac operand width {got_bits} bit is outside the table's {min_bits}..={max_bits} bit")]
    MacOperand {
        /// The width asked for.
        got_bits: u32,
        /// The narrowest multiplier.
        min_bits: u32,
        /// The widest multiplier.
        max_bits: u32,
    },
    /// No accumulator has this width.
    #[error("mac accumulator width {got_bits} bit is outside the table's {min_bits}..={max_bits} bit")]
    MacAccumulator {
        /// The width asked for.
        got_bits: u32,
        /// The narrowest accumulator.
        min_bits: u32,
        /// The widest accumulator.
        max_bits: u32,
    },
}
