//! Any problem as a Gymnasium environment: spaces, `reset` and `step`, ids with versions, wrappers, vectorisation.
//!
//! This follows the semantics and the names of the Python project Gymnasium 1.x
//! (<https://gymnasium.farama.org>), natively. The crate gymnasium-rs 0.1.1 was looked at and is not used: it is
//! unmaintained, it has only `Discrete` and one-dimensional `Box` spaces, and it pins pyo3 0.19, which would bar Python
//! bindings from the workspace.
//!
//! | here | in Gymnasium |
//! |---|---|
//! | [`Environment`] | `gymnasium.Env`, with `OrderEnforcing` built in |
//! | [`spaces`] | `gymnasium.spaces`: `Discrete`, `MultiDiscrete`, `Box`, `Dict`, and masks |
//! | [`make`], [`make_vec`], [`ids`] | `gymnasium.make`, `make_vec`, `registry` |
//! | [`VectorEnvironment`], [`AutoresetMode`] | `gymnasium.vector.VectorEnv`, in threads |
//! | [`wrappers`] | `TimeLimit`, `NormalizeObservation`, `RecordEpisodeStatistics` |
//! | [`check_environment`] | `gymnasium.utils.env_checker.check_env` |
//!
//! An environment of the catalog comes in two [episode styles](EpisodeStyle): [`WholeDesign`] takes the whole design as
//! one action, [`ParameterByParameter`] one parameter a step, with an action mask. Rewards are made from
//! [`Problem::judge`](tapeout_core::Problem::judge) by a [`RewardPolicy`].
//!
//! [`DramOnlineEpisodes`] is no design but a memory controller at work, which is told anew what to do after every window of requests.
//!
//! Where this departs from Python:
//!
//! * Nothing is drawn from the operating system. An environment that was never seeded starts from seed 0, and
//!   [`Space::sample`](spaces::Space::sample) is handed its generator.
//! * Stepping before `reset`, or after the end of an episode, is an error everywhere and not undefined.
//! * [`Info`] is a struct, and the infos of a vector are a list.
//! * No wrapper reads a clock.
//!
//! ```
//! use std::sync::Arc;
//! use tapeout::core::check::toy::Toy;
//! use tapeout::core::{Goal, Objective, Seed};
//! use tapeout::gymnasium::{DesignTask, Environment, ParameterByParameter, ResetOptions, RewardPolicy};
//!
//! let goal = Goal { objectives: vec![Objective::minimize("spread")], constraints: Vec::new() };
//! let task = DesignTask::new(Arc::new(Toy::tied()), goal, RewardPolicy::weighted_sum())?;
//! let mut env = ParameterByParameter::new(task);
//!
//! let mut rng = Seed::new(0).stream("actions");
//! let (_, mut info) = env.reset(Some(42), &ResetOptions::default())?;
//! let last = loop {
//!     let action = env.action_space().sample(&mut rng, info.action_mask.as_ref());
//!     let step = env.step(&action)?;
//!     if step.terminated || step.truncated {
//!         break step;
//!     }
//!     info = step.info;
//! };
//! assert_eq!(last.reward, -last.info.metrics["spread"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod dram_online;
mod environment;
mod parameter_by_parameter;
mod registry;
mod reward;
pub mod spaces;
mod task;
mod vector;
mod whole_design;
pub mod wrappers;

pub use check::check_environment;
pub use dram_online::DramOnlineEpisodes;
pub use environment::{
    Beginning, Environment, EnvironmentError, EpisodeStatistics, Infeasibility, Info, ResetOptions, Step,
};
pub use parameter_by_parameter::ParameterByParameter;
pub use registry::{EpisodeStyle, MakeError, MakeOptions, id_of, ids, make, make_vec};
pub use reward::{RewardError, RewardPolicy, Scalarization};
pub use task::{DesignTask, Failures, MASKED_ACTION, TaskError};
pub use vector::{AutoresetMode, VectorEnvironment, VectorError, VectorStep};
pub use whole_design::WholeDesign;
