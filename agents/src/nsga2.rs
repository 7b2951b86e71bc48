//! NSGA-II: elitist genetic search for a Pareto front.
//!
//! Source: Deb, Pratap, Agarwal & Meyarivan (2002), doi:10.1109/4235.996017.
//! Departs from it: children are made as `parts/variation.rs` says; the population is as large as its first front needs; known designs
//! are not proposed again.

use std::cmp::Ordering;

use rand::RngExt;
use tapeout_core::pareto::{crowding_distance, non_dominated_sort};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, Judgement, ObjectiveSupport, Problem, Seed, Stream,
    Trial,
};

pub use crate::parts::front_population::FrontPopulationConfig;
use crate::parts::seen::Seen;
use crate::parts::variation::Variation;

/// Non-dominated sorting, crowding, binary tournaments.
pub struct Nsga2 {
    config: FrontPopulationConfig,
    variation: Variation,
    seen: Seen,
    rng: Stream,
    /// Sorted by the crowded comparison, best first; empty until the first generation is observed.
    parents: Vec<Member>,
    /// Observed since the parents were chosen.
    offspring: Vec<Trial>,
}

/// A survivor and its place in the crowded comparison.
struct Member {
    trial: Trial,
    standing: Standing,
}

/// The front a design is on, and how lonely it is there.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Standing {
    rank: usize,
    crowding: f64,
}

impl Standing {
    /// The crowded comparison: the lower front first, and on one front the lonelier. Section III-C.
    fn compare(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank).then(other.crowding.total_cmp(&self.crowding))
    }
}

/// Fronts by constraint domination, and the crowding distance on each. Sections III-A, III-B and VI-A.
///
/// Constraint domination orders all but the acceptable totally, so these stand behind the others' fronts in order of
/// their shortfall; those that fall short alike share a front.
fn standings(judgements: &[&Judgement]) -> Vec<Standing> {
    let (accepted, mut others): (Vec<usize>, Vec<usize>) =
        (0..judgements.len()).partition(|&index| judgements[index].accepted().is_some());
    let losses: Vec<&[f64]> = accepted.iter().filter_map(|&index| judgements[index].accepted()).collect();
    let mut standings = vec![Standing { rank: 0, crowding: 0.0 }; judgements.len()];
    let fronts = non_dominated_sort(&losses);
    for (rank, front) in fronts.iter().enumerate() {
        let points: Vec<&[f64]> = front.iter().map(|&point| losses[point]).collect();
        for (&point, crowding) in front.iter().zip(crowding_distance(&points)) {
            standings[accepted[point]] = Standing { rank, crowding };
        }
    }
    others.sort_by(|&a, &b| judgements[a].compare_shortfall(judgements[b]));
    let is_alike = |&a: &usize, &b: &usize| judgements[a].compare_shortfall(judgements[b]).is_eq();
    for (group, alike) in others.chunk_by(is_alike).enumerate() {
        for &index in alike {
            standings[index].rank = fronts.len() + group;
        }
    }
    standings
}

impl Nsga2 {
    /// Parents and offspring compete for the places of the next generation. Section III-C.
    fn select_survivors(&mut self) {
        let parents = self.parents.drain(..).map(|member| member.trial);
        let trials: Vec<Trial> = parents.chain(self.offspring.drain(..)).collect();
        let judgements: Vec<&Judgement> = trials.iter().map(|trial| &trial.judgement).collect();
        let standings = standings(&judgements);
        let is_first = |(trial, standing): &(&Trial, &Standing)| {
            standing.rank == 0 && trial.judgement.accepted().is_some()
        };
        let n_first = trials.iter().zip(&standings).filter(is_first).count();
        let members = trials.into_iter().zip(standings);
        self.parents.extend(members.map(|(trial, standing)| Member { trial, standing }));
        self.parents.sort_by(|a, b| a.standing.compare(&b.standing));
        self.parents.truncate(self.config.survivors(n_first));
    }
}

/// The better of two parents drawn at random; the first if neither is.
fn tournament<'a>(parents: &'a [Member], rng: &mut Stream) -> &'a Design {
    let n = parents.len();
    let (a, b) = (&parents[rng.random_range(0..n)], &parents[rng.random_range(0..n)]);
    match a.standing.compare(&b.standing) {
        Ordering::Greater => &b.trial.design,
        Ordering::Less | Ordering::Equal => &a.trial.design,
    }
}

impl Agent for Nsga2 {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        Ok(self.variation.breed(&mut self.seen, &mut self.rng, &self.parents, tournament, count))
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.offspring.extend_from_slice(trials);
        if self.offspring.len() >= self.config.survivors(self.parents.len()) {
            self.select_survivors();
        }
        Ok(())
    }
}

impl BuildAgent for Nsga2 {
    const ID: &'static str = "nsga2";
    const SUMMARY: &'static str = "NSGA-II: non-dominated sorting, crowding, binary tournaments";
    const DESCRIPTION: &'static str = include_str!("nsga2.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = FrontPopulationConfig;

    fn build(problem: &Problem, config: FrontPopulationConfig, seed: Seed) -> Result<Self, ConfigError> {
        Ok(Self {
            variation: config.variation(problem.space())?,
            config,
            seen: Seen::new(problem.space()),
            rng: seed.stream("nsga2"),
            parents: Vec::new(),
            offspring: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn acceptable(losses: [f64; 2]) -> Judgement {
        Judgement::Acceptable { losses: losses.to_vec() }
    }

    /// (1, 3) and (2, 1) are the first front, (3, 3) the second; then the unacceptable by violation, whatever their
    /// losses, then the infeasible, two of which fall short alike.
    #[test]
    fn fronts_by_constraint_domination_by_hand() {
        let unacceptable = |violation| Judgement::Unacceptable { losses: vec![0.0, 0.0], violation };
        let infeasible = |violation| Judgement::Infeasible { violation };
        let judgements = [
            infeasible(0.1),
            acceptable([3.0, 3.0]),
            unacceptable(0.5),
            acceptable([1.0, 3.0]),
            unacceptable(0.2),
            acceptable([2.0, 1.0]),
            infeasible(0.1),
        ];
        let standings = standings(&judgements.iter().collect::<Vec<_>>());
        let ranks: Vec<usize> = standings.iter().map(|standing| standing.rank).collect();
        assert_eq!(ranks, [4, 1, 3, 0, 2, 0, 4]);
    }

    /// Four designs on one front for three places. Of the inner two, (2, 8) lies between (0, 10) and (3, 7): 3/10 +
    /// 3/10; (3, 7) between (2, 8) and (10, 0): 8/10 + 8/10. The more crowded (2, 8) goes, and the dominated (10, 11)
    /// with it.
    #[test]
    fn the_most_crowded_of_the_last_front_goes() {
        let toy = Toy::tradeoff();
        let config = FrontPopulationConfig { population: 3, ..FrontPopulationConfig::default() };
        let mut agent = Nsga2::build(&toy.problem(), config, Seed::new(0)).unwrap();
        let points = [[0.0, 10.0], [2.0, 8.0], [10.0, 11.0], [3.0, 7.0], [10.0, 0.0]];
        let trial = |(rank, point): (usize, &[f64; 2])| {
            toy.problem().trial(toy.space().unrank(rank as u128), Outcome::Measured(point.to_vec()))
        };
        agent.observe(&points.iter().enumerate().map(trial).collect::<Vec<_>>()).unwrap();
        let mut kept: Vec<u128> =
            agent.parents.iter().map(|parent| toy.space().rank(&parent.trial.design)).collect();
        kept.sort_unstable();
        assert_eq!(kept, [0, 3, 4]);
    }
}
