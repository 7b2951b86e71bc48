//! The learners: how each turns trials into a surrogate.

mod boosted_trees;
pub mod coms;
mod gaussian_process;
mod k_nearest;
mod mlp_ensemble;
pub mod prime;
pub mod ram_listnet;
mod random_forest;
mod ridge;
pub mod support_proximity;
mod svr;

pub use boosted_trees::BoostedTrees;
pub use coms::Coms;
pub use gaussian_process::GaussianProcessLearner;
pub use k_nearest::{KNearest, KNearestConfig, LoggedRows};
pub use mlp_ensemble::MlpEnsemble;
pub use prime::{Improved, Paper, Prime};
pub use ram_listnet::RamListNet;
pub use random_forest::RandomForestLearner;
pub use ridge::{Line, Ridge, RidgeConfig};
pub use support_proximity::SupportProximity;
pub use svr::{KernelSum, Svr, SvrConfig};
