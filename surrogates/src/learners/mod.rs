//! The learners: how each turns trials into a surrogate.

mod boosted_trees;
pub mod coms;
mod gaussian_process;
mod mlp_ensemble;
pub mod prime;
pub mod ram_listnet;
mod random_forest;
pub mod support_proximity;

pub use boosted_trees::BoostedTrees;
pub use coms::Coms;
pub use gaussian_process::GaussianProcessLearner;
pub use mlp_ensemble::MlpEnsemble;
pub use prime::{Improved, Paper, Prime};
pub use ram_listnet::RamListNet;
pub use random_forest::RandomForestLearner;
pub use support_proximity::SupportProximity;
