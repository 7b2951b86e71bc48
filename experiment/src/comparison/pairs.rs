//! Every pair of agents in one environment, seed by seed.

use serde::Serialize;

use super::{ComparisonResults, EnvResults, IntervalEstimate};
use crate::statistics::{holm, signed_rank, superiority, superiority_interval};

/// Chance of a false finding below which something counts as shown. Ours: what most papers call significant.
pub const LEVEL: f64 = 0.05;

/// Two agents that met on the same seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// One agent.
    pub agent: String,
    /// The other.
    pub other: String,
    /// Wilcoxon's signed-rank test between them.
    pub test: PairedTest,
}

/// Wilcoxon's signed-rank test over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedTest {
    /// Seeds on which the agent ended better than the other.
    pub wins: usize,
    /// Seeds on which it ended worse.
    pub losses: usize,
    /// How likely a run of the agent is better than a run of the other, whatever the seeds.
    pub superiority: IntervalEstimate,
    /// Two-sided p-value.
    pub p: f64,
    /// The same, corrected after Holm for all that are tested with it.
    pub p_holm: f64,
}

/// The least two-sided p-value that a signed-rank test of so many seeds can have, corrected after Holm for `n_tests` of them.
pub fn least_p(seeds: usize, n_tests: usize) -> f64 {
    // All seeds lean to one side: one sign pattern of 2^n on either side.
    let seeds = i32::try_from(seeds).unwrap_or(i32::MAX);
    (n_tests as f64 * 2.0_f64.powi(1 - seeds)).min(1.0)
}

/// How many seeds it takes for [`least_p`] to fall below `level`.
pub fn seeds_to_show(level: f64, n_tests: usize) -> usize {
    (1..).find(|&seeds| least_p(seeds, n_tests) < level).expect("invariant: each seed halves it")
}

/// The tests of these pairs of agents, by their indices, corrected together.
pub fn tests(results: &ComparisonResults, env: &EnvResults, pairs: &[(usize, usize)]) -> Vec<PairedTest> {
    let costs =
        |agent: usize| -> Vec<f64> { (0..results.seeds).map(|seed| env.final_cost(agent, seed)).collect() };
    let test = |&(agent, other): &(usize, usize)| {
        let (mine, theirs) = (costs(agent), costs(other));
        // Two runs that found nothing are equal: infinity less infinity is no number, and counts as no difference.
        let differences: Vec<f64> = mine.iter().zip(&theirs).map(|(a, b)| a - b).collect();
        let p = signed_rank(&differences).p;
        PairedTest {
            wins: differences.iter().filter(|difference| **difference < 0.0).count(),
            losses: differences.iter().filter(|difference| **difference > 0.0).count(),
            superiority: superiority_of(&mine, &theirs),
            p,
            p_holm: p,
        }
    };
    let mut tests: Vec<PairedTest> = pairs.iter().map(test).collect();
    let corrected = holm(&tests.iter().map(|test| test.p).collect::<Vec<f64>>());
    tests.iter_mut().zip(corrected).for_each(|(test, p_holm)| test.p_holm = p_holm);
    tests
}

/// [`superiority`] with its interval.
fn superiority_of(mine: &[f64], theirs: &[f64]) -> IntervalEstimate {
    let value = superiority(mine, theirs);
    let [low, high] = superiority_interval(value, mine.len(), theirs.len());
    IntervalEstimate { value, low, high }
}

/// Every pair of agents, corrected for all of them.
pub fn all_pairs(results: &ComparisonResults, env: &EnvResults) -> Vec<Pair> {
    let n = results.agents.len();
    let places: Vec<(usize, usize)> =
        (0..n).flat_map(|agent| (agent + 1..n).map(move |other| (agent, other))).collect();
    let tests = tests(results, env, &places);
    let pair = |(&(agent, other), test): (&(usize, usize), PairedTest)| Pair {
        agent: results.agents[agent].clone(),
        other: results.agents[other].clone(),
        test,
    };
    places.iter().zip(tests).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, trace};
    use super::*;

    /// By hand: over five seeds `a` ends at 6 s and `b` at 1 to 5 s: b is better in every pair of runs, one sign pattern in 32 is as
    /// extreme on either side, and one pair needs no correction.
    #[test]
    fn a_pair_by_hand() {
        let a: Vec<_> = (0..5).map(|_| trace(&[(1, &[6.0])])).collect();
        let b: Vec<_> = (1..=5).map(|value| trace(&[(1, &[f64::from(value)])])).collect();
        let results = results(&["time_s"], &a, &b);
        let pairs = all_pairs(&results, &results.envs[0]);
        // Never better in five seeds is not never: the interval has a width.
        let superiority = pairs[0].test.superiority;
        assert!(
            superiority.value == 0.0 && superiority.low == 0.0 && superiority.high > 0.3,
            "{superiority:?}"
        );
        let test = PairedTest { wins: 0, losses: 5, superiority, p: 0.0625, p_holm: 0.0625 };
        assert_eq!(pairs, [Pair { agent: "a".to_owned(), other: "b".to_owned(), test }]);
    }

    /// Law: the figure is that of all runs, the interval holds it, and turning the pair around turns both around.
    #[test]
    fn superiority_has_an_interval_that_holds_it() {
        let (a, b) = ([1.0, 4.0, 2.0, 7.0, 3.0], [2.0, 5.0, 6.0, 3.0, 8.0]);
        let (there, back) = (superiority_of(&a, &b), superiority_of(&b, &a));
        assert_eq!(there.value, superiority(&a, &b));
        assert!(there.low < there.value && there.value < there.high && there.high <= 1.0, "{there:?}");
        let turned = [1.0 - back.value, 1.0 - back.high, 1.0 - back.low];
        let near =
            [there.value, there.low, there.high].iter().zip(turned).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(near, "{there:?} {back:?}");
    }

    /// Six seeds against two others come to 2 * 2/64 = 1/16, seven to 1/32.
    #[test]
    fn what_seeds_can_show_by_hand() {
        assert_eq!([least_p(6, 2), least_p(7, 2), least_p(1, 3)], [1.0 / 16.0, 1.0 / 32.0, 1.0]);
        assert_eq!([seeds_to_show(0.05, 1), seeds_to_show(0.05, 2), seeds_to_show(0.05, 14)], [6, 7, 10]);
    }
}
