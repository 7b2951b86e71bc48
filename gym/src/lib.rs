//! Tapeout: a gym for hardware design-space exploration.
//!
//! This is the crate to depend on. It holds the [built-in catalog](builtin), the crates underneath as modules, the
//! [`gymnasium`] view of any problem, and a [`prelude`] with what a new agent or environment is written with.
//!
//! | module | holds |
//! |---|---|
//! | [`core`] | the vocabulary: design spaces, problems, trials, and the contracts of environments, agents, surrogates |
//! | [`simulators`] | cost models of hardware, usable without the rest; what a network costs is a [`NetworkCost`](simulators::network_cost::NetworkCost) |
//! | [`envs`], [`agents`], [`surrogates`] | what is built in |
//! | [`experiment`] | the loop, its log, and what is made of the log: summaries, comparisons, [plots](experiment::plot) |
//! | [`report`] | one HTML file of runs, comparisons, data sets, proposals |
//! | [`offline`] | design from logs alone: fit a model, search it, validate what it proposes |
//! | [`leaderboard`] | every agent on every environment that needs neither a device nor files of somebody's own |
//! | [`input`] | files from outside, within bounds |
//! | [`gpu`], [`measure`] | kernels for graphics processors, and filling tables with their measured times |
//! | [`gymnasium`] | `reset` and `step`, for reinforcement learners |
//!
//! ```
//! use tapeout::prelude::*;
//!
//! let catalog = tapeout::builtin();
//! let error = catalog.agent("no-such-agent").err().expect("nobody calls an agent that");
//! assert!(error.to_string().starts_with("unknown agent `no-such-agent`"));
//! ```
//!
//! A search in memory:
//!
//! ```
//! # use std::num::NonZeroUsize;
//! use tapeout::experiment::{Budget, Experiment, RunOptions, Spec, log::MemoryLog, search};
//!
//! let hundred = NonZeroUsize::new(100).expect("100 is not 0");
//! let spec = Spec::new("recorded-kernel", "ga", Budget::trials(hundred));
//! let experiment = Experiment::prepare(&tapeout::builtin(), spec)?;
//! let found = search(&experiment, &mut MemoryLog::default(), &RunOptions::default(), &mut ())?;
//! assert_eq!((found.summary.trials, found.run.trials().len()), (100, 100));
//! # Ok::<(), tapeout::experiment::RunError>(())
//! ```

mod builtin;
pub mod gymnasium;
pub mod leaderboard;
pub mod measure;
pub mod offline;
pub mod prelude;
mod proxy;

pub use builtin::builtin;
pub use proxy::{Proxy, ProxyConfig};
pub use tapeout_agents as agents;
pub use tapeout_core as core;
pub use tapeout_envs as envs;
pub use tapeout_experiment as experiment;
pub use tapeout_gpu as gpu;
pub use tapeout_input as input;
pub use tapeout_report as report;
pub use tapeout_simulators as simulators;
pub use tapeout_surrogates as surrogates;
