//! Surrogates: models learned from logged designs.

pub mod gaussian_process;
pub mod network;
pub mod random_forest;

use tapeout_core::LearnerEntry;

/// Every learner of this crate.
pub const LEARNERS: &[LearnerEntry] = &[];
