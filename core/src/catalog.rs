//! What is registered, by name: environments, agents and learners, whoever wrote them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::agent::{Agent, BuildAgent, ObjectiveSupport};
use crate::config::{self, ConfigError, Here};
use crate::env::{BuildEnv, Env};
use crate::model::ModelFile;
use crate::names::UnknownName;
use crate::problem::{Goal, Problem};
use crate::saved::{LoadError, Saved};
use crate::seed::Seed;
use crate::space::DesignSpace;
use crate::surrogate::{BuildLearner, Learner, Representative, RepresentativeModel, Surrogate};

type BuildAgentFn = fn(&Problem, &Value, Seed) -> Result<Box<dyn Agent>, ConfigError>;
type BuildLearnerFn = fn(&Problem, &Value) -> Result<Box<dyn Learner>, ConfigError>;
type LoadSurrogateFn = fn(&DesignSpace, &Saved) -> Result<Box<dyn Surrogate>, LoadError>;

/// An environment with what to optimise in it when nobody says.
pub type BuiltEnv = (Box<dyn Env>, Goal);

/// An environment made out of others of the catalog, or of models by its learners. One that needs none of them implements
/// [`BuildEnv`], and is one of these as well.
pub trait BuildEnvFrom: Env + Sized + 'static {
    /// As [`BuildEnv::ID`].
    const ID: &'static str;
    /// As [`BuildEnv::VERSION`].
    const VERSION: u32;
    /// As [`BuildEnv::SUMMARY`].
    const SUMMARY: &'static str;
    /// As [`BuildEnv::DESCRIPTION`].
    const DESCRIPTION: &'static str;
    /// As [`BuildEnv::Config`].
    type Config: Serialize + DeserializeOwned + Default;
    /// As [`BuildEnv::REQUIRED`].
    const REQUIRED: &'static [&'static str] = &[];
    /// As [`BuildEnv::FILES`].
    const FILES: &'static [&'static str] = &[];
    /// As [`BuildEnv::PROGRAMS`].
    const PROGRAMS: &'static [&'static str] = &[];
    /// As [`BuildEnv::DESIGNS`].
    const DESIGNS: Option<u128> = None;

    /// As [`BuildEnv::found`].
    ///
    /// # Errors
    /// [`ConfigError`] if it is not found.
    fn found(config: Self::Config) -> Result<Self::Config, ConfigError> {
        Ok(config)
    }

    /// Makes the environment, with what it needs of `catalog`.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting cannot be used.
    fn build_from(catalog: &Catalog, config: Self::Config) -> Result<Self, ConfigError>;

    /// What to optimise when nobody says.
    fn default_goal(&self) -> Goal;
}

impl<E: BuildEnv> BuildEnvFrom for E {
    const ID: &'static str = E::ID;
    const VERSION: u32 = E::VERSION;
    const SUMMARY: &'static str = E::SUMMARY;
    const DESCRIPTION: &'static str = E::DESCRIPTION;
    type Config = E::Config;
    const REQUIRED: &'static [&'static str] = E::REQUIRED;
    const FILES: &'static [&'static str] = E::FILES;
    const PROGRAMS: &'static [&'static str] = E::PROGRAMS;
    const DESIGNS: Option<u128> = E::DESIGNS;

    fn found(config: E::Config) -> Result<E::Config, ConfigError> {
        E::found(config)
    }

    fn build_from(_: &Catalog, config: E::Config) -> Result<Self, ConfigError> {
        E::build(config)
    }

    fn default_goal(&self) -> Goal {
        BuildEnv::default_goal(self)
    }
}

/// A row for an environment.
#[derive(Clone)]
pub struct EnvEntry {
    /// Its name on the command line.
    pub id: &'static str,
    /// Its version.
    pub version: u32,
    /// One line for a list.
    pub summary: &'static str,
    /// Its page in Markdown.
    pub description: &'static str,
    /// Settings that have no default: without them there is no environment.
    pub required: &'static [&'static str],
    /// Settings that may name a file, or several in a list.
    pub files: &'static [&'static str],
    /// Settings that may name programs.
    pub programs: &'static [&'static str],
    /// How many designs there are with the default settings; none if it is not stated.
    pub designs: Option<u128>,
    here: Here,
    defaults: fn() -> Value,
    resolve: fn(&Value) -> Result<Value, ConfigError>,
    build: fn(&Catalog, &Value) -> Result<BuiltEnv, ConfigError>,
}

impl EnvEntry {
    /// The row for `E`.
    pub const fn of<E: BuildEnvFrom>() -> Self {
        Self {
            id: E::ID,
            version: E::VERSION,
            summary: E::SUMMARY,
            description: E::DESCRIPTION,
            required: E::REQUIRED,
            files: E::FILES,
            programs: E::PROGRAMS,
            designs: E::DESIGNS,
            here: Here::new(),
            defaults: config::defaults::<E::Config>,
            resolve: |settings| config::resolved_by(settings, E::found),
            build: |catalog, settings| {
                let env = E::build_from(catalog, config::read(settings)?)?;
                let goal = env.default_goal();
                Ok((Box::new(env), goal))
            },
        }
    }

    /// Its default settings.
    pub fn defaults(&self) -> Value {
        (self.defaults)()
    }

    /// These settings with the defaults filled in, and what they name found.
    ///
    /// # Errors
    /// [`ConfigError`] naming the unknown or ill-typed field, or what is not found.
    pub fn resolve(&self, settings: &Value) -> Result<Value, ConfigError> {
        Ok(self.here.emptied(settings, (self.resolve)(&self.here.filled(settings))?))
    }
}

/// A row for an agent.
#[derive(Clone)]
pub struct AgentEntry {
    /// Its name on the command line.
    pub id: &'static str,
    /// One line for a list.
    pub summary: &'static str,
    /// Its page in Markdown.
    pub description: &'static str,
    /// How many objectives it handles.
    pub objectives: ObjectiveSupport,
    /// Hyperparameters that have no default: without them there is no agent.
    pub required: &'static [&'static str],
    /// Hyperparameters that may name files which decide what it proposes.
    pub files: &'static [&'static str],
    /// Hyperparameters that may name programs.
    pub programs: &'static [&'static str],
    here: Here,
    defaults: fn() -> Value,
    resolve: fn(&Value) -> Result<Value, ConfigError>,
    build: BuildAgentFn,
}

impl AgentEntry {
    /// The row for `A`.
    pub const fn of<A: BuildAgent>() -> Self {
        Self {
            id: A::ID,
            summary: A::SUMMARY,
            description: A::DESCRIPTION,
            objectives: A::OBJECTIVES,
            required: A::REQUIRED,
            files: A::FILES,
            programs: A::PROGRAMS,
            here: Here::new(),
            defaults: config::defaults::<A::Config>,
            resolve: |settings| config::resolved_by(settings, A::found),
            build: |problem, settings, seed| Ok(Box::new(A::build(problem, config::read(settings)?, seed)?)),
        }
    }

    /// Its default hyperparameters.
    pub fn defaults(&self) -> Value {
        (self.defaults)()
    }

    /// These hyperparameters with the defaults filled in, and what they name found.
    ///
    /// # Errors
    /// [`ConfigError`] naming the unknown or ill-typed field, or what is not found.
    pub fn resolve(&self, settings: &Value) -> Result<Value, ConfigError> {
        Ok(self.here.emptied(settings, (self.resolve)(&self.here.filled(settings))?))
    }

    /// Makes the agent.
    ///
    /// # Errors
    /// [`ConfigError`] if a hyperparameter cannot be used.
    pub fn build(
        &self,
        problem: &Problem,
        settings: &Value,
        seed: Seed,
    ) -> Result<Box<dyn Agent>, ConfigError> {
        (self.build)(problem, &self.here.filled(settings), seed)
    }
}

/// A row for a learner.
#[derive(Clone)]
pub struct LearnerEntry {
    /// Its name on the command line.
    pub id: &'static str,
    /// One line for a list.
    pub summary: &'static str,
    /// Its page in Markdown.
    pub description: &'static str,
    /// The version of what its models save.
    pub schema: u32,
    defaults: fn() -> Value,
    resolve: fn(&Value) -> Result<Value, ConfigError>,
    build: BuildLearnerFn,
    load: LoadSurrogateFn,
}

impl LearnerEntry {
    /// The row for `L`.
    pub const fn of<L: BuildLearner>() -> Self {
        Self {
            id: L::ID,
            summary: L::SUMMARY,
            description: L::DESCRIPTION,
            schema: L::SCHEMA,
            defaults: config::defaults::<L::Config>,
            resolve: config::resolved::<L::Config>,
            build: |problem, settings| Ok(Box::new(L::build(problem, config::read(settings)?)?)),
            load: L::load,
        }
    }

    /// Its default hyperparameters.
    pub fn defaults(&self) -> Value {
        (self.defaults)()
    }

    /// These hyperparameters with the defaults filled in.
    ///
    /// # Errors
    /// [`ConfigError`] naming the unknown or ill-typed field.
    pub fn resolve(&self, settings: &Value) -> Result<Value, ConfigError> {
        (self.resolve)(settings)
    }

    /// Makes the learner. Of designs that the space states to be equal it is told of one.
    ///
    /// # Errors
    /// [`ConfigError`] if a hyperparameter cannot be used.
    pub fn build(&self, problem: &Problem, settings: &Value) -> Result<Box<dyn Learner>, ConfigError> {
        let learner = (self.build)(problem, settings)?;
        if !problem.space().has_equal_levels() {
            return Ok(learner);
        }
        Ok(Box::new(Representative { space: problem.space().clone(), learner }))
    }

    /// Makes the model over `space` that `saved` was made from.
    ///
    /// # Errors
    /// [`LoadError`] if another learner saved it, in another version, or the bytes say no model over this space.
    pub fn load(&self, space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        if saved.learner != self.id {
            return Err(LoadError::OtherLearner { got: saved.learner.clone(), expected: self.id });
        }
        if saved.schema != self.schema {
            let (got, expected) = (saved.schema, self.schema);
            return Err(LoadError::LearnerSchema { learner: self.id, got, expected });
        }
        let surrogate = (self.load)(space, saved)?;
        if !space.has_equal_levels() {
            return Ok(surrogate);
        }
        Ok(Box::new(RepresentativeModel { space: space.clone(), surrogate }))
    }
}

/// Everything that can be named in an experiment.
#[derive(Clone, Default)]
pub struct Catalog {
    envs: Vec<EnvEntry>,
    agents: Vec<AgentEntry>,
    learners: Vec<LearnerEntry>,
    here: Here,
}

impl Catalog {
    /// A catalog with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same catalog with one more environment.
    ///
    /// # Panics
    /// If the name is taken.
    #[must_use]
    pub fn with_env(mut self, mut entry: EnvEntry) -> Self {
        assert!(self.env(entry.id).is_err(), "environment `{}` is registered twice", entry.id);
        entry.here.say_open(&self.here, &entry.defaults());
        self.envs.push(entry);
        self
    }

    /// The same catalog with one more agent.
    ///
    /// # Panics
    /// If the name is taken.
    #[must_use]
    pub fn with_agent(mut self, mut entry: AgentEntry) -> Self {
        assert!(self.agent(entry.id).is_err(), "agent `{}` is registered twice", entry.id);
        entry.here.say_open(&self.here, &entry.defaults());
        self.agents.push(entry);
        self
    }

    /// The same catalog with one more learner.
    ///
    /// # Panics
    /// If the name is taken.
    #[must_use]
    pub fn with_learner(mut self, entry: LearnerEntry) -> Self {
        assert!(self.learner(entry.id).is_err(), "learner `{}` is registered twice", entry.id);
        self.learners.push(entry);
        self
    }

    /// The same catalog, in which `setting` is `value` wherever an environment or agent has it, leaves it open (its default is none), and
    /// nobody says: where a program is to be found here. It is no part of resolved settings.
    #[must_use]
    pub fn with_here(mut self, setting: &'static str, value: Value) -> Self {
        self.here.say(setting, value);
        self.envs.iter_mut().for_each(|entry| entry.here.say_open(&self.here, &(entry.defaults)()));
        self.agents.iter_mut().for_each(|entry| entry.here.say_open(&self.here, &(entry.defaults)()));
        self
    }

    /// What `setting` is here, if [`with_here`](Self::with_here) says so.
    pub fn here(&self, setting: &str) -> Option<&Value> {
        self.here.get(setting)
    }

    /// The environments, in the order registered.
    pub fn envs(&self) -> &[EnvEntry] {
        &self.envs
    }

    /// The agents, in the order registered.
    pub fn agents(&self) -> &[AgentEntry] {
        &self.agents
    }

    /// The learners, in the order registered.
    pub fn learners(&self) -> &[LearnerEntry] {
        &self.learners
    }

    /// The environment called `id`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn env(&self, id: &str) -> Result<&EnvEntry, UnknownName> {
        self.envs
            .iter()
            .find(|entry| entry.id == id)
            .ok_or_else(|| UnknownName::among("environment", id, self.envs.iter().map(|entry| entry.id)))
    }

    /// The agent called `id`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn agent(&self, id: &str) -> Result<&AgentEntry, UnknownName> {
        self.agents
            .iter()
            .find(|entry| entry.id == id)
            .ok_or_else(|| UnknownName::among("agent", id, self.agents.iter().map(|entry| entry.id)))
    }

    /// The learner called `id`.
    ///
    /// # Errors
    /// [`UnknownName`], with the nearest name.
    pub fn learner(&self, id: &str) -> Result<&LearnerEntry, UnknownName> {
        self.learners
            .iter()
            .find(|entry| entry.id == id)
            .ok_or_else(|| UnknownName::among("learner", id, self.learners.iter().map(|entry| entry.id)))
    }

    /// Makes the environment called `id`, and says what to optimise in it when nobody does.
    ///
    /// # Errors
    /// [`BuildEnvError`] if there is none, or a setting cannot be used.
    pub fn build_env(&self, id: &str, settings: &Value) -> Result<BuiltEnv, BuildEnvError> {
        let entry = self.env(id)?;
        Ok((entry.build)(self, &entry.here.filled(settings))?)
    }

    /// The surrogate over `space` that `file` holds, made by the learner that it names.
    ///
    /// # Errors
    /// [`LoadError`] if the space is another, the learner or its schema unknown, or the bytes are damaged.
    pub fn surrogate(&self, file: &ModelFile, space: &DesignSpace) -> Result<Box<dyn Surrogate>, LoadError> {
        let ModelFile { card, saved } = file;
        if space.fingerprint() != card.space {
            let env = card.env.clone();
            return Err(LoadError::OtherSpace { env, got: card.space, expected: space.fingerprint() });
        }
        self.learner(&saved.learner)?.load(space, saved)
    }
}

/// Why an environment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildEnvError {
    /// There is none of this name.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::toy::Toy;
    use crate::model::ModelCard;

    #[test]
    fn a_surrogate_needs_its_learner_and_its_space() {
        let card = ModelCard {
            env: "bowl".to_owned(),
            env_version: 1,
            space: Toy::bowl().space().fingerprint(),
            metrics: Vec::new(),
            goal: Goal::default(),
            context_names: Vec::new(),
            sources: Vec::new(),
            hyperparameters: Value::Null,
            seed: Seed::new(0),
        };
        let file = ModelFile { card, saved: Saved::new("nobody", 1, &vec![0.1f64]) };
        let refusal =
            |toy: &Toy| Catalog::new().surrogate(&file, toy.space()).err().map(|error| error.to_string());
        assert!(refusal(&Toy::bowl()).unwrap().starts_with("unknown learner `nobody`"));
        assert!(refusal(&Toy::tied()).unwrap().contains("of environment `bowl`; expected 0x"));
    }
}
