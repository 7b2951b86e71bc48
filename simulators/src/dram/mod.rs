//! A DRAM controller and the devices behind it, command by command: time, energy and latencies of a trace of requests.
//!
//! Source: DRAMSys 4 (Steiner et al., 2020, doi:10.1007/978-3-030-60939-9_8), commit 460604a, whose observable behaviour this
//! states anew; energy as in DRAMPower (Chandrasekar et al., 2012), commit 1ddc48a. `docs/concepts/dram.md` holds the semantics;
//! "section 5" in the code is section 5 there. Checked against: runs and command logs of DRAMSys, `simulators/tests/models/dram/golden.rs`.
//!
//! A [`Simulator`] is a device and a trace; it answers for any [`Controller`], with memory that a [`Scratch`] keeps.
//!
//! | module | holds |
//! |---|---|
//! | `device`, `controller`, `trace` | the vocabulary: what the memory is, what a design sets, what is asked of it |
//! | `pattern`, `trace_file` | workloads from a seed or a file |
//! | `front_end` | sections 3 and 4: when requests arrive and responses leave |
//! | `queues` | section 5: stored requests, and which of them a bank turns to |
//! | `gates` | section 6: the earliest clock of each command |
//! | `refresh` | section 7: when a refresh is put off, forced or pulled in |
//! | `energy` | section 10: currents by command and state |
//! | `channel` | the controller made of these, one evaluation at a time |
//! | `fast_order` | section 8: the fast order of what happens in one clock |
//! | `kernel`, `mailbox`, `as_booked` | section 9: the exact order |
//! | `simulator`, `report` | the question, its answer |

mod address;
mod as_booked;
mod channel;
mod controller;
mod device;
mod devices;
mod energy;
mod fast_order;
mod front_end;
mod gates;
mod kernel;
mod mailbox;
mod pattern;
mod placed;
mod power_down;
mod queues;
mod refresh;
mod report;
mod simulator;
mod trace;
mod trace_file;

pub use address::{AddressField, AddressMap, AddressOrder};
pub use controller::{
    Arbiter, Controller, PagePolicy, RefreshPolicy, ResponseQueue, Scheduler, SchedulerBuffer,
};
pub use device::{BankShape, Currents, DramDevice, RefreshSets, Timing};
pub use devices::{DDR3_1600, DDR4_2400, DDR5_4800, DEVICES, HBM2_2000, LPDDR4_3200};
pub use pattern::Pattern;
pub use report::{Command, CommandKind, Counts, DramReport, Energy, Latency, Window};
pub use simulator::{Order, Scratch, Simulator};
pub use trace::{MAX_CYCLE, MAX_REQUESTS, Operation, Request, Trace, TraceError};
pub use trace_file::{TraceFileError, read_trace};

/// Whole clocks of the memory, from the start of a run.
type Clock = u64;

/// What never happens.
const NEVER: Clock = Clock::MAX;

#[cfg(test)]
mod tests;
