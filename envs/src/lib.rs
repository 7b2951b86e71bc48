//! Environments: design spaces over the simulators.

mod edge_accelerator;
mod recorded_kernel;

use tapeout_core::EnvEntry;

pub use edge_accelerator::{EdgeAccelerator, EdgeAcceleratorConfig};
pub use recorded_kernel::{RecordedKernel, RecordedKernelConfig};

/// Every environment of this crate.
pub const ENVS: &[EnvEntry] = &[EnvEntry::of::<EdgeAccelerator>(), EnvEntry::of::<RecordedKernel>()];
