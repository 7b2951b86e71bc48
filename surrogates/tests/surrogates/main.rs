//! What holds for every learner: its contract, and that it learns.

mod contract;
mod learning;
