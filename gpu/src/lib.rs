//! Kernels that multiply 16-bit floating point with narrow integers on a graphics processor: a family of them in one
//! CUDA C++ source, one kernel for each [`Tile`](tapeout_simulators::gpu_gemm::Tile).
//!
//! | module | holds |
//! |---|---|
//! | `kernel/*.cu` | the source: conversions, layouts, copies, the main loop |
//! | `source` | the source of one kernel, its constants filled in |
//! | `launch` | with how many blocks, threads and bytes it is launched |
//! | `weights` | how the narrow operand is stored for it |
//! | `nvrtc` | compiling it, if NVRTC is installed; no GPU and no CUDA headers are needed |
//! | `report`, `cubin` | what the compiler says of it: registers, spills, instructions |
//!
//! Nothing of CUDA is needed to build this crate: NVRTC is looked for when it is first asked for.

mod cubin;
mod launch;
mod nvrtc;
mod report;
mod source;
mod weights;

pub use cubin::CubinError;
pub use launch::LaunchGeometry;
pub use nvrtc::{Architecture, CompileError, Cubin, Nvrtc, NvrtcMissing};
pub use report::{CompileReport, InstructionMix, LogError};
pub use source::KernelSource;
pub use weights::NarrowOrder;
