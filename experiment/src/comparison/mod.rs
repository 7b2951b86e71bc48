//! Agents side by side: every agent in every environment with every seed, under one budget, and what that says.
//!
//! ```text
//! ComparisonPlan -> conduct -> OUT/<env>/<agent>/<seed>/ (run folders) -> ComparisonResults -> Standings . tables . pictures
//! ```
//!
//! A cell is an ordinary run folder. One that is finished is read, one that was interrupted is resumed, and one of another
//! experiment is refused; so a comparison can be stopped at any time, and grown by agents, seeds or trials.
//!
//! | module | holds |
//! |---|---|
//! | [`plan`] | what is compared, and its cells |
//! | [`variants()`] | hyperparameters of one agent as agents to compare |
//! | [`conduct`](mod@conduct) | running the cells side by side, a thread each, or a [`Shard`] of them |
//! | [`decide`] | running them until it is decided who differs |
//! | [`merge`](merge()) | taking over what other machines ran in folders of their own |
//! | [`refuse_stale`] | whether agents would make the runs again that are there |
//! | [`trace`] | what counts of a run: its incumbents |
//! | [`results`] | what each run was worth after so many trials, on a scale that all runs of an environment share |
//! | [`reference`](ReferenceValue) | where hypervolumes end |
//! | [`cost`] | what the runs took |
//! | [`estimate`] | a figure with its interval |
//! | [`pairs`] | every two agents, seed by seed, and what so many seeds can show |
//! | [`standings`] | what the results say: quartiles, means, ranks, tests, each with its interval |
//! | [`tables`] | `results.csv`, `results.parquet`, `summary.csv`, `pairs.csv`, `costs.csv` |
//! | [`opened`] | a comparison read again from its folder |
//! | [`pictures`] | progress, runtime distributions, performance profiles, final results, ranks, costs |

pub mod conduct;
pub mod cost;
pub mod decide;
pub mod error;
pub mod estimate;
mod merge;
pub mod opened;
pub mod pairs;
mod parquet;
pub mod pictures;
pub mod plan;
mod reference;
pub mod results;
mod rows;
mod shard;
mod stale;
pub mod standings;
pub mod tables;
pub mod trace;
pub mod variants;

pub use conduct::{Conditions, ShardDone, conduct, conduct_shard};
pub use cost::{AgentCost, RunCost};
pub use decide::{Decided, DecidedPair, conduct_until_decided};
pub use error::ComparisonError;
pub use estimate::IntervalEstimate;
pub use merge::merge;
pub use opened::OpenedComparison;
pub use pairs::{Pair, PairedTest};
pub use plan::{Cell, ComparedAgent, ComparedEnv, ComparisonPlan};
pub use reference::ReferenceValue;
pub use results::{ComparisonResults, EnvResults};
pub use shard::Shard;
pub use stale::refuse_stale;
pub use standings::{Standing, Standings};
pub use trace::RunTrace;
pub use variants::{Knob, variants};
