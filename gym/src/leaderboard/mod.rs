//! Every agent on every environment that needs neither a device nor files of somebody's own, under equal budgets, and the page that
//! says which agent to take for what.
//!
//! ```text
//! BOARDS (problems) -> plan -> comparison::conduct -> BoardResults -> page
//! ```
//!
//! A board is one [comparison](tapeout_experiment::comparison): agents that search for one objective meet on problems with one, those
//! that search fronts on problems with several.

mod page;

use std::num::NonZeroUsize;

use serde_json::{Map, Value};
use tapeout_core::agent::ObjectiveSupport;
use tapeout_core::{Catalog, Objective};
use tapeout_experiment::comparison::conduct::ComparedProblem;
use tapeout_experiment::comparison::{
    ComparedAgent, ComparedEnv, ComparisonPlan, ComparisonResults, RunCost, RunTrace, Standings,
};
use tapeout_experiment::{AgentSpec, EnvSpec};

pub use page::page;

/// Left out: it enumerates a space in order, and its seeds are all the same run.
const ENUMERATOR: &str = "grid";
/// Whom the others are tested against.
const BASELINE: &str = "random";

/// A problem of a board.
pub struct BoardProblem {
    /// What it is called in tables and folders.
    pub name: &'static str,
    /// What kind of problem it is, for which the page recommends agents.
    pub kind: &'static str,
    env: &'static str,
    /// Settings of the environment, as JSON.
    settings: &'static str,
    /// The objectives; those of the environment if there are none.
    objectives: &'static [&'static str],
}

/// Problems on which the same agents meet.
pub struct Board {
    /// What it is called in folders and files.
    pub name: &'static str,
    /// What its page says above it.
    pub title: &'static str,
    /// Who can take part.
    agents: fn(ObjectiveSupport) -> bool,
    /// The problems.
    pub problems: &'static [BoardProblem],
}

const fn problem(
    name: &'static str,
    kind: &'static str,
    env: &'static str,
    settings: &'static str,
    objectives: &'static [&'static str],
) -> BoardProblem {
    BoardProblem { name, kind, env, settings, objectives }
}

const ACCELERATORS: &str = "accelerators by a cost model";
const KERNELS: &str = "GPU kernels";
const MAPPINGS: &str = "mappings of a layer";
const ORDERS: &str = "placing and scheduling";
const SYSTEMS: &str = "memory controllers, clusters and chips";
/// One small network where a design is mapped anew: a design then costs hundredths of a second.
const ALEXNET: &str = r#"{"networks": ["alexnet"]}"#;
const BERT: &str = r#"{"networks": ["bert-base"]}"#;
const MOBILENET: &str = r#"{"networks": ["mobilenet-v2"]}"#;

/// Both boards.
pub const BOARDS: [Board; 2] = [
    Board {
        name: "one-objective",
        title: "One objective",
        agents: |_| true,
        problems: &[
            problem("edge", ACCELERATORS, "edge-accelerator", "{}", &["latency_s"]),
            problem("own-architecture", ACCELERATORS, "accelerator", MOBILENET, &["energy_j"]),
            problem("attention", ACCELERATORS, "attention-accelerator", "{}", &["energy_j"]),
            problem("eyeriss", ACCELERATORS, "eyeriss-accelerator", ALEXNET, &["energy_j"]),
            problem("gemmini", ACCELERATORS, "gemmini-accelerator", BERT, &["energy_delay_js"]),
            problem("kernel-gemm", KERNELS, "recorded-kernel", "{}", &[]),
            problem(
                "kernel-convolution",
                KERNELS,
                "recorded-kernel",
                r#"{"kernel": "convolution-a100"}"#,
                &[],
            ),
            problem("kernel-model", KERNELS, "gpu-gemm-model", "{}", &[]),
            problem("mapping", MAPPINGS, "mapping", "{}", &["energy_j"]),
            problem("dram", SYSTEMS, "dram-controller", "{}", &["latency_p99_s"]),
            problem("llm-training", SYSTEMS, "llm-system", "{}", &[]),
            problem("llm-serving", SYSTEMS, "llm-serving", "{}", &[]),
            problem("soc", SYSTEMS, "soc", "{}", &["latency_s"]),
            problem("scratchpad", ORDERS, "scratchpad", "{}", &[]),
            problem("task-schedule", ORDERS, "task-schedule", "{}", &[]),
            problem("layouts", ORDERS, "layout-assignment", "{}", &[]),
        ],
    },
    Board {
        name: "several-objectives",
        title: "Several objectives",
        agents: |objectives| matches!(objectives, ObjectiveSupport::Any),
        problems: &[
            problem("edge", ACCELERATORS, "edge-accelerator", "{}", &[]),
            problem("attention", ACCELERATORS, "attention-accelerator", "{}", &[]),
            problem("eyeriss", ACCELERATORS, "eyeriss-accelerator", ALEXNET, &[]),
            problem("gemmini", ACCELERATORS, "gemmini-accelerator", BERT, &[]),
            problem("mapping", MAPPINGS, "mapping", "{}", &[]),
            problem("dram", SYSTEMS, "dram-controller", "{}", &[]),
            problem("llm-serving", SYSTEMS, "llm-serving", "{}", &["token_energy_j", "first_token_p99_s"]),
            problem("soc", SYSTEMS, "soc", "{}", &["latency_s", "power_w", "area_m2"]),
        ],
    },
];

impl Board {
    /// The comparison of all agents of `catalog` that can take part and need no settings.
    ///
    /// # Panics
    /// Never for the boards here, whose settings are JSON; a test reads them all.
    pub fn plan(&self, catalog: &Catalog, seeds: u64, trials: NonZeroUsize) -> ComparisonPlan {
        let entries = catalog.agents().iter().filter(|entry| {
            entry.required.is_empty() && entry.id != ENUMERATOR && (self.agents)(entry.objectives)
        });
        let agent = |id: &str| ComparedAgent { name: id.to_owned(), spec: AgentSpec::named(id) };
        ComparisonPlan {
            envs: self.problems.iter().map(BoardProblem::compared).collect(),
            agents: entries.map(|entry| agent(entry.id)).collect(),
            seeds: 0..seeds,
            trials,
            batch: NonZeroUsize::MIN,
            reference: Vec::new(),
        }
    }

    /// The kinds of its problems, each once.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&str> = self.problems.iter().map(|problem| problem.kind).collect();
        kinds.dedup();
        kinds
    }
}

impl BoardProblem {
    fn config(&self) -> Map<String, Value> {
        serde_json::from_str(self.settings).expect("invariant: settings are a table of JSON")
    }

    fn compared(&self) -> ComparedEnv {
        let objectives = self.objectives.iter().map(|metric| Objective::minimize(metric)).collect::<Vec<_>>();
        ComparedEnv {
            name: self.name.to_owned(),
            spec: EnvSpec { config: self.config(), ..EnvSpec::named(self.env) },
            objectives: (!objectives.is_empty()).then_some(objectives),
            constraints: None,
            derived: Vec::new(),
        }
    }

    /// What is searched, as a command says it.
    fn words(&self) -> String {
        let set: String = self.config().iter().map(|(key, value)| format!(" {key} = {value}")).collect();
        let objectives = match self.objectives {
            [] => "its own goal".to_owned(),
            several => several.join(", "),
        };
        format!("`{}`{set}, {objectives}", self.env)
    }
}

/// What came of a board.
pub struct BoardResults<'a> {
    /// The board.
    pub board: &'a Board,
    /// Every run.
    pub results: ComparisonResults,
    /// What they say.
    pub standings: Standings,
    /// What each run took.
    pub runs: Vec<RunCost>,
}

impl<'a> BoardResults<'a> {
    /// What the runs of `plan`, one of `board`, came to, and what they took.
    pub fn of(
        board: &'a Board,
        plan: &ComparisonPlan,
        (problems, traces): &(Vec<ComparedProblem>, Vec<RunTrace>),
        runs: Vec<RunCost>,
    ) -> Self {
        let results = ComparisonResults::of(plan, problems, traces);
        let standings = Standings::of(&results, plan.agent(BASELINE));
        Self { board, results, standings, runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_experiment::Experiment;

    /// Claim: every problem is one that every agent of its board can search, so that a leaderboard does not end with an error after hours.
    #[test]
    fn every_agent_of_a_board_can_search_all_of_its_problems() {
        let catalog = crate::builtin();
        for board in &BOARDS {
            let plan = board.plan(&catalog, 1, NonZeroUsize::MIN);
            assert!(plan.agent(BASELINE).is_some() && plan.agent(ENUMERATOR).is_none());
            for cell in plan.cells().iter().filter(|cell| cell.agent == 0) {
                let first = Experiment::prepare(&catalog, plan.spec(*cell)).unwrap();
                for agent in &plan.agents {
                    first.with_agent(&catalog, agent.spec.clone()).unwrap();
                }
            }
        }
    }

    /// Claim: no environment that needs neither file nor device is forgotten.
    #[test]
    fn every_environment_that_needs_nothing_is_there() {
        let catalog = crate::builtin();
        let asks = |id: &str| id.starts_with("gpu-gemm-") && id != "gpu-gemm-model";
        // The results that are committed were made before there were these: they come in when they are made anew.
        let later = ["layout-assignment", "llm-serving", "soc"];
        let known = ["command", "python", "logged", "recorded", "proxy"];
        let there: Vec<&str> = BOARDS[0].problems.iter().map(|problem| problem.env).collect();
        let is_asked = |id: &str| !known.contains(&id) && !later.contains(&id) && !asks(id);
        for entry in catalog.envs().iter().filter(|entry| is_asked(entry.id)) {
            assert!(there.contains(&entry.id), "{}", entry.id);
        }
    }
}
