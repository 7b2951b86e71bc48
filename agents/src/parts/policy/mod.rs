//! What reinforcement learners share: decisions, distributions over them, rewards, and the networks that learn.
//!
//! A design is an [`Episode`](tapeout_core::Episode): one parameter is decided at each step, among the levels from which a
//! legal design can still be reached. The reward comes at the end.
//!
//! | module | holds |
//! |---|---|
//! | [`steps`] | the decisions that make designs, laid out for learning |
//! | [`categorical`] | a distribution over the levels allowed, and its gradients |
//! | [`reward`] | what a design is worth to a learner, and what a design from a log is |
//! | [`advantage`] | how much better a decision turned out than was expected of it |
//! | [`actor`] | a network that decides, and one that expects |
//! | [`team`] | actors that take turns |

pub mod actor;
pub mod advantage;
pub mod categorical;
pub mod reward;
pub mod steps;
pub mod team;
