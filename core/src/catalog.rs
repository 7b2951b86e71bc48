//! What is registered, by name: environments, agents and learners, whoever wrote them.

use std::sync::Arc;

use serde_json::Value;

use crate::agent::{Agent, BuildAgent, ObjectiveSupport};
use crate::config::{self, ConfigError};
use crate::env::{BuildEnv, Env};
use crate::model::{LoadError, Saved};
use crate::problem::{Goal, Problem};
use crate::seed::Seed;
use crate::space::DesignSpace;
use crate::surrogate::{BuildLearner, Learner, Surrogate};

type BuildAgentFn = fn(&Problem, &Value, Seed) -> Result<Box<dyn Agent>, ConfigError>;
type BuildLearnerFn = fn(&Problem, &Value) -> Result<Box<dyn Learner>, ConfigError>;
type LoadSurrogateFn = fn(&DesignSpace, &Saved) -> Result<Box<dyn Surrogate>, LoadError>;

/// An environment with what to optimise in it when nobody says.
pub type BuiltEnv = (Box<dyn Env>, Goal);

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
    defaults: fn() -> Value,
    resolve: fn(&Value) -> Result<Value, ConfigError>,
    build: fn(&Catalog, &Value) -> Result<BuiltEnv, ConfigError>,
    /// The environments and learners beside it; none while it stands in no catalog.
    neighbours: Option<Arc<Catalog>>,
}

impl EnvEntry {
    /// The row for `E`.
    pub const fn of<E: BuildEnv>() -> Self {
        Self {
            id: E::ID,
            version: E::VERSION,
            summary: E::SUMMARY,
            description: E::DESCRIPTION,
            defaults: config::defaults::<E::Config>,
            resolve: config::resolved::<E::Config>,
            build: |catalog, settings| {
                let env = E::build_within(catalog, config::read(settings)?)?;
                let goal = env.default_goal();
                Ok((Box::new(env), goal))
            },
            neighbours: None,
        }
    }

    /// Its default settings.
    pub fn defaults(&self) -> Value {
        (self.defaults)()
    }

    /// These settings with the defaults filled in.
    ///
    /// # Errors
    /// [`ConfigError`] naming the unknown or ill-typed field.
    pub fn resolve(&self, settings: &Value) -> Result<Value, ConfigError> {
        (self.resolve)(settings)
    }

    /// Makes the environment, and says what to optimise in it when nobody does.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting cannot be used.
    pub fn build(&self, settings: &Value) -> Result<BuiltEnv, ConfigError> {
        match &self.neighbours {
            Some(catalog) => (self.build)(catalog, settings),
            None => (self.build)(&Catalog::new(), settings),
        }
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
            defaults: config::defaults::<A::Config>,
            resolve: config::resolved::<A::Config>,
            build: |problem, settings, seed| Ok(Box::new(A::build(problem, config::read(settings)?, seed)?)),
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
        (self.build)(problem, settings, seed)
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

    /// Makes the learner.
    ///
    /// # Errors
    /// [`ConfigError`] if a hyperparameter cannot be used.
    pub fn build(&self, problem: &Problem, settings: &Value) -> Result<Box<dyn Learner>, ConfigError> {
        (self.build)(problem, settings)
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
        (self.load)(space, saved)
    }
}

/// Everything that can be named in an experiment.
#[derive(Clone, Default)]
pub struct Catalog {
    envs: Vec<EnvEntry>,
    agents: Vec<AgentEntry>,
    learners: Vec<LearnerEntry>,
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
    pub fn with_env(mut self, entry: EnvEntry) -> Self {
        assert!(self.env(entry.id).is_err(), "environment `{}` is registered twice", entry.id);
        self.envs.push(entry);
        self.introduced()
    }

    /// The same catalog with one more agent.
    ///
    /// # Panics
    /// If the name is taken.
    #[must_use]
    pub fn with_agent(mut self, entry: AgentEntry) -> Self {
        assert!(self.agent(entry.id).is_err(), "agent `{}` is registered twice", entry.id);
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
        self.introduced()
    }

    /// The same catalog, each of whose environments knows what else is in it.
    fn introduced(mut self) -> Self {
        let mut neighbours = Self { agents: Vec::new(), ..self.clone() };
        neighbours.envs.iter_mut().for_each(|entry| entry.neighbours = None);
        let neighbours = Arc::new(neighbours);
        self.envs.iter_mut().for_each(|entry| entry.neighbours = Some(Arc::clone(&neighbours)));
        self
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
}

/// Nothing is registered under this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} `{got}`{}", match .nearest { Some(_) => suggestion(.nearest), None => format!("; there are {}", .known.join(", ")) })]
pub struct UnknownName {
    /// What was looked for: `agent`.
    pub kind: &'static str,
    /// The name asked for.
    pub got: String,
    /// The nearest name there is, if one is near.
    pub nearest: Option<String>,
    /// All names there are.
    pub known: Vec<String>,
}

impl UnknownName {
    /// `got` is none of the `known` names.
    pub fn among<'a>(kind: &'static str, got: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self {
            kind,
            got: got.to_owned(),
            nearest: nearest_name(got, known.clone()),
            known: known.map(str::to_owned).collect(),
        }
    }
}

/// `"; did you mean `x`?"`, or nothing.
pub fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// The name nearest to `got`, if one is near: at most a third of its letters differ, or one begins with the other.
///
/// ```
/// use tapeout_core::catalog::nearest_name;
/// assert_eq!(nearest_name("nsga", ["random", "nsga2"].into_iter()), Some("nsga2".to_owned()));
/// assert_eq!(nearest_name("bayes", ["random", "nsga2"].into_iter()), None);
/// ```
pub fn nearest_name<'a>(got: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let got = got.to_lowercase();
    let nearest = known
        .map(|name| (edit_distance(&got, &name.to_lowercase()), name))
        .min_by_key(|&(distance, _)| distance)?;
    let (distance, name) = nearest;
    let lower = name.to_lowercase();
    let is_prefix = got.len() >= 3 && (lower.starts_with(&got) || got.starts_with(&lower));
    (distance * 3 <= got.chars().count().max(3) || is_prefix).then(|| name.to_owned())
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words.
/// Source: Damerau (1964), doi:10.1145/363958.363994, in the restricted form (no letter is edited twice).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut least = (rows[i - 1][j - 1] + change).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances_by_hand() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("latnecy", "latency"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
    }

    #[test]
    fn an_unknown_name_suggests_the_nearest_or_lists_all() {
        let known = ["random", "nsga2", "grid"];
        let near = UnknownName::among("agent", "randon", known.into_iter());
        assert_eq!(near.to_string(), "unknown agent `randon`; did you mean `random`?");
        let far = UnknownName::among("agent", "simulated-annealing", known.into_iter());
        assert_eq!(far.to_string(), "unknown agent `simulated-annealing`; there are random, nsga2, grid");
    }
}
