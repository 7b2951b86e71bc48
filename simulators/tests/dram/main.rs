//! The DRAM controller against runs of DRAMSys 4, its two orders of events against one another, and its memory.

mod golden;
mod orders;
