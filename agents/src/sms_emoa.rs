//! SMS-EMOA: the population of the largest hypervolume, one design at a time.
//!
//! Source: Beume, Naujoks & Emmerich (2007), doi:10.1016/j.ejor.2006.08.008, algorithms 1 and 3: the member that goes
//! is, on the last of several fronts, the one with the most dominating it, and on a single front the one that adds
//! least to the hypervolume.
//! Departs from it: children are made as `parts/variation.rs` says; parents win a tournament by dominance, where there they
//! are drawn uniformly; the population is as large as its first front needs; losses are divided by their range, so that the reference, worse
//! than the worst by 1 in each objective, is as far for all; designs that are not acceptable go first, the furthest
//! from it before all; known designs are not proposed again.

use tapeout_core::pareto::{contributions, dominates, non_dominated_sort};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

pub use crate::parts::front_population::FrontPopulationConfig;
use crate::parts::front_population::dominating;
use crate::parts::ranges::normalised;
use crate::parts::seen::Seen;
use crate::parts::variation::Variation;

/// Selection by hypervolume, in steady state.
pub struct SmsEmoa {
    config: FrontPopulationConfig,
    variation: Variation,
    seen: Seen,
    rng: Stream,
    population: Vec<Trial>,
}

impl SmsEmoa {
    /// The member that the population misses least, if it is larger than its first front needs. Algorithm 3.
    fn surplus(&self) -> Option<usize> {
        let judgement = |index: usize| &self.population[index].judgement;
        let (accepted, others): (Vec<usize>, Vec<usize>) =
            (0..self.population.len()).partition(|&index| judgement(index).accepted().is_some());
        let losses: Vec<&[f64]> = accepted.iter().filter_map(|&index| judgement(index).accepted()).collect();
        let fronts = non_dominated_sort(&losses);
        if self.population.len() <= self.config.survivors(fronts.first().map_or(0, Vec::len)) {
            return None;
        }
        let worst = others.into_iter().max_by(|&a, &b| judgement(a).compare_shortfall(judgement(b)));
        let least = || match fronts.as_slice() {
            [_, .., last] => most_dominated(&losses, last),
            _ => least_contribution(&losses),
        };
        Some(worst.unwrap_or_else(|| accepted[least()]))
    }
}

/// The point of `front`, which is not empty, that most of all points dominate.
fn most_dominated(losses: &[&[f64]], front: &[usize]) -> usize {
    let n_dominating =
        |&&point: &&usize| losses.iter().filter(|other| dominates(other, losses[point])).count();
    *front.iter().max_by_key(n_dominating).expect("a front has a member")
}

/// The point that adds least to the hypervolume.
fn least_contribution(losses: &[&[f64]]) -> usize {
    let points = normalised(losses);
    let reference = vec![2.0; points[0].len()]; // the worst is at 1
    let shares = contributions(&points, &reference).expect("judged losses are finite");
    (0..shares.len()).min_by(|&a, &b| shares[a].total_cmp(&shares[b])).expect("a front has a member")
}

impl Agent for SmsEmoa {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let (population, initial) = (&self.population, self.config.survivors(0));
        let mut designs = self.seen.draw_members(population.len(), initial, count, &mut self.rng);
        let n_left = count - designs.len();
        designs.extend(self.variation.breed(&mut self.seen, &mut self.rng, population, dominating, n_left));
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        for trial in trials {
            if self.population.iter().any(|member| member.design == trial.design) {
                continue;
            }
            self.population.push(trial.clone());
            while let Some(surplus) = self.surplus() {
                self.population.swap_remove(surplus);
            }
        }
        Ok(())
    }
}

impl BuildAgent for SmsEmoa {
    const ID: &'static str = "sms-emoa";
    const SUMMARY: &'static str =
        "SMS-EMOA: whoever adds least to the hypervolume goes; for three and more objectives";
    const DESCRIPTION: &'static str = include_str!("sms_emoa.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = FrontPopulationConfig;

    fn build(problem: &Problem, config: FrontPopulationConfig, seed: Seed) -> Result<Self, ConfigError> {
        Ok(Self {
            variation: config.variation(problem.space())?,
            config,
            seen: Seen::new(problem.space()),
            rng: seed.stream("sms-emoa"),
            population: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// The places of the toy's first designs that survive, given what each is measured at.
    fn survivors(population: usize, outcomes: &[Outcome]) -> Vec<u128> {
        let toy = Toy::tradeoff();
        let config = FrontPopulationConfig { population, ..FrontPopulationConfig::default() };
        let mut agent = SmsEmoa::build(&toy.problem(), config, Seed::new(0)).unwrap();
        let trial = |(rank, outcome): (usize, &Outcome)| {
            toy.problem().trial(toy.space().unrank(rank as u128), outcome.clone())
        };
        agent.observe(&outcomes.iter().enumerate().map(trial).collect::<Vec<_>>()).unwrap();
        let mut kept: Vec<u128> =
            agent.population.iter().map(|member| toy.space().rank(&member.design)).collect();
        kept.sort_unstable();
        kept
    }

    fn measured(losses: [f64; 2]) -> Outcome {
        Outcome::Measured(losses.to_vec())
    }

    /// On one front, with ranges 10 and 10 and the reference at (20, 20): (2, 8) adds (3 - 2)(10 - 8) = 2, (3, 7) adds
    /// (10 - 3)(8 - 7) = 7, the ends more.
    #[test]
    fn of_one_front_the_least_contribution_goes() {
        let points = [[0.0, 10.0], [2.0, 8.0], [3.0, 7.0], [10.0, 0.0]].map(measured);
        assert_eq!(survivors(3, &points), [0, 2, 3]);
    }

    /// The first front is (1, 5), (2, 2), (3, 1), the second (1, 6) and (4, 4): (1, 5) alone dominates the former,
    /// (2, 2) and (3, 1) the latter.
    #[test]
    fn of_several_fronts_the_most_dominated_of_the_last_goes() {
        let points = [[1.0, 5.0], [2.0, 2.0], [3.0, 1.0], [4.0, 4.0], [1.0, 6.0]].map(measured);
        assert_eq!(survivors(4, &points), [0, 1, 2, 4]);
    }

    #[test]
    fn what_falls_short_most_goes_before_all() {
        let infeasible = |violation| Outcome::infeasible("never", violation);
        let outcomes = [infeasible(0.5), measured([1.0, 1.0]), infeasible(0.1), measured([2.0, 2.0])];
        assert_eq!(survivors(3, &outcomes), [1, 2, 3]);
        assert_eq!(survivors(2, &outcomes), [1, 3]);
    }
}
