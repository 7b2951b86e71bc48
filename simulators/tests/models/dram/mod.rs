//! The DRAM controller against runs of DRAMSys 4, its two orders of events against one another, and its memory.

#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in the functions they share")]

mod golden;
mod memories;
mod orders;
