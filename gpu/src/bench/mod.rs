//! Measuring in child processes, so that a kernel that hangs or breaks its context costs one design and no more.
//!
//! A [`Station`] has a child process to itself and asks it for one design at a time, in two steps: to *prepare* is to
//! compile, which any number of stations can do at once; to *run* needs the device, which stations lend each other. Parent and
//! child exchange lines of JSON over the child's standard input and output; [`serve`] is the child's side.

mod measurer;
mod memory;
mod modelled;
mod protocol;
mod serve;
mod station;
mod timer;
mod worker;

pub use measurer::{Halt, Measurer};
pub use memory::check_memory;
pub use modelled::Modelled;
pub use serve::serve;
pub use station::{DESIGNS_PER_PROCESS, Measurement, Station, StationLimits};
pub use timer::LiveTimer;
pub use worker::{BenchError, WorkerCommand};
