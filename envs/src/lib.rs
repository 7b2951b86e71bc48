//! Environments: design spaces over the simulators.

mod recorded_kernel;

use tapeout_core::EnvEntry;

pub use recorded_kernel::{RecordedKernel, RecordedKernelConfig};

/// Every environment of this crate.
pub const ENVS: &[EnvEntry] = &[EnvEntry::of::<RecordedKernel>()];
