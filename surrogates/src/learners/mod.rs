//! The learners: how each turns trials into a surrogate.

mod random_forest;
mod ranges;

pub use random_forest::RandomForestLearner;
