//! Surrogates: models learned from logged designs.
//!
//! | module | holds |
//! |---|---|
//! | [`learners`] | one file or folder for each learner, one row each in [`LEARNERS`] |
//! | [`models`] | what learners are made of: trees, Gaussian processes, networks |
//! | [`features`], [`targets`] | designs, contexts and metrics as numbers that models see |
//! | `baseline` | what the classic regressions of smartcore share |
//! | `offline` | what the learners for offline optimisation share |
//! | [`firefly`] | the moves of fireflies, for the miner of PRIME and the agent |
//! | [`support`] | how far a design is from all that was logged |
//! | [`Outlook`] | what a model expects of designs for several workloads |
//! | [`SurrogateEnv`] | a fitted model as an environment |
//! | [`errors`] | how wrong predictions are |

mod baseline;
pub mod errors;
pub mod features;
pub mod firefly;
pub mod learners;
pub mod models;
mod offline;
mod outlook;
mod subset;
pub mod support;
mod surrogate_env;
pub mod targets;

pub use baseline::{Baseline, Regression};
use learners::{
    BoostedTrees, Coms, GaussianProcessLearner, Improved, KNearest, MlpEnsemble, Paper, Prime, RamListNet,
    RandomForestLearner, Ridge, SupportProximity, Svr,
};
pub use offline::{TrainingConfig, TrainingDefaults};
pub use outlook::{Combination, Outlook};
pub use surrogate_env::{PREDICTED_INFEASIBLE, SurrogateEnv, View};
use tapeout_core::LearnerEntry;

/// Every learner of this crate.
pub const LEARNERS: &[LearnerEntry] = &[
    LearnerEntry::of::<Baseline<Ridge>>(),
    LearnerEntry::of::<Baseline<KNearest>>(),
    LearnerEntry::of::<Baseline<Svr>>(),
    LearnerEntry::of::<RandomForestLearner>(),
    LearnerEntry::of::<BoostedTrees>(),
    LearnerEntry::of::<GaussianProcessLearner>(),
    LearnerEntry::of::<MlpEnsemble>(),
    LearnerEntry::of::<Prime<Improved>>(),
    LearnerEntry::of::<Prime<Paper>>(),
    LearnerEntry::of::<Coms>(),
    LearnerEntry::of::<RamListNet>(),
    LearnerEntry::of::<SupportProximity>(),
];
