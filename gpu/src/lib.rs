//! Kernels that multiply 16-bit floating point with narrow integers on a graphics processor: a family of them in one
//! CUDA C++ source, one kernel for each [`Tile`](tapeout_simulators::gpu_gemm::Tile); and measuring them.
//!
//! | module | holds |
//! |---|---|
//! | `kernel/*.cu` | the source: conversions, layouts, copies, the main loop |
//! | `source` | the source of one kernel, its constants filled in |
//! | `launch` | with how many blocks, threads and bytes it is launched |
//! | `weights` | how the narrow operand is stored for it |
//! | `nvrtc` | compiling it, if NVRTC is installed; no GPU and no CUDA headers are needed |
//! | `report`, `cubin` | what the compiler says of it: registers, spills, instructions |
//! | `measurement`, `written` | what a measurement says, and how it is written down |
//! | `table`, `recording` | tables of measurements, and their answer to how long a tile takes |
//! | `bench` | measuring in child processes with time limits |
//! | `live` | what such a process does on a device: operands, reference, timing, cuBLASLt, clocks and power |
//!
//! Nothing of CUDA is needed to build this crate: libraries are looked for when they are first asked for.

mod bench;
mod cubin;
mod launch;
mod live;
mod measurement;
mod nvrtc;
mod recording;
mod report;
mod source;
mod table;
mod table_error;
mod weights;
mod written;

pub use bench::{
    BenchError, DESIGNS_PER_PROCESS, Halt, LiveTimer, Measurement, Measurer, Modelled, Station,
    StationLimits, WorkerCommand, check_memory, serve,
};
pub use cubin::CubinError;
pub use launch::LaunchGeometry;
pub use live::{Live, Unavailable, missing};
pub use measurement::{
    By, Compiled, DeviceState, Fault, FaultRule, Job, Measured, Origin, Session, TimingMethod,
};
pub use nvrtc::{CompileError, Cubin, GpuArchitecture, Nvrtc, NvrtcMissing};
pub use recording::Recording;
pub use report::{CompileReport, CompilerLogError, InstructionMix, ReportError};
pub use source::KernelSource;
pub use table::{JobAnswer, RowOutcome, Table, TableRow, TableWriter};
pub use table_error::{LineFault, TableError};
pub use weights::NarrowOrder;
