//! What is compared.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use tapeout_core::{Constraint, Definition, Objective, Seed};

use super::{ComparisonError, ReferenceValue};
use crate::budget::Budget;
use crate::spec::{AgentSpec, EnvSpec, LogSpec, Spec, SyncPolicy};

/// Agents, environments and seeds, each of which meets each.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonPlan {
    /// Where.
    pub envs: Vec<ComparedEnv>,
    /// Who.
    pub agents: Vec<ComparedAgent>,
    /// How often: the seeds, from the first up to one before the end.
    pub seeds: Range<u64>,
    /// Distinct designs each run evaluates.
    pub trials: NonZeroUsize,
    /// Designs an agent is asked for at once.
    pub batch: NonZeroUsize,
    /// Where hypervolumes end, as far as it is fixed.
    pub reference: Vec<ReferenceValue>,
}

/// An environment with its settings and what is sought there.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedEnv {
    /// Its name in tables and folders.
    pub name: String,
    /// The environment.
    pub spec: EnvSpec,
    /// What to optimise; the environment's own if absent.
    pub objectives: Option<Vec<Objective>>,
    /// What is acceptable; the environment's own if absent.
    pub constraints: Option<Vec<Constraint>>,
    /// Metrics that follow from those of the environment.
    pub derived: Vec<Definition>,
}

/// An agent with its hyperparameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedAgent {
    /// Its name in tables and folders.
    pub name: String,
    /// The agent.
    pub spec: AgentSpec,
}

/// One run of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index of the environment.
    pub env: usize,
    /// Index of the agent.
    pub agent: usize,
    /// The seed.
    pub seed: u64,
}

impl ComparisonPlan {
    /// Fails unless there is something to compare and every name is there once.
    ///
    /// # Errors
    /// [`ComparisonError::Empty`], [`ComparisonError::Twice`].
    pub fn check(&self) -> Result<(), ComparisonError> {
        let counts = [
            (self.envs.len() as u64, "environment"),
            (self.agents.len() as u64, "agent"),
            (self.seeds.end.saturating_sub(self.seeds.start), "seed"),
        ];
        if let Some(&(_, missing)) = counts.iter().find(|(count, _)| *count == 0) {
            return Err(ComparisonError::Empty { missing });
        }
        once("environment", self.envs.iter().map(|env| env.name.as_str()))?;
        once("agent", self.agents.iter().map(|agent| agent.name.as_str()))
    }

    /// Every run: for each environment and seed, each agent in turn, so that a comparison that is cut short is about even.
    pub fn cells(&self) -> Vec<Cell> {
        let envs = 0..self.envs.len();
        let of_env = |env| {
            (self.seeds.clone())
                .flat_map(move |seed| (0..self.agents.len()).map(move |agent| Cell { env, agent, seed }))
        };
        envs.flat_map(of_env).collect()
    }

    /// What a cell runs.
    pub fn spec(&self, cell: Cell) -> Spec {
        let (env, agent) = (&self.envs[cell.env], &self.agents[cell.agent]);
        Spec {
            seed: Seed::new(cell.seed),
            batch: self.batch,
            objectives: env.objectives.clone(),
            constraints: env.constraints.clone(),
            derived: env.derived.clone(),
            env: env.spec.clone(),
            agent: agent.spec.clone(),
            // A run that a power cut takes is made again: it is a function of its spec.
            log: LogSpec { sync: SyncPolicy::Never },
            ..Spec::new(&env.spec.id, &agent.spec.id, Budget::trials(self.trials))
        }
    }

    /// The folder of a cell within `out`.
    pub fn folder(&self, out: &Path, cell: Cell) -> PathBuf {
        out.join(&self.envs[cell.env].name).join(&self.agents[cell.agent].name).join(cell.seed.to_string())
    }

    /// The index of the agent called `name`.
    pub fn agent(&self, name: &str) -> Option<usize> {
        self.agents.iter().position(|agent| agent.name == name)
    }
}

fn once<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ComparisonError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ComparisonError::Twice { kind, name: name.to_owned() });
        }
    }
    Ok(())
}
