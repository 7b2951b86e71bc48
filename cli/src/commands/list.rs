//! `tapeout list`.

use clap::ValueEnum;
use serde_json::{Value, json};
use tapeout::core::{AgentEntry, Catalog, EnvEntry, ObjectiveSupport};
use tapeout::simulators::networks::NETWORKS;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::number::count;
use crate::table::{Column, Table};

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Design spaces and what their designs are worth
    Envs,
    /// Search algorithms
    Agents,
    /// Recipes that fit surrogates
    Learners,
    /// Neural networks to be run
    Networks,
}

/// What to list.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these; all kinds if absent
    kind: Option<Kind>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// A table for each kind.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let kinds: &[Kind] = match &self.kind {
            Some(kind) => std::slice::from_ref(kind),
            None => Kind::value_variants(),
        };
        if self.json {
            let lists = kinds.iter().map(|&kind| (kind.name().to_owned(), rows(kind, catalog)));
            return Ok(Answer::json(&lists.collect::<serde_json::Map<_, _>>()));
        }
        let sections = kinds.iter().map(|&kind| {
            let title = if self.kind.is_none() { format!("{}\n\n", kind.title()) } else { String::new() };
            format!("{title}{}", table(kind, catalog))
        });
        Ok(Answer::text(sections.collect::<Vec<_>>().join("\n")))
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Envs => "envs",
            Self::Agents => "agents",
            Self::Learners => "learners",
            Self::Networks => "networks",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Envs => "ENVIRONMENTS",
            Self::Agents => "AGENTS",
            Self::Learners => "LEARNERS",
            Self::Networks => "NETWORKS",
        }
    }
}

fn table(kind: Kind, catalog: &Catalog) -> String {
    use Column::{Numbers, Words};
    match kind {
        Kind::Envs => {
            let mut table = Table::new(&[
                ("name", Words),
                ("version", Numbers),
                ("designs", Numbers),
                ("summary", Words),
            ]);
            for env in catalog.envs() {
                let designs = env.designs.map_or_else(|| "-".to_owned(), count);
                table.row([env.id.to_owned(), env.version.to_string(), designs, env.summary.to_owned()]);
            }
            table.text()
        }
        Kind::Agents => {
            let mut table = Table::new(&[("name", Words), ("objectives", Words), ("summary", Words)]);
            for agent in catalog.agents() {
                table.row([agent.id.to_owned(), objectives(agent).to_owned(), agent.summary.to_owned()]);
            }
            table.text()
        }
        Kind::Learners => {
            let mut table = Table::new(&[("name", Words), ("summary", Words)]);
            for learner in catalog.learners() {
                table.row([learner.id.to_owned(), learner.summary.to_owned()]);
            }
            table.text()
        }
        Kind::Networks => {
            let mut table = Table::new(&[
                ("name", Words),
                ("layers", Numbers),
                ("MACs", Numbers),
                ("parameters", Numbers),
                ("title", Words),
            ]);
            for network in NETWORKS.iter().map(|row| row.network()) {
                let layers: u64 = network.layers().iter().map(|layer| layer.count()).sum();
                table.row([
                    network.id().to_owned(),
                    count(layers),
                    count(network.macs()),
                    count(network.parameters()),
                    network.title().to_owned(),
                ]);
            }
            table.text()
        }
    }
}

fn rows(kind: Kind, catalog: &Catalog) -> Value {
    match kind {
        Kind::Envs => catalog.envs().iter().map(env_row).collect(),
        Kind::Agents => {
            let row = |agent: &AgentEntry| {
                let objectives = agent.objectives;
                json!({ "name": agent.id, "objectives": objectives, "summary": agent.summary })
            };
            catalog.agents().iter().map(row).collect()
        }
        Kind::Learners => catalog
            .learners()
            .iter()
            .map(|learner| json!({ "name": learner.id, "summary": learner.summary }))
            .collect(),
        Kind::Networks => NETWORKS
            .iter()
            .map(|row| row.network())
            .map(|network| {
                json!({
                    "name": network.id(),
                    "macs": network.macs(),
                    "parameters": network.parameters(),
                    "title": network.title(),
                })
            })
            .collect(),
    }
}

/// The number of designs is a string: it may be beyond 2^53, above which JSON readers lose digits.
/// Source: RFC 8259, section 6. It is null where an environment does not state it.
fn env_row(env: &EnvEntry) -> Value {
    let designs = env.designs.map(|designs| designs.to_string());
    json!({ "name": env.id, "version": env.version, "designs": designs, "summary": env.summary })
}

/// How many objectives an agent handles.
pub(super) fn objectives(agent: &AgentEntry) -> &'static str {
    match agent.objectives {
        ObjectiveSupport::One => "one",
        ObjectiveSupport::Any => "any number",
    }
}
