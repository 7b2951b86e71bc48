//! Running a comparison seed by seed until it is decided who differs from whom.

use std::num::NonZeroU64;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;
use tapeout_core::{Catalog, Seed};

use super::conduct::{ComparedProblem, prepare, run_to_end};
use super::pairs::LEVEL;
use super::reference::width;
use super::results::worth;
use super::{Cell, ComparisonError, ComparisonPlan, Conditions};
use crate::statistics::{AdaStop, ShownOrder, stages_to_show};

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
    /// Seeds of the plan that do not fill a stage, and were not run.
    pub unused: Range<u64>,
    /// Every pair in each environment.
    pub pairs: Vec<DecidedPair>,
}

/// Runs `plan` in stages of so many seeds each. After each stage [`AdaStop`] tests all pairs of agents in each environment, and who differs
/// from all others by more than chance, as far as that is shown, is run no more there. A run that found nothing acceptable is
/// behind the worst of its stage; one of several objectives is worth its hypervolume.
///
/// # Errors
/// As [`conduct`](super::conduct()); [`ComparisonError::Empty`] without two agents, [`ComparisonError::Stages`] if there are fewer seeds
/// than it takes to show anything, and
/// [`ComparisonError::Reference`] if hypervolumes do not end at a point that is fixed: it must not move from stage to stage.
pub fn conduct_until_decided(
    catalog: &Catalog,
    plan: &ComparisonPlan,
    out: &Path,
    conditions: &Conditions<'_>,
    stage: NonZeroU64,
) -> Result<Decided, ComparisonError> {
    plan.check()?;
    let (n_agents, seeds) = (plan.agents.len(), plan.seeds.end - plan.seeds.start);
    if n_agents < 2 {
        return Err(ComparisonError::Empty { missing: "second agent" });
    }
    let n_stages = seeds / stage.get();
    let takes = stages_to_show(LEVEL, usize::try_from(stage.get()).unwrap_or(usize::MAX)) as u64;
    if n_stages < takes {
        return Err(ComparisonError::Stages { seeds, stage: stage.get(), takes: takes * stage.get() });
    }
    let prepared = prepare(catalog, plan, out)?;
    let unused = plan.seeds.start + n_stages * stage.get()..plan.seeds.end;
    let mut decided = Decided { shared: plan.clone(), runs: 0, unused, pairs: Vec::new() };
    let mut n_shared = u64::MAX;
    for (env, of_env) in prepared.iter().enumerate() {
        let problem = ComparedProblem::of(of_env[0].problem(), &plan.reference)?;
        let reference = fixed_reference(&problem)?;
        let mut test = AdaStop::new(n_agents, n_stages as usize, LEVEL, Seed::new(0));
        let mut n_seeds = vec![0; n_agents];
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
            score_nothing(&mut costs, !reference.is_empty());
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

/// Gives runs that found nothing a finite cost, the same for all of a stage: with volumes that of an empty front, 0; else farther beyond the
/// worst by as much as lies between the best and the worst, so that nothing is behind something. They are equal where nobody found anything.
fn score_nothing(costs: &mut [Vec<f64>], is_volume: bool) {
    let finite = costs.iter().flatten().copied().filter(|cost| cost.is_finite());
    let range =
        finite.map(|cost| (cost, cost)).reduce(|(low, high), (cost, _)| (low.min(cost), high.max(cost)));
    let of_nothing = match range {
        Some(range) if !is_volume => range.1 + width(&range),
        _ => 0.0,
    };
    costs.iter_mut().flatten().filter(|cost| !cost.is_finite()).for_each(|cost| *cost = of_nothing);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: f64 = f64::INFINITY;

    fn scored(mut costs: Vec<Vec<f64>>, is_volume: bool) -> Vec<Vec<f64>> {
        score_nothing(&mut costs, is_volume);
        costs
    }

    // By hand: from 2 to 5 is 3, so nothing is 8; behind 4 alone, whose size stands for a range, it is 8 too.
    #[test]
    fn nothing_is_behind_the_worst_that_was_found() {
        assert_eq!(scored(vec![vec![2.0, NOTHING], vec![5.0, NOTHING]], false), [[2.0, 8.0], [5.0, 8.0]]);
        assert_eq!(scored(vec![vec![4.0], vec![NOTHING]], false), [[4.0], [8.0]]);
        assert_eq!(scored(vec![vec![-4.0], vec![NOTHING]], false), [[-4.0], [0.0]]);
    }

    // By hand: a front of volume 3 costs -3, an empty one nothing.
    #[test]
    fn an_empty_front_has_no_volume() {
        assert_eq!(scored(vec![vec![-3.0, -1.0], vec![NOTHING, 0.0]], true), [[-3.0, -1.0], [0.0, 0.0]]);
    }

    // Claim: a stage in which nobody found anything says nothing of those that follow.
    #[test]
    fn a_stage_without_anything_leaves_the_next_alone() {
        assert_eq!(scored(vec![vec![NOTHING], vec![NOTHING]], false), [[0.0], [0.0]]);
        assert_eq!(scored(vec![vec![NOTHING], vec![-7.0]], false), [[0.0], [-7.0]]);
        assert_eq!(scored(vec![vec![NOTHING], vec![7.0]], false), [[14.0], [7.0]]);
    }
}
