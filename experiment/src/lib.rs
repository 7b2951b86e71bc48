//! Experiments: the loop, its durable log, and what is made of it.
//!
//! ```text
//! spec.toml -> Spec -> Experiment::prepare -> run -> folder: spec.toml . trials.jsonl . summary.json
//!                                   resume, replay <- folder
//!                     Experiment::with_env -> search <-> Log: a folder, memory, or one's own
//! ```
//!
//! A run is a function of its [`Spec`]: the same spec gives the same log, byte for byte but for the timings at the end
//! of each line, on any number of threads. A run that was killed is resumed by replaying its log and going on, and ends
//! with the log of an unbroken one; so agents are never saved.
//!
//! | module | holds |
//! |---|---|
//! | [`spec`], [`budget`] | what to run: read from TOML, with errors that name file, line, field and remedy |
//! | [`experiment`] | a spec that met the catalog: environment, problem, agent |
//! | [`warm_start`] | trials of earlier logs, which the agent is told before its first proposal |
//! | [`run`](mod@run), [`replay`](mod@replay) | the one loop in which agent and environment meet, over any log |
//! | [`evaluate`](mod@evaluate) | designs outside of any run |
//! | [`observer`] | what the loop tells whoever watches |
//! | [`log`] | what keeps trials: the contract, memory, and `trials.jsonl`: format, durability, reading |
//! | [`AskTell`] | a run whose loop somebody else holds |
//! | [`folder`] | a run on disk: begun, gone on with, read |
//! | [`summary`] | `summary.json`: what came of it |
//! | [`progress`] | how far a run has come, in words |
//! | [`plot`] | pictures of runs, as SVG and PNG |
//! | [`comparison`] | agents side by side, over environments and seeds |
//! | [`dataset`] | tables of trials, from logs or drawn at random, to learn from: files, splits |
//! | [`statistics`] | quantiles, bootstrap intervals, ranks, paired tests |
//! | [`error`], [`spec_error`] | why a run cannot begin or go on, and what to do about it |
//!
//! Nothing here prints; only the clock module looks at a clock.

mod ask_tell;
pub mod budget;
mod checksum;
mod clock;
pub mod comparison;
pub mod dataset;
mod durable_file;
pub mod error;
pub mod evaluate;
pub mod executor;
pub mod experiment;
mod export;
mod failures;
mod finished;
pub mod folder;
mod following;
mod input_files;
mod lessons;
pub mod log;
pub mod observer;
mod packing;
mod parquet_column;
pub mod plot;
pub mod progress;
pub mod replay;
mod retry;
pub mod run;
mod run_files;
mod search;
pub mod spec;
pub mod spec_error;
mod spec_location;
mod spec_words;
pub mod statistics;
pub mod summary;
mod trials;
pub mod warm_start;
mod warm_start_fault;
mod workers;

pub use ask_tell::{AskTell, Asked};
pub use budget::{Budget, BudgetTarget, StopReason};
pub use durable_file::put_whole;
pub use error::RunError;
pub use evaluate::{OnFailure, evaluate};
pub use executor::Executor;
pub use experiment::Experiment;
pub use export::{ExportForm, export};
pub use finished::{Finished, Run};
pub use folder::{resume, run};
pub use following::{Following, News};
pub use observer::{Event, Observer, Progress};
pub use packing::{Compressed, compress};
pub use progress::{BestSoFar, LinePace};
pub use replay::{ReplayReport, replay};
pub use retry::{Retried, retry_failed};
pub use run::{RunOptions, search};
pub use spec::{AgentSpec, EnvSpec, LogSpec, Spec, SyncPolicy};
pub use spec_error::{SpecError, SpecFault};
pub use spec_location::Position;
pub use summary::Summary;
pub use trials::{TrialIter, Trials};
pub use warm_start::WarmStart;
pub use warm_start_fault::WarmStartFault;
pub use workers::ThreadsError;
