//! How long a matrix product takes on a graphics processor, one kernel of a family at a time.
//!
//! The kernels multiply 16-bit floating point with narrow integers on the tensor cores; a [`Tile`] says which kernel, a
//! [`Gemm`] what it computes, a [`Device`] where. [`TileTimer`] is the question; [`Model`] answers it analytically, and
//! recorded or live measurements can answer it in its place.
//!
//! | module | holds |
//! |---|---|
//! | `operands`, `gemm`, `tile`, `device` | the vocabulary |
//! | `rules` | which tiles are kernels, before any is compiled |
//! | `occupancy`, `banks`, `instructions`, `traffic` | what a tile asks of a device |
//! | `model` | how long that takes |
//! | `timer` | the question, its answer, and why there may be none |

mod banks;
mod device;
mod gemm;
mod instructions;
mod model;
mod occupancy;
mod operands;
mod rules;
mod tile;
mod timer;
mod traffic;

pub use device::{DEVICES, Device, DeviceRow, Fitted, Pipes, device};
pub use gemm::{ExtentError, Gemm, Output, Scaling};
pub use instructions::{Instructions, conversion, layout, scaling};
pub use model::{Bound, MainLoop, Model, StepCycles, TileEstimate};
pub use occupancy::{Occupancy, Waves};
pub use operands::{ElementType, NarrowSide, Operands};
pub use rules::{StaticRule, TileField, static_fault};
pub use tile::{Conversion, Layout, MMA, Swizzle, Tile, WARP_THREADS};
pub use timer::{Stage, TileFault, TileTimer, TileTiming, TimerError};
