//! The learners: how each turns trials into a surrogate.

pub mod coms;
pub mod prime;
pub mod ram_listnet;
mod random_forest;
mod ranges;
pub mod support_proximity;

pub use coms::Coms;
pub use prime::{Improved, Paper, Prime};
pub use ram_listnet::RamListNet;
pub use random_forest::RandomForestLearner;
pub use support_proximity::SupportProximity;
