//! The vocabulary of design-space exploration, and the contracts between those who speak it.
//!
//! A [`DesignSpace`] says which hardware can be asked for, an [`Env`] says what a design is worth, a [`Problem`]
//! says what is wanted, and an [`Agent`] searches. A [`Surrogate`] predicts what an environment would say.
//! Nothing here reads a file, starts a thread or looks at a clock.
//!
//! | module | holds |
//! |---|---|
//! | [`parameter`], [`rule`], [`space`] | parameters, the rules that tie them together, and the legal designs they leave |
//! | [`narrowing`] | part of a space, and of an environment |
//! | [`encoding`] | every way to turn a design into numbers and back |
//! | [`outcome`], [`problem`] | what an evaluation says, and what is wanted of it |
//! | [`constraint`], [`definition`], [`unit`](mod@unit) | limits, metrics that follow from others, and the units that people write |
//! | [`judgement`], [`trial`] | what an outcome is worth in a problem, and a design with both |
//! | [`env`](mod@env), [`agent`], [`surrogate`] | the three contracts |
//! | [`breakdown`] | where the metrics of a design come from |
//! | [`model`], [`saved`] | fitted models as files, and their bytes |
//! | [`episode`] | a design space as a sequence of decisions |
//! | [`pareto`] | fronts, crowding, hypervolume |
//! | [`expression`] | arithmetic over named numbers, as people write it |
//! | [`catalog`], [`names`] | what is registered, by name, and what is said of an unknown name |
//! | [`check`] | conformance checks for everyone who implements a contract |
//! | [`seed`] | reproducible randomness |

pub mod agent;
pub mod breakdown;
pub mod catalog;
pub mod check;
pub mod config;
pub mod constraint;
pub mod definition;
pub mod encoding;
pub mod env;
pub mod episode;
pub mod expression;
pub mod judgement;
pub mod model;
pub mod names;
pub mod narrowing;
pub mod outcome;
pub mod parameter;
pub mod pareto;
pub mod problem;
pub mod rule;
pub mod saved;
pub mod seed;
pub mod space;
pub mod surrogate;
pub mod trial;
pub mod unit;

pub use agent::{Agent, AgentError, BuildAgent, ObjectiveSupport};
pub use catalog::{AgentEntry, BuildEnvError, BuildEnvFrom, Catalog, EnvEntry, LearnerEntry};
pub use config::ConfigError;
pub use constraint::{Constraint, Side};
pub use definition::{Column, Definition};
pub use encoding::{Encoder, Encoding};
pub use env::{BuildEnv, Env, EvalError};
pub use episode::Episode;
pub use judgement::Judgement;
pub use model::{ModelCard, ModelFile, ModelSource};
pub use names::UnknownName;
pub use narrowing::{KeptLevels, NarrowedEnv, Narrowing};
pub use outcome::{Metric, Outcome};
pub use parameter::{Domain, Parameter, Value};
pub use problem::{Direction, Goal, Objective, Problem, ProblemError};
pub use rule::Rule;
pub use saved::{LoadError, Saved};
pub use seed::{Seed, Stream};
pub use space::{
    CategoryParameter, CountParameter, Design, DesignIndex, DesignSpace, EqualLevelsText, Given,
    NumberParameter, PackedDesigns, Product, ProductText, SpaceError,
};
pub use surrogate::{
    BuildLearner, FitError, Learner, Prediction, Surrogate, TrainingData, TrainingDataError, WorkloadContext,
    WorkloadTrials,
};
pub use trial::Trial;
