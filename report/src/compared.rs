//! Agents side by side: progress, final results, ranks with their critical difference, and what the agents cost.

use serde::Serialize;
use tapeout_core::Direction;
use tapeout_experiment::comparison::{AgentCost, ComparisonResults, EnvResults, Standings};
use tapeout_experiment::statistics::{cliques, critical_difference, quartiles};

/// What a comparison came to.
#[derive(Debug, Serialize)]
pub struct ComparedAgents {
    seeds: usize,
    trials: usize,
    checkpoints: Vec<usize>,
    envs: Vec<EnvPart>,
    /// The agents, the best average rank first.
    ranks: Vec<RankPart>,
    /// How many times agents were ranked: environments times seeds.
    blocks: usize,
    /// How far two average ranks lie apart at least that differ by more than chance.
    critical_difference: f64,
    /// Agents that lie closer than that: first and last place in `ranks`.
    cliques: Vec<[usize; 2]>,
    costs: Vec<AgentCost>,
}

#[derive(Debug, Serialize)]
struct EnvPart {
    name: String,
    measure: String,
    unit: String,
    is_larger_better: bool,
    agents: Vec<CurvePart>,
}

#[derive(Debug, Serialize)]
struct CurvePart {
    name: String,
    /// Quartiles of the value at each checkpoint; none where too many runs have none. Shape `[checkpoints][3]`.
    quartiles: Vec<[Option<f64>; 3]>,
    /// The final value of each run that has one.
    finals: Vec<f64>,
    /// How many trials of its runs failed to be evaluated.
    failed: usize,
}

#[derive(Debug, Serialize)]
struct RankPart {
    agent: String,
    rank: f64,
    low: f64,
    high: f64,
}

impl ComparedAgents {
    /// What `results` came to, with their `standings` and what the agents cost.
    pub fn of(results: &ComparisonResults, standings: &Standings, costs: Vec<AgentCost>) -> Self {
        let rank = |it: &tapeout_experiment::comparison::standings::Overall| RankPart {
            agent: it.agent.clone(),
            rank: it.rank.value,
            low: it.rank.low,
            high: it.rank.high,
        };
        let ranks: Vec<RankPart> = standings.overall.iter().map(rank).collect();
        let blocks = results.envs.len() * results.seeds;
        let critical_difference = critical_difference(ranks.len(), blocks);
        Self {
            seeds: results.seeds,
            trials: results.trials(),
            checkpoints: results.checkpoints.clone(),
            envs: results.envs.iter().map(|env| env_part(results, env)).collect(),
            cliques: cliques(&ranks.iter().map(|it| it.rank).collect::<Vec<_>>(), critical_difference),
            ranks,
            blocks,
            critical_difference,
            costs,
        }
    }
}

fn env_part(results: &ComparisonResults, env: &EnvResults) -> EnvPart {
    let is_larger_better = env.direction() == Direction::Maximize;
    let curve = |(agent, name): (usize, &String)| {
        let at = |checkpoint: usize| {
            let costs: Vec<f64> = (0..results.seeds).map(|seed| env.costs(agent, seed)[checkpoint]).collect();
            let mut values = quartiles(&costs).map(|cost| env.value(cost));
            if is_larger_better {
                values.reverse(); // the least cost is the largest value
            }
            values
        };
        CurvePart {
            name: name.clone(),
            quartiles: (0..results.checkpoints.len()).map(at).collect(),
            finals: (0..results.seeds).filter_map(|seed| env.value(env.final_cost(agent, seed))).collect(),
            failed: env.failed[agent],
        }
    };
    EnvPart {
        name: env.name.clone(),
        measure: env.measure().to_owned(),
        unit: if env.is_volume() { String::new() } else { env.problem.metrics[0].unit.clone() },
        is_larger_better,
        agents: results.agents.iter().enumerate().map(curve).collect(),
    }
}
