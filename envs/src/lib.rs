//! Environments: design spaces over the simulators.

use tapeout_core::EnvEntry;

/// Every environment of this crate.
pub const ENVS: &[EnvEntry] = &[];
