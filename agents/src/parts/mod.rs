//! What several agents are made of, once.
//!
//! | module | holds |
//! |---|---|
//! | [`seen`] | the designs already known, and how to get one that is not |
//! | [`scalarize`] | several objectives as one, and a total order of judgements |
//! | [`policy`] | decisions, rewards and networks, for reinforcement learners |
//! | [`variation`] | crossover and mutation |
//! | [`front_population`] | hyperparameters and size of a population that searches for a front |
//! | [`ranges`] | losses along their ranges |
//! | [`moves`] | the steps of a local search |
//! | [`search_state`] | the initial design before the first model, and all that a model learns from |
//! | [`history`] | all that was observed, as models want it |
//! | [`limits`] | how far designs are from each limit, as models want it |
//! | [`caution`] | how much is to be given on what a model says of acceptability |
//! | [`targets`] | losses as a model likes to learn them |
//! | [`acquisition`] | what a design is worth trying, from what a model expects of it |
//! | [`candidates`] | where a model looks for its next proposals |
//! | [`follower`] | a Gaussian process that follows a growing log within a bounded cost |

pub mod acquisition;
pub mod candidates;
pub mod caution;
pub mod follower;
pub mod front_population;
pub mod history;
pub mod limits;
pub mod moves;
pub mod policy;
pub mod ranges;
pub mod scalarize;
pub mod search_state;
pub mod seen;
pub mod targets;
pub mod variation;
