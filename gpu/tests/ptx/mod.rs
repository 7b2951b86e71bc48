//! A machine for the PTX of this family's kernels: it runs all threads of a block in step and watches shared memory.
//!
//! Source: PTX ISA 9.0, the sections named after the instructions. It knows those instructions that NVRTC makes of the
//! kernels, and no divergence: threads of a block take the same branches, which is checked.
//!
//! Asynchronous copies land as late as they may, when their group is waited for. To read a byte that has not landed, or
//! has landed since the last barrier, is an error, and so is to copy onto one that was read since then.

mod arithmetic;
mod machine;
mod program;
mod shared;

pub use machine::{Block, Global, run};
pub use program::Program;
