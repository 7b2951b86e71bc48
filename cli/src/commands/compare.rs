//! `tapeout compare`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde_json::Map;
use tapeout::core::{Catalog, Constraint, Objective};
use tapeout::experiment::comparison::{Arena, Contestant, Plan};
use tapeout::experiment::{AgentSpec, EnvSpec};

use crate::answer::Answer;
use crate::arguments::Setting;
use crate::comparison_report::compare;
use crate::failure::Failure;
use crate::watched_run::RunFlags;

/// The folder of all comparisons whose place nobody chose.
const COMPARISONS: &str = "comparisons";
/// Whom the others are tested against.
const BASELINE: &str = "random";
/// Left out unless it is named: it enumerates a space in order, and its seeds are all the same run.
const ENUMERATOR: &str = "grid";

/// Who is compared, where, and how.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The agents, apart by commas [default: all but grid]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    agents: Vec<String>,
    #[command(flatten)]
    field: FieldFlags,
    #[command(flatten)]
    flags: RunFlags,
}

/// Where contestants meet, shared by `compare` and `sweep`.
#[derive(clap::Args)]
pub(crate) struct FieldFlags {
    /// An environment; again for several
    #[arg(long, value_name = "NAME", default_value = "edge-accelerator")]
    env: Vec<String>,
    /// Runs of each agent in each environment, with seeds from 0
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Distinct designs each run evaluates
    #[arg(long, value_name = "DESIGNS", default_value = "200")]
    trials: NonZeroUsize,
    /// Designs an agent is asked for at once
    #[arg(long, value_name = "DESIGNS", default_value = "1")]
    batch: NonZeroUsize,
    /// A setting of every environment or every agent: `env.networks=["bert-base"]`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// What to optimise in every environment: `latency_s`; again for several [default: what each says]
    #[arg(long, value_name = "METRIC")]
    objective: Vec<Objective>,
    /// What is acceptable in every environment; again for several [default: what each says]
    #[arg(long, value_name = "LIMIT")]
    constraint: Vec<Constraint>,
    /// The folder of all runs, tables and pictures; what is there already is not run again
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Args {
    /// Runs what is not run yet, and says what all of it says.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let ids: Vec<&str> = if self.agents.is_empty() {
            catalog.agents().iter().map(|entry| entry.id).filter(|&id| id != ENUMERATOR).collect()
        } else {
            self.agents.iter().map(String::as_str).collect()
        };
        let contestant = |id: &str| Contestant { name: id.to_owned(), agent: self.field.agent(id) };
        let plan = self.field.plan(ids.into_iter().map(contestant).collect());
        compare(catalog, &plan, plan.contestant(BASELINE), &self.field.out(None), &self.flags)
    }
}

impl FieldFlags {
    /// The agent `id` with the settings of every agent.
    pub(crate) fn agent(&self, id: &str) -> AgentSpec {
        let mut agent = AgentSpec { id: id.to_owned(), config: Map::new() };
        for setting in &self.set {
            setting.apply(&mut Map::new(), &mut agent.config);
        }
        agent
    }

    /// The plan in which these contestants meet.
    pub(crate) fn plan(&self, contestants: Vec<Contestant>) -> Plan {
        Plan {
            arenas: self.env.iter().map(|id| self.arena(id)).collect(),
            contestants,
            seeds: self.seeds,
            trials: self.trials,
            batch: self.batch,
        }
    }

    fn arena(&self, id: &str) -> Arena {
        let mut env = EnvSpec { id: id.to_owned(), version: None, config: Map::new() };
        for setting in &self.set {
            setting.apply(&mut env.config, &mut Map::new());
        }
        Arena {
            name: id.to_owned(),
            env,
            objectives: (!self.objective.is_empty()).then(|| self.objective.clone()),
            constraints: (!self.constraint.is_empty()).then(|| self.constraint.clone()),
        }
    }

    /// Where everything goes: if nobody says, a folder named after the environments and, in a sweep, the agent.
    pub(crate) fn out(&self, agent: Option<&str>) -> PathBuf {
        let name = || {
            let parts = self.env.iter().map(String::as_str).chain(agent);
            PathBuf::from(COMPARISONS).join(parts.collect::<Vec<_>>().join("-"))
        };
        self.out.clone().unwrap_or_else(name)
    }
}
