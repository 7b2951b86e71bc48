//! What is compared.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use tapeout_core::{Constraint, Objective, Seed};

use super::ComparisonError;
use crate::budget::Budget;
use crate::spec::{AgentSpec, EnvSpec, LogSpec, Spec, SyncPolicy};

/// Contestants, arenas and seeds, each of which meets each.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where.
    pub arenas: Vec<Arena>,
    /// Who.
    pub contestants: Vec<Contestant>,
    /// How often: seeds 0 up to one less.
    pub seeds: u64,
    /// Distinct designs each run evaluates.
    pub trials: NonZeroUsize,
    /// Designs an agent is asked for at once.
    pub batch: NonZeroUsize,
}

/// An environment with its settings and what is sought there.
#[derive(Debug, Clone, PartialEq)]
pub struct Arena {
    /// Its name in tables and folders.
    pub name: String,
    /// The environment.
    pub env: EnvSpec,
    /// What to optimise; the environment's own if absent.
    pub objectives: Option<Vec<Objective>>,
    /// What is acceptable; the environment's own if absent.
    pub constraints: Option<Vec<Constraint>>,
}

/// An agent with its hyperparameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Contestant {
    /// Its name in tables and folders.
    pub name: String,
    /// The agent.
    pub agent: AgentSpec,
}

/// One run of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index of the arena.
    pub arena: usize,
    /// Index of the contestant.
    pub contestant: usize,
    /// The seed.
    pub seed: u64,
}

impl Plan {
    /// Fails unless there is something to compare and every name is there once.
    ///
    /// # Errors
    /// [`ComparisonError::Empty`], [`ComparisonError::Twice`].
    pub fn check(&self) -> Result<(), ComparisonError> {
        let counts = [
            (self.arenas.len() as u64, "environment"),
            (self.contestants.len() as u64, "agent"),
            (self.seeds, "seed"),
        ];
        if let Some(&(_, missing)) = counts.iter().find(|(count, _)| *count == 0) {
            return Err(ComparisonError::Empty { missing });
        }
        once("environment", self.arenas.iter().map(|arena| arena.name.as_str()))?;
        once("agent", self.contestants.iter().map(|contestant| contestant.name.as_str()))
    }

    /// Every run: for each arena and seed, each contestant in turn, so that a comparison that is cut short is about even.
    pub fn cells(&self) -> Vec<Cell> {
        let arenas = 0..self.arenas.len();
        let of_arena = |arena| {
            (0..self.seeds).flat_map(move |seed| {
                (0..self.contestants.len()).map(move |contestant| Cell { arena, contestant, seed })
            })
        };
        arenas.flat_map(of_arena).collect()
    }

    /// What a cell runs.
    pub fn spec(&self, cell: Cell) -> Spec {
        let (arena, contestant) = (&self.arenas[cell.arena], &self.contestants[cell.contestant]);
        Spec {
            seed: Seed::new(cell.seed),
            batch: self.batch,
            objectives: arena.objectives.clone(),
            constraints: arena.constraints.clone(),
            env: arena.env.clone(),
            agent: contestant.agent.clone(),
            // A run that a power cut takes is made again: it is a function of its spec.
            log: LogSpec { sync: SyncPolicy::Never },
            ..Spec::new(&arena.env.id, &contestant.agent.id, Budget::trials(self.trials))
        }
    }

    /// The folder of a cell within `out`.
    pub fn folder(&self, out: &Path, cell: Cell) -> PathBuf {
        out.join(&self.arenas[cell.arena].name)
            .join(&self.contestants[cell.contestant].name)
            .join(cell.seed.to_string())
    }

    /// The index of the contestant called `name`.
    pub fn contestant(&self, name: &str) -> Option<usize> {
        self.contestants.iter().position(|contestant| contestant.name == name)
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
