//! Scratchpads: buffers with lifetimes and sizes in one memory, each at an offset that it keeps.
//!
//! Buffers that live at the same time may not overlap; what is asked for is the least height, which is dynamic storage allocation and NP-hard.
//! [`Buffers`] is an instance, read from MiniMalloc's CSV; [`first_fit`] and [`lowest_first`] place in an order;
//! [`allocate_within`] searches for an allocation within a capacity or proves that there is none; [`least_height`] finds the best one.
//!
//! Source: Moffitt (2023), "MiniMalloc: a lightweight memory allocator for hardware-accelerated machine learning",
//! doi:10.1145/3623278.3624752.

mod buffers;
mod csv;
mod instances;
mod placement;
mod search;
#[cfg(test)]
mod tests;

pub use buffers::{BufferOverlap, Buffers, BuffersError, LiveBuffer, MAX_BUFFERS};
pub use csv::CsvError;
pub use instances::{MINIMALLOC_BYTE, SCRATCHPADS, ScratchpadRow, scratchpad};
pub use placement::{BufferKey, first_fit, lowest_first};
pub use search::{Allocated, LeastHeight, allocate_within, least_height};
