//! What the results say, each figure with its interval.

use serde::Serialize;

use super::pairs::{Pair, PairedTest, all_pairs, least_p, tests};
use super::{ComparisonResults, EnvResults, IntervalEstimate};
use crate::statistics::{quartiles, ranks};

/// What the results of a comparison say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standings {
    /// How many seeds each agent has in each environment.
    pub seeds: usize,
    /// The first of them.
    pub first_seed: u64,
    /// Distinct designs in each run.
    pub trials: usize,
    /// Whom the paired tests compare with.
    pub baseline: Option<String>,
    /// The least p-value against the baseline, corrected after Holm, that so many seeds can show; none if nobody is tested.
    pub least_p: Option<f64>,
    /// The standings in each environment.
    pub envs: Vec<EnvStandings>,
    /// The rank of each agent over all environments and seeds, the best first.
    pub overall: Vec<Overall>,
}

/// The standings in one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvStandings {
    /// The environment.
    pub env: String,
    /// What is sought.
    pub objectives: Vec<String>,
    /// What a run is worth: the metric of the only objective, or `hypervolume`.
    pub measure: String,
    /// Its unit; empty for a volume, which is in the product of the objectives' units.
    pub unit: String,
    /// The best that all runs together found.
    pub best_known: Option<f64>,
    /// Up to where volumes are measured, by metric; empty with one objective.
    pub reference: Vec<(String, f64)>,
    /// The agents, the best average rank first.
    pub standings: Vec<Standing>,
    /// Every pair of agents.
    pub pairs: Vec<Pair>,
}

/// How one agent did in one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Who.
    pub agent: String,
    /// How many of its runs found something acceptable.
    pub found: usize,
    /// How many trials of its runs failed to be evaluated.
    pub failed: usize,
    /// Lower quartile, median and upper quartile of the final value; none where too many runs found nothing.
    pub quartiles: [Option<f64>; 3],
    /// The mean final value; none unless every run found something.
    pub mean: Option<IntervalEstimate>,
    /// The mean final share of the best known, a run without anything acceptable counting 0.
    pub fraction: Option<IntervalEstimate>,
    /// How its fronts stand to that of all runs together; none with one objective.
    pub front: Option<FrontGap>,
    /// The average rank among the agents with the same seed; 1 is best.
    pub rank: IntervalEstimate,
    /// The paired test against the baseline; none for the baseline itself.
    pub test: Option<PairedTest>,
}

/// How far the fronts of an agent stay behind that of all runs together, as quartiles over its runs, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FrontGap {
    /// IGD+, in units of the range of each objective; none where too many runs found nothing.
    pub igd_plus: [Option<f64>; 3],
    /// The common logarithm of the share of the best known hypervolume that is missing; none where none is, or nothing is known.
    pub log_hypervolume_difference: [Option<f64>; 3],
}

impl EnvStandings {
    /// Whose trials failed to be evaluated, a sentence for each agent that has such: its standing counts them as spent.
    pub fn failures(&self) -> Vec<String> {
        let failing = self.standings.iter().filter(|standing| standing.failed > 0);
        let words = |standing: &Standing| match standing.failed {
            1 => format!("1 trial of {} in {} failed to be evaluated", standing.agent, self.env),
            n => format!("{n} trials of {} in {} failed to be evaluated", standing.agent, self.env),
        };
        failing.map(words).collect()
    }
}

/// A rank over all environments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overall {
    /// Who.
    pub agent: String,
    /// The average rank over all environments and seeds; 1 is best. Its interval is over environments, and over seeds within each.
    pub rank: IntervalEstimate,
}

impl Standings {
    /// What `results` say; `baseline` is the index of the agent that the others are tested against.
    pub fn of(results: &ComparisonResults, baseline: Option<usize>) -> Self {
        let envs: Vec<&str> = results.envs.iter().map(|env| env.name.as_str()).collect();
        Self {
            seeds: results.seeds,
            first_seed: results.first_seed,
            trials: results.trials(),
            baseline: baseline.map(|index| results.agents[index].clone()),
            least_p: baseline.and_then(|_| {
                let n_tests = results.agents.len().saturating_sub(1);
                (n_tests > 0).then(|| least_p(results.seeds, n_tests))
            }),
            envs: results.envs.iter().map(|env| in_env(results, env, baseline)).collect(),
            overall: Self::over(results, &envs),
        }
    }

    /// The rank of each agent over the environments called so and all seeds, the best first. Intervals are over environments, and over seeds
    /// within each.
    pub fn over(results: &ComparisonResults, envs: &[&str]) -> Vec<Overall> {
        let envs = results.envs.iter().filter(|env| envs.contains(&env.name.as_str()));
        let blocks: Vec<Vec<Vec<f64>>> = envs.map(|env| rank_blocks(results, env)).collect();
        let rank = |(index, agent): (usize, &String)| {
            let of_env = |seeds: &Vec<Vec<f64>>| seeds.iter().map(|block| block[index]).collect();
            let ranks: Vec<Vec<f64>> = blocks.iter().map(of_env).collect();
            Overall { agent: agent.clone(), rank: IntervalEstimate::of_grouped_mean(&ranks) }
        };
        let mut overall: Vec<Overall> = results.agents.iter().enumerate().map(rank).collect();
        overall.sort_by(|a, b| a.rank.value.total_cmp(&b.rank.value));
        overall
    }
}

fn in_env(results: &ComparisonResults, env: &EnvResults, baseline: Option<usize>) -> EnvStandings {
    let blocks = rank_blocks(results, env);
    let n = results.agents.len();
    let tests = baseline.map(|baseline| against(results, env, baseline)).unwrap_or(vec![None; n]);
    let standing = |(index, test): (usize, Option<PairedTest>)| {
        let costs = final_costs(results, env, index);
        let value = |cost: f64| env.value(cost);
        let values: Option<Vec<f64>> = costs.iter().map(|&cost| value(cost)).collect();
        let fractions: Option<Vec<f64>> = costs.iter().map(|&cost| env.fraction(cost)).collect();
        let mut quartiles = quartiles(&costs).map(value);
        if env.direction() == tapeout_core::Direction::Maximize {
            quartiles.reverse(); // the least cost is the largest value
        }
        Standing {
            agent: results.agents[index].clone(),
            found: costs.iter().filter(|cost| cost.is_finite()).count(),
            failed: env.failed[index],
            quartiles,
            mean: values.as_deref().map(IntervalEstimate::of_mean),
            fraction: fractions.as_deref().map(IntervalEstimate::of_mean),
            front: front_gap(results, env, index),
            rank: mean_rank(&blocks, index),
            test,
        }
    };
    let mut standings: Vec<Standing> = tests.into_iter().enumerate().map(standing).collect();
    standings.sort_by(|a, b| a.rank.value.total_cmp(&b.rank.value));
    let reference = env.reference_values().into_iter();
    EnvStandings {
        env: env.name.clone(),
        objectives: env.problem.objectives.iter().map(ToString::to_string).collect(),
        measure: env.measure().to_owned(),
        unit: if env.is_volume() { String::new() } else { env.problem.metrics[0].unit.clone() },
        best_known: env.best_known.and_then(|cost| env.value(cost)),
        reference: reference.map(|(name, value)| (name.to_owned(), value)).collect(),
        standings,
        pairs: all_pairs(results, env),
    }
}

fn front_gap(results: &ComparisonResults, env: &EnvResults, agent: usize) -> Option<FrontGap> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let seeds = 0..results.seeds;
    let distances: Vec<f64> = seeds.clone().filter_map(|seed| env.distance(agent, seed)).collect();
    let differences: Option<Vec<f64>> =
        seeds.map(|seed| env.log_difference(env.final_cost(agent, seed))).collect();
    (!distances.is_empty()).then(|| FrontGap {
        igd_plus: quartiles(&distances).map(finite),
        log_hypervolume_difference: differences.map_or([None; 3], |it| quartiles(&it).map(finite)),
    })
}

fn final_costs(results: &ComparisonResults, env: &EnvResults, agent: usize) -> Vec<f64> {
    (0..results.seeds).map(|seed| env.final_cost(agent, seed)).collect()
}

/// The ranks of all agents with each seed. Shape `[seeds][agents]`.
fn rank_blocks(results: &ComparisonResults, env: &EnvResults) -> Vec<Vec<f64>> {
    let agents = 0..results.agents.len();
    let block = |seed| {
        let costs: Vec<f64> = agents.clone().map(|index| env.final_cost(index, seed)).collect();
        ranks(&costs)
    };
    (0..results.seeds).map(block).collect()
}

fn mean_rank(blocks: &[Vec<f64>], agent: usize) -> IntervalEstimate {
    IntervalEstimate::of_mean(&blocks.iter().map(|block| block[agent]).collect::<Vec<f64>>())
}

/// Each agent against the baseline, seed by seed; none for the baseline itself.
fn against(results: &ComparisonResults, env: &EnvResults, baseline: usize) -> Vec<Option<PairedTest>> {
    let others = (0..results.agents.len()).filter(|&index| index != baseline);
    let places: Vec<(usize, usize)> = others.map(|index| (index, baseline)).collect();
    let mut all = vec![None; results.agents.len()];
    for (&(index, _), test) in places.iter().zip(tests(results, env, &places)) {
        all[index] = Some(test);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, trace};
    use super::*;

    // By hand: over five seeds `b` finds 1 to 5 s where `a`, the baseline, finds 6 s; one sign pattern in 32 is as
    // extreme on either side.
    #[test]
    fn an_agent_that_always_wins_is_first_with_its_evidence() {
        let a: Vec<_> = (0..5).map(|_| trace(&[(1, &[6.0])])).collect();
        let b: Vec<_> = (1..=5).map(|value| trace(&[(1, &[f64::from(value)])])).collect();
        let standings = Standings::of(&results(&["time_s"], &a, &b), Some(0));
        let [first, second] = standings.envs[0].standings.as_slice() else { panic!("two agents") };
        assert_eq!((first.agent.as_str(), first.rank.value, second.rank.value), ("b", 1.0, 2.0));
        assert_eq!(first.quartiles, [Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(first.mean.unwrap().value, 3.0);
        let test = first.test.unwrap();
        assert_eq!((test.wins, test.losses, test.p, test.p_holm), (5, 0, 2.0 / 32.0, 2.0 / 32.0));
        assert_eq!(second.test, None);
        assert_eq!(standings.overall[0].agent, "b");
    }

    // Claim: a run that found nothing lies behind every other, ties with its like, and leaves no mean.
    #[test]
    fn runs_that_found_nothing_are_last() {
        let nothing = || trace(&[]);
        let found = || trace(&[(1, &[1.0])]);
        let standings =
            Standings::of(&results(&["time_s"], &[nothing(), nothing()], &[nothing(), found()]), Some(0));
        let b = &standings.envs[0].standings[0];
        assert_eq!((b.agent.as_str(), b.found, b.rank.value, b.mean), ("b", 1, 1.25, None));
        assert_eq!(b.fraction.unwrap().value, 0.5);
        assert_eq!(b.test.map(|test| (test.wins, test.losses)), Some((1, 0)));
    }

    // By hand: against one agent two seeds show no less than 1/2; where there is nobody to be tested, there is nothing to be shown.
    #[test]
    fn a_lone_agent_is_not_told_that_its_seeds_are_too_few() {
        let runs = || [trace(&[(1, &[1.0])]), trace(&[(1, &[2.0])])];
        let mut of_two = results(&["time_s"], &runs(), &runs());
        assert_eq!(Standings::of(&of_two, Some(0)).least_p, Some(0.5));
        of_two.agents.truncate(1);
        assert_eq!(Standings::of(&of_two, Some(0)).least_p, None);
    }

    #[test]
    fn quartiles_of_volumes_rise() {
        let with = |x: f64| trace(&[(1, &[x, 1.0]), (2, &[4.0, 0.0])]);
        let standings = Standings::of(
            &results(&["x_s", "y_s"], &[with(1.0), with(2.0), with(3.0)], &[with(0.0), with(0.0), with(0.0)]),
            None,
        );
        let a = standings.envs[0].standings.iter().find(|standing| standing.agent == "a").unwrap();
        assert!(a.quartiles.is_sorted(), "{:?}", a.quartiles);
    }

    // By hand: `a` is first on one environment with every seed, `b` on the other: either environment is drawn twice in a quarter of the
    // resamples, so no number of seeds leaves less than from 1 to 2.
    #[test]
    fn ranks_over_environments_are_no_surer_for_more_seeds() {
        let runs = |value: f64| -> Vec<_> { (0..20).map(|_| trace(&[(1, &[value])])).collect() };
        let mut both = results(&["time_s"], &runs(1.0), &runs(2.0));
        let mut other = results(&["time_s"], &runs(2.0), &runs(1.0)).envs.remove(0);
        other.name = "other".to_owned();
        both.envs.push(other);
        for overall in Standings::of(&both, None).overall {
            assert_eq!([overall.rank.value, overall.rank.low, overall.rank.high], [1.5, 1.0, 2.0]);
        }
    }
}
