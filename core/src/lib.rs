//! The vocabulary of design-space exploration, and the contracts between those who speak it.
//!
//! A [`DesignSpace`] says which hardware can be asked for, an [`Env`] says what a design is worth, a [`Problem`]
//! says what is wanted, and an [`Agent`] searches. A [`Surrogate`] predicts what an environment would say.
//! Nothing here reads a file, starts a thread or looks at a clock.
//!
//! | module | holds |
//! |---|---|
//! | [`parameter`], [`rule`], [`space`] | parameters, the rules that tie them together, and the legal designs they leave |
//! | [`encoding`] | every way to turn a design into numbers and back |
//! | [`outcome`], [`problem`] | what an evaluation says, and what is wanted of it |
//! | [`env`](mod@env), [`agent`], [`surrogate`] | the three contracts |
//! | [`model`] | fitted models as files |
//! | [`episode`] | a design space as a sequence of decisions |
//! | [`pareto`] | fronts, crowding, hypervolume |
//! | [`catalog`] | what is registered, by name |
//! | [`check`] | conformance checks for everyone who implements a contract |
//! | [`seed`] | reproducible randomness |

pub mod agent;
pub mod catalog;
pub mod check;
pub mod config;
pub mod encoding;
pub mod env;
pub mod episode;
pub mod model;
pub mod outcome;
pub mod parameter;
pub mod pareto;
pub mod problem;
pub mod rule;
pub mod seed;
pub mod space;
pub mod surrogate;

pub use agent::{Agent, AgentError, BuildAgent, ObjectiveSupport};
pub use catalog::{AgentEntry, Catalog, EnvEntry, LearnerEntry, UnknownName};
pub use config::ConfigError;
pub use encoding::{Encoder, Encoding};
pub use env::{BuildEnv, Env, EvalError};
pub use episode::Episode;
pub use model::{LoadError, ModelCard, ModelFile, Saved, Source};
pub use outcome::{Metric, Outcome, Trial};
pub use parameter::{Domain, Parameter, Value};
pub use problem::{Constraint, Direction, Goal, Judgement, Objective, Problem, ProblemError};
pub use rule::Rule;
pub use seed::{Seed, Stream};
pub use space::{Design, DesignSpace, SpaceError};
pub use surrogate::{
    Application, BuildLearner, FitError, Learner, Prediction, Surrogate, Task, TrainingData,
    TrainingDataError,
};
