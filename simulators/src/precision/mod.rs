//! Numbers of few bits, and what processing elements for them cost.
//!
//! | what | where from |
//! |---|---|
//! | elements and arrays as synthesised in 32 nm ([`synthesis_points`], [`synthesised`]) | `data/technology/processing_elements.json` |
//! | cycles of an element that skips partial products ([`partial_products`]) | the same project, by the spread of the data |
//! | other widths of operands and accumulators, other nodes | the law of the table of multiply-accumulate units ([`crate::technology::mac()`]) |
//! | elements that shift and add, or look up ([`PeStyle`]) | published ratios, or parts of the same law |
//!
//! No accuracy is invented: [`AccuracyTable`] reads what somebody measured.

mod accuracy;
mod element;
mod format;
mod partial_products;
mod synthesis;

pub use accuracy::{AccuracyError, AccuracyTable};
pub use element::{ElementDemand, PeStyle, PrecisionError, ProcessingElement};
pub use format::{MAX_OPERAND_BITS, Precision};
pub use partial_products::{SPREADS, partial_products};
pub use synthesis::{
    SynthesisPoint, SynthesisUnit, Synthesised, left_out_error, synthesis_points, synthesised,
};
