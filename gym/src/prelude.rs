//! What a new agent or environment is written with, and the plots of what it found: `use tapeout::prelude::*;`.

pub use tapeout_core::check::{check_agent, check_env, check_surrogate};
pub use tapeout_core::{
    Agent, AgentEntry, AgentError, BuildAgent, BuildEnv, BuildLearner, Catalog, CategoryParameter,
    ConfigError, Constraint, CountParameter, Design, DesignSpace, Env, EnvEntry, EvalError, FitError, Goal,
    Judgement, Learner, LearnerEntry, Metric, NumberParameter, Objective, ObjectiveSupport, Outcome,
    Parameter, Prediction, Problem, Rule, Seed, Stream, Surrogate, Trial, Value,
};
pub use tapeout_experiment::plot::{Plot, pareto_of, progress_of};
