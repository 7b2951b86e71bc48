//! Requests with their place in the device, and the clocks of each: what the parts of a run share.

use super::Clock;
use super::trace::Operation;

/// A request and where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) cycle: Clock,
    pub(super) address: u64,
    pub(super) row: u32,
    pub(super) bank: u8,
    pub(super) operation: Operation,
}

impl Placed {
    /// Its bank, one of `B`.
    #[inline]
    pub(super) fn bank<const B: usize>(&self) -> usize {
        usize::from(self.bank) % B
    }
}

/// Clocks of each request; shape `[n]` both.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    /// `A`, when the arbiter admits it; once its response is known, its latency.
    pub(super) latencies: Vec<Clock>,
    /// When its last data, or its response, comes.
    pub(super) responses: Vec<Clock>,
}
