//! Surrogates: models learned from logged designs.
//!
//! | module | holds |
//! |---|---|
//! | [`learners`] | one file for each learner, one row each in [`LEARNERS`] |
//! | [`features`], [`targets`] | designs, contexts and metrics as numbers that models see |
//! | [`random_forest`], [`gaussian_process`], [`network`] | what learners are made of |

pub mod features;
pub mod gaussian_process;
pub mod learners;
pub mod network;
pub mod random_forest;
pub mod targets;

use tapeout_core::LearnerEntry;

/// Every learner of this crate.
pub const LEARNERS: &[LearnerEntry] = &[LearnerEntry::of::<learners::RandomForestLearner>()];
