//! What the runs say: how far each ended from the optimum.

use serde::{Deserialize, Serialize};
use tapeout::envs::dram_optima;
use tapeout::experiment::comparison::{ComparisonResults, EnvResults};

use crate::Failed;
use crate::plan::{GOALS, WORKLOADS};

/// The regrets of an agent in an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regrets {
    /// The traffic.
    pub workload: String,
    /// The goal.
    pub goal: String,
    /// The agent, and behind a space its hyperparameters, if they are not its defaults.
    pub agent: String,
    /// By seed: value over the exact optimum, less 1; with two objectives 1 less the share of the largest hypervolume that any run has. 1
    /// where nothing acceptable was found.
    pub by_seed: Vec<f64>,
}

/// The regrets of all runs.
///
/// # Errors
/// If the optimum of a workload is not known.
pub fn regrets(results: &ComparisonResults) -> Result<Vec<Regrets>, Failed> {
    let mut all = Vec::new();
    let goals = WORKLOADS.iter().flat_map(|workload| GOALS.map(|(goal, metrics)| (*workload, goal, metrics)));
    for (env, (workload, goal, metrics)) in results.envs.iter().zip(goals) {
        let optimum = match metrics {
            [metric] => Some(optimum(workload, metric)?),
            _ => None,
        };
        for (agent, name) in results.agents.iter().enumerate() {
            let of_seed = |seed| regret(env, agent, seed, optimum);
            all.push(Regrets {
                workload: workload.to_owned(),
                goal: goal.to_owned(),
                agent: name.clone(),
                by_seed: (0..results.seeds).map(of_seed).collect(),
            });
        }
    }
    Ok(all)
}

fn regret(env: &EnvResults, agent: usize, seed: usize, optimum: Option<f64>) -> f64 {
    let cost = env.final_cost(agent, seed);
    match optimum {
        Some(optimum) => env.value(cost).map_or(1.0, |value| value / optimum - 1.0),
        None => 1.0 - env.fraction(cost).unwrap_or(0.0),
    }
}

fn optimum(workload: &str, metric: &str) -> Result<f64, Failed> {
    let known = dram_optima().iter().find(|known| known.workload == workload && known.metric == metric);
    Ok(known.ok_or_else(|| format!("no optimum of {metric} on {workload} is kept"))?.value)
}
