//! Surrogates: models learned from logged designs.

use tapeout_core::LearnerEntry;

/// Every learner of this crate.
pub const LEARNERS: &[LearnerEntry] = &[];
