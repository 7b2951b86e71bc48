//! Running a comparison seed by seed until it is decided who differs from whom.

use std::num::NonZeroU64;
use std::path::Path;

use serde::Serialize;
use tapeout_core::Catalog;

use super::conduct::{ComparedProblem, prepare, run_to_end};
use super::results::worth;
use super::{Cell, ComparisonError, ComparisonPlan, Conditions};
use crate::statistics::{AdaStop, ShownOrder};

/// Chance of any false finding in one environment. Ours: what most papers call significant.
const LEVEL: f64 = 0.05;

/// Two agents in an environment, and what was found of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecidedPair {
    /// Where.
    pub env: String,
    /// One agent.
    pub agent: String,
    /// The other.
    pub other: String,
    /// Which of the two is better; none if that was not shown.
    pub better: Option<String>,
    /// How many seeds of both were looked at.
    pub seeds: u64,
}

/// What was run until all was decided, or the seeds were used up.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The plan with the seeds that every agent has in every environment.
    pub shared: ComparisonPlan,
    /// How many runs there are of it all.
    pub runs: usize,
    /// Every pair in each environment.
    pub pairs: Vec<DecidedPair>,
}

/// Runs `plan` in stages of so many seeds each. After each stage [`AdaStop`] tests all pairs of agents in each environment, and who differs
/// from all others by more than chance, as far as that is shown, is run no more there. A run that found nothing acceptable counts as
/// the worst of the first stage that found something; one of several objectives is worth its hypervolume.
///
/// # Errors
/// As [`conduct`](super::conduct()); [`ComparisonError::Stages`] if there are fewer seeds than a stage has, and
/// [`ComparisonError::Reference`] if hypervolumes do not end at a point that is fixed: it must not move from stage to stage.
pub fn conduct_until_decided(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
    conditions: &Conditions<'_>,
    stage: NonZeroU64,
) -> Result<Decided, ComparisonError> {
    plan.check()?;
    let prepared = prepare(catalog, plan, out)?;
    let n_stages = (plan.seeds.end - plan.seeds.start) / stage.get();
    if n_stages == 0 {
        let seeds = plan.seeds.end - plan.seeds.start;
        return Err(ComparisonError::Stages { seeds, stage: stage.get() });
    }
    let n_agents = plan.agents.len();
    let mut decided = Decided { shared: plan.clone(), runs: 0, pairs: Vec::new() };
    let mut n_shared = u64::MAX;
    for (env, of_env) in prepared.iter().enumerate() {
        let problem = ComparedProblem::of(of_env[0].problem(), &plan.reference)?;
        let reference = fixed_reference(&problem)?;
        let mut test = AdaStop::new(n_agents, n_stages as usize, LEVEL);
        let mut n_seeds = vec![0; n_agents];
        let mut worst = None;
        while !test.is_over() {
            let needed: Vec<usize> = (0..n_agents).filter(|&agent| test.needs(agent)).collect();
            let first = plan.seeds.start + n_seeds[needed[0]];
            let seeds = first..first + stage.get();
            let of_seed = |seed| needed.iter().map(move |&agent| Cell { env, agent, seed });
            let cells: Vec<Cell> = seeds.flat_map(of_seed).collect();
            let traces = run_to_end(plan, &prepared, out, conditions, &cells)?;
            decided.runs += traces.len();
            let mut costs = vec![Vec::new(); n_agents];
            for (cell, trace) in cells.iter().zip(&traces) {
                costs[cell.agent].push(worth(trace, &reference));
            }
            let of_nothing = *worst.get_or_insert_with(|| worst_of(&costs));
            let finite = |cost: &mut f64| *cost = if cost.is_finite() { *cost } else { of_nothing };
            costs.iter_mut().flatten().for_each(finite);
            test.take(&costs);
            needed.iter().for_each(|&agent| n_seeds[agent] += stage.get());
        }
        n_shared = n_seeds.iter().copied().filter(|&n| n > 0).min().unwrap_or(stage.get()).min(n_shared);
        let name = |agent: usize| plan.agents[agent].name.clone();
        decided.pairs.extend(test.decisions().into_iter().map(|decision| DecidedPair {
            env: plan.envs[env].name.clone(),
            agent: name(decision.pair.0),
            other: name(decision.pair.1),
            better: match decision.verdict {
                ShownOrder::Less => Some(name(decision.pair.0)),
                ShownOrder::Greater => Some(name(decision.pair.1)),
                ShownOrder::Open => None,
            },
            seeds: decision.stage as u64 * stage.get(),
        }));
    }
    decided.shared.seeds.end = plan.seeds.start + n_shared;
    Ok(decided)
}

/// Where volumes end, if they do; empty with one objective.
fn fixed_reference(problem: &ComparedProblem) -> Result<Vec<f64>, ComparisonError> {
    if problem.objectives.len() == 1 {
        return Ok(Vec::new());
    }
    let fixed = |(objective, loss): (&tapeout_core::Objective, &Option<f64>)| {
        loss.ok_or_else(|| ComparisonError::Reference {
            got: format!("none for {}", objective.metric),
            expected: format!(
                "a fixed one, such as `{}=1`, so that stages can be told apart",
                objective.metric
            ),
        })
    };
    problem.objectives.iter().zip(&problem.reference).map(fixed).collect()
}

/// The worst cost that is finite; 0 if none is.
fn worst_of(costs: &[Vec<f64>]) -> f64 {
    let finite = costs.iter().flatten().copied().filter(|cost| cost.is_finite());
    finite.reduce(f64::max).unwrap_or(0.0)
}
