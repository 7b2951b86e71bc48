//! A spec that met the catalog.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use tapeout_core::names::nearest_name;
use tapeout_core::{
    Agent, AgentEntry, BuildEnvError, Catalog, ConfigError, Constraint, Direction, Env, EnvEntry, Goal,
    NarrowedEnv, Objective, Problem, ProblemError, Seed, Trial,
};

use crate::budget::Budget;
use crate::input_files;
use crate::lessons;
use crate::log::Header;
use crate::spec::{AgentSpec, EnvSpec, Spec};
use crate::spec_error::{SpecError, SpecFault};
use crate::warm_start_fault::WarmStartFault;

/// A spec with the environment, the problem and the agent that it names. Copies share the environment.
#[derive(Clone)]
pub struct Experiment {
    spec: Spec,
    env: Arc<dyn Env>,
    problem: Problem,
    agent: AgentEntry,
}

impl Experiment {
    /// Finds what `spec` names, builds it, and fills in every default.
    ///
    /// # Errors
    /// [`SpecError`] if a name is unknown, a setting is refused, the goal does not fit the environment, or a number is out
    /// of range; with the place, if the spec was read from a file.
    pub fn prepare(catalog: &Catalog, mut spec: Spec) -> Result<Self, SpecError> {
        check_seed(&spec)?;
        env_entry(catalog, &spec)?;
        agent_entry(catalog, &spec)?; // a name is wrong before a setting is
        let (env, default_goal) = Self::build_env(catalog, &mut spec)?;
        Self::with_env(catalog, spec, env, default_goal)
    }

    /// The environment that `spec` names and what to optimise in it when nobody says, to be shared by all experiments in it
    /// ([`Experiment::with_env`]). In the spec its version, every setting and the checksums of its files are filled in.
    ///
    /// # Errors
    /// [`SpecError`] if there is no such environment, in this version, or a setting is refused.
    pub fn build_env(catalog: &Catalog, spec: &mut Spec) -> Result<(Arc<dyn Env>, Goal), SpecError> {
        Self::resolve_env(catalog, spec)?;
        let settings = Value::Object(spec.env.config.clone());
        let built = catalog.build_env(&spec.env.id, &settings).map_err(|error| match error {
            BuildEnvError::UnknownName(error) => spec.fault("env.id", SpecFault::UnknownName(error)),
            BuildEnvError::Config(error) => config_fault(spec, "env.config", error),
        });
        let (env, default_goal) = built?;
        let entry = env_entry(catalog, spec)?;
        if !entry.programs.is_empty() {
            // The program has read its files by itself, perhaps after they were edited.
            let EnvSpec { config, files, .. } = &mut spec.env;
            let same = input_files::resolve(config, files, entry.files, &entry.defaults(), None);
            same.map_err(|fault| spec.fault("env.config", fault))?;
        }
        Ok((env.into(), default_goal))
    }

    /// The environment that a log or a data set names, with its files as they were then, and what to optimise in it when nobody says. Which
    /// version of it that was is for whoever asks to look at.
    ///
    /// # Errors
    /// As [`Experiment::build_env`].
    pub fn env_again(catalog: &Catalog, env: &EnvSpec) -> Result<(Arc<dyn Env>, Goal), SpecError> {
        let mut spec = Spec::new(&env.id, "random", Budget::trials(NonZeroUsize::MIN));
        spec.env = EnvSpec { version: None, ..env.clone() };
        Self::build_env(catalog, &mut spec)
    }

    /// Fills in what [`Experiment::build_env`] does, without building anything: environments with the same `spec.env` are the same.
    ///
    /// # Errors
    /// [`SpecError`] if there is no such environment, in this version, or a setting is unknown or of the wrong type.
    pub fn resolve_env(catalog: &Catalog, spec: &mut Spec) -> Result<(), SpecError> {
        let entry = env_entry(catalog, spec)?;
        if let Some(got) = spec.env.version.filter(|&version| version != entry.version) {
            let fault = SpecFault::EnvVersion { env: entry.id.to_owned(), got, expected: entry.version };
            return Err(spec.fault("env.version", fault));
        }
        spec.env.version = Some(entry.version);
        let folder = spec.text.path().and_then(Path::parent).map(Path::to_owned);
        // Programs first: resolving may ask them.
        input_files::with_full_paths(&mut spec.env.config, entry.programs, folder.as_deref());
        let settings = Value::Object(spec.env.config.clone());
        let resolved = entry.resolve(&settings).map_err(|error| config_fault(spec, "env.config", error));
        spec.env.config = object(resolved?);
        let EnvSpec { config, files, .. } = &mut spec.env;
        let resolved = input_files::resolve(config, files, entry.files, &entry.defaults(), folder.as_deref());
        resolved.map_err(|fault| spec.fault("env.config", fault))
    }

    /// What `spec` says, in an environment that need not be in the catalog: `env.id` is what messages call it.
    ///
    /// `default_goal`: what to optimise if the spec does not say.
    ///
    /// # Errors
    /// As [`Experiment::prepare`].
    pub fn with_env(
        catalog: &Catalog,
        mut spec: Spec,
        env: Arc<dyn Env>,
        default_goal: Goal,
    ) -> Result<Self, SpecError> {
        check_seed(&spec)?;
        let env = narrowed(&spec, env)?;
        let problem = problem(&mut spec, env.as_ref(), default_goal)?;
        check_budget(&spec, &problem)?;
        Self::assemble(catalog, spec, env, problem)
    }

    /// The same problem, in the same environment, for another agent.
    ///
    /// # Errors
    /// [`SpecError`] if there is no such agent, or it refuses a hyperparameter.
    pub fn with_agent(&self, catalog: &Catalog, agent: AgentSpec) -> Result<Self, SpecError> {
        let spec = Spec { agent, ..self.spec.clone() };
        Self::assemble(catalog, spec, Arc::clone(&self.env), self.problem.clone())
    }

    /// The same with another seed.
    ///
    /// # Errors
    /// [`SpecError`] if the seed cannot be written in a spec.
    pub fn with_seed(&self, seed: Seed) -> Result<Self, SpecError> {
        let same = Self { spec: Spec { seed, ..self.spec.clone() }, ..self.clone() };
        check_seed(&same.spec)?;
        Ok(same)
    }

    /// Finds the agent, makes sure that it can begin, and resolves what it is to learn from.
    fn assemble(
        catalog: &Catalog,
        mut spec: Spec,
        env: Arc<dyn Env>,
        problem: Problem,
    ) -> Result<Self, SpecError> {
        let agent = agent_entry(catalog, &spec)?;
        let folder = spec.text.path().and_then(Path::parent).map(Path::to_owned);
        input_files::with_full_paths(&mut spec.agent.config, agent.programs, folder.as_deref());
        let settings = Value::Object(spec.agent.config.clone());
        let resolved = agent.resolve(&settings).map_err(|error| config_fault(&spec, "agent.config", error));
        spec.agent.config = object(resolved?);
        let AgentSpec { config, files, .. } = &mut spec.agent;
        let resolved = input_files::resolve(config, files, agent.files, &agent.defaults(), folder.as_deref());
        resolved.map_err(|fault| spec.fault("agent.config", fault))?;
        let settings = Value::Object(spec.agent.config.clone());
        let refused = |error| config_fault(&spec, "agent.config", error);
        agent.build(&problem, &settings, spec.seed).map_err(refused)?;
        let mut experiment = Self { spec, env, problem, agent };
        for index in 0..experiment.spec.warm_start.len() {
            let (here, warm_start) = (experiment.header(), &experiment.spec.warm_start[index]);
            let resolved = lessons::resolved(warm_start, &here, &experiment.problem);
            experiment.spec.warm_start[index] =
                resolved.map_err(|fault| experiment.warm_start_fault(index, fault))?;
        }
        Ok(experiment)
    }

    /// The spec, with every default filled in.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The environment.
    pub fn env(&self) -> &dyn Env {
        self.env.as_ref()
    }

    /// The problem the agent is given.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What whoever asked for this may not know: constraints that the environment keeps in any case.
    pub fn notes(&self) -> Vec<String> {
        let enforced = self.env.enforced();
        let note = |constraint: &Constraint| {
            let stricter = enforced.iter().find(|limit| limit.implies(constraint))?;
            Some(format!(
                "`{constraint}` has nothing to do: designs beyond `{stricter}` are infeasible in `{}`",
                self.spec.env.id
            ))
        };
        self.problem.constraints().iter().filter_map(note).collect()
    }

    /// A fresh agent, before its first proposal.
    pub(crate) fn agent(&self) -> Result<Box<dyn Agent>, SpecError> {
        let settings = Value::Object(self.spec.agent.config.clone());
        let agent = self.agent.build(&self.problem, &settings, self.spec.seed);
        let agent = agent.map_err(|error| config_fault(&self.spec, "agent.config", error))?;
        if !self.agent.programs.is_empty() {
            // As of an environment: the program has read its files by itself.
            let AgentSpec { mut config, mut files, .. } = self.spec.agent.clone();
            let same =
                input_files::resolve(&mut config, &mut files, self.agent.files, &self.agent.defaults(), None);
            same.map_err(|fault| self.spec.fault("agent.config", fault))?;
        }
        Ok(agent)
    }

    /// What its log begins with.
    pub(crate) fn header(&self) -> Header {
        Header::of(&self.spec, self.env(), &self.problem)
    }

    /// What the agent is told before its first proposal, judged by the problem of this experiment: all that has a result.
    pub(crate) fn warm_trials(&self) -> Result<Vec<Trial>, SpecError> {
        let mut trials = Vec::new();
        for (index, warm_start) in self.spec.warm_start.iter().enumerate() {
            let records = lessons::read(warm_start, &self.header(), &self.problem);
            let records = records.map_err(|fault| self.warm_start_fault(index, fault))?;
            // A failure says nothing of the design, so it may be asked about again.
            let records = records.into_iter().filter(|record| !record.outcome.is_failed());
            trials.extend(records.map(|record| self.problem.trial(record.design, record.outcome)));
        }
        Ok(trials)
    }

    fn warm_start_fault(&self, index: usize, fault: WarmStartFault) -> SpecError {
        self.spec.fault(&format!("warm_start[{index}]"), SpecFault::WarmStart(fault))
    }

    /// The same experiment for longer, or less long.
    ///
    /// # Errors
    /// [`SpecError`] if the budget does not fit the problem.
    pub fn with_budget(mut self, budget: Budget) -> Result<Self, SpecError> {
        self.spec.budget = budget;
        check_budget(&self.spec, &self.problem)?;
        Ok(self)
    }
}

impl fmt::Debug for Experiment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Experiment").field("spec", &self.spec).finish_non_exhaustive()
    }
}

fn env_entry<'a>(catalog: &'a Catalog, spec: &Spec) -> Result<&'a EnvEntry, SpecError> {
    catalog.env(&spec.env.id).map_err(|error| spec.fault("env.id", SpecFault::UnknownName(error)))
}

fn agent_entry(catalog: &Catalog, spec: &Spec) -> Result<AgentEntry, SpecError> {
    let agent = catalog.agent(&spec.agent.id).cloned();
    agent.map_err(|error| spec.fault("agent.id", SpecFault::UnknownName(error)))
}

/// Settings are structs, and a struct is an object.
fn object(config: Value) -> Map<String, Value> {
    match config {
        Value::Object(object) => object,
        _ => Map::new(), // a unit struct: no settings
    }
}

fn config_fault(spec: &Spec, table: &str, error: ConfigError) -> SpecError {
    let field = if error.field.is_empty() { table.to_owned() } else { format!("{table}.{}", error.field) };
    spec.fault(&field, SpecFault::Config(error))
}

/// TOML's integers have 63 bits (TOML 1.0.0, "Integer"), and the spec is written down as TOML.
fn check_seed(spec: &Spec) -> Result<(), SpecError> {
    let seed = spec.seed.number();
    if i64::try_from(seed).is_ok() {
        return Ok(());
    }
    Err(spec.fault("seed", SpecFault::OutOfRange { got: seed.to_string(), expected: "at most 2^63 - 1" }))
}

/// Fills in the environment's goal where the spec has none.
fn problem(spec: &mut Spec, env: &dyn Env, default_goal: Goal) -> Result<Problem, SpecError> {
    if spec.objectives.is_none() && default_goal.objectives.is_empty() {
        let metrics = env.metrics().iter().map(|metric| metric.name.clone()).collect();
        return Err(spec.fault("objectives", SpecFault::NoDefaultGoal { env: spec.env.id.clone(), metrics }));
    }
    let goal = Goal {
        objectives: spec.objectives.clone().unwrap_or(default_goal.objectives),
        constraints: spec.constraints.clone().unwrap_or(default_goal.constraints),
    };
    let (space, metrics, derived) = (env.space().clone(), env.metrics().to_vec(), spec.derived.clone());
    let problem = Problem::with_definitions(space, metrics, derived, goal.clone());
    let problem = problem.map_err(|error| {
        let field = goal_field(spec, &goal, &error);
        spec.fault(&field, SpecFault::Goal(error))
    })?;
    let Goal { objectives, constraints } = problem.goal().clone();
    (spec.objectives, spec.constraints) = (Some(objectives), Some(constraints));
    Ok(problem)
}

/// The part of `env` that the spec asks for.
fn narrowed(spec: &Spec, env: Arc<dyn Env>) -> Result<Arc<dyn Env>, SpecError> {
    if spec.env.narrowing().is_whole() {
        return Ok(env);
    }
    let part = NarrowedEnv::new(env, &spec.env.narrowing()).map_err(|error| {
        let field = if error.field.is_empty() { "env".to_owned() } else { format!("env.{}", error.field) };
        spec.fault(&field, SpecFault::Narrowing(error))
    })?;
    Ok(Arc::new(part))
}

/// The part of the goal that `error` is about.
fn goal_field(spec: &Spec, goal: &Goal, error: &ProblemError) -> String {
    let objective = |metric: &str| goal.objectives.iter().rposition(|it: &Objective| it.metric == metric);
    let constraint = |metric: &str| goal.constraints.iter().position(|it: &Constraint| it.metric == metric);
    let metric = match error {
        ProblemError::UnknownMetric { got, .. } => got,
        ProblemError::ObjectiveTwice { metric } => metric,
        ProblemError::Definition { name, .. } => {
            let index = spec.derived.iter().position(|definition| definition.name == *name);
            return index.map_or_else(|| "derived".to_owned(), |index| format!("derived[{index}]"));
        }
        ProblemError::BadUnit { constraint: text, .. } => {
            let index = goal.constraints.iter().position(|constraint| constraint.to_string() == *text);
            return index.map_or_else(|| "constraints".to_owned(), |index| format!("constraints[{index}]"));
        }
        _ => return "objectives".to_owned(),
    };
    match (objective(metric), constraint(metric)) {
        (Some(index), _) => format!("objectives[{index}]"),
        (None, Some(index)) => format!("constraints[{index}]"),
        (None, None) => "objectives".to_owned(),
    }
}

fn check_budget(spec: &Spec, problem: &Problem) -> Result<(), SpecError> {
    let out_of_range = |field: &str, got: f64, expected| {
        Err(spec.fault(field, SpecFault::OutOfRange { got: got.to_string(), expected }))
    };
    if let Some(wall_s) = spec.budget.wall_s.filter(|wall_s| !(wall_s.is_finite() && *wall_s > 0.0)) {
        return out_of_range("budget.wall_s", wall_s, "a positive number of seconds");
    }
    // TOML's integers have 63 bits (TOML 1.0.0, "Integer"), and the spec is written down as TOML.
    for (field, count) in [("budget.trials", spec.budget.trials), ("batch", spec.batch)] {
        if i64::try_from(count.get()).is_err() {
            let fault = SpecFault::OutOfRange { got: count.to_string(), expected: "at most 2^63 - 1" };
            return Err(spec.fault(field, fault));
        }
    }
    let Some(target) = &spec.budget.target else { return Ok(()) };
    if !target.value.is_finite() {
        return out_of_range("budget.target.value", target.value, "a finite number");
    }
    if target_objective(problem, &target.metric).is_none() {
        let known = || problem.objectives().iter().map(|objective| objective.metric.as_str());
        let fault = SpecFault::TargetMetric {
            got: target.metric.clone(),
            nearest: nearest_name(&target.metric, known()),
            known: known().map(str::to_owned).collect(),
        };
        return Err(spec.fault("budget.target.metric", fault));
    }
    Ok(())
}

/// The index and direction of the objective over `metric`.
pub(crate) fn target_objective(problem: &Problem, metric: &str) -> Option<(usize, Direction)> {
    let index = problem.objectives().iter().position(|objective| objective.metric == metric)?;
    Some((index, problem.objectives()[index].direction))
}
