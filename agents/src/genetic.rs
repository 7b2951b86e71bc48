//! A genetic algorithm: crossover, mutation, tournaments, and a small elite that is never lost.
//!
//! Source: Eiben & Smith (2015), "Introduction to Evolutionary Computing", 2nd ed., doi:10.1007/978-3-662-44874-8,
//! chapters 4 and 5: binary tournaments, uniform crossover, and (mu + lambda) survival in steady state, lambda being
//! however many children were observed together. The population is the small one of Schaffer, Caruana, Eshelman & Das
//! (1989), "A study of control parameters affecting online performance of genetic algorithms for function
//! optimization", ICGA 3, 51-60.
//! Departs from them: children are made as `parts/variation.rs` says, and known designs are not proposed again.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;
use crate::parts::variation::Variation;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GeneticConfig {
    /// How many designs live; so many are drawn at random first.
    pub population: usize,
    /// How likely a child has two parents.
    pub crossover_probability: f64,
    /// How likely each parameter of a child is mutated; one over the number of parameters if absent.
    pub mutation_probability: Option<f64>,
    /// The larger, the shorter the steps of a mutation: eta_m of the polynomial mutation.
    pub mutation_index: f64,
}

impl Default for GeneticConfig {
    /// Schaffer et al. (1989): populations of 20 to 30, crossover 0.75 to 0.95; of these the least and the largest.
    /// Muehlenbein (1992), "How genetic algorithms really work", PPSN II, 15-26: one mutation a child.
    /// Deb et al. (2002), doi:10.1109/4235.996017, section V: eta_m = 20.
    fn default() -> Self {
        Self { population: 20, crossover_probability: 0.95, mutation_probability: None, mutation_index: 20.0 }
    }
}

/// A population that is replaced by the best of itself and its children.
pub struct Genetic {
    variation: Variation,
    population: usize,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    /// Best first; empty until there are enough.
    parents: Vec<Trial>,
    /// Observed since the parents were chosen.
    offspring: Vec<Trial>,
}

impl Genetic {
    /// The best of parents and children, each design once, live on; under fresh weights if there are several
    /// objectives.
    fn select_survivors(&mut self) {
        self.scalarizer.redraw();
        // Of two trials of one design the later counts.
        let mut members: Vec<Trial> = self.offspring.drain(..).rev().chain(self.parents.drain(..)).collect();
        members.sort_by(|a, b| a.design.cmp(&b.design));
        members.dedup_by(|later, first| later.design == first.design);
        members.sort_by_cached_key(|member| self.scalarizer.merit(&member.judgement));
        members.truncate(self.population);
        self.parents = members;
    }
}

/// The better of two parents drawn at random. `parents`: best first.
fn tournament<'a>(parents: &'a [Trial], rng: &mut Stream) -> &'a Design {
    let n = parents.len();
    &parents[rng.random_range(0..n).min(rng.random_range(0..n))].design
}

impl Agent for Genetic {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        Ok(self.variation.breed(&mut self.seen, &mut self.rng, &self.parents, tournament, count))
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        self.offspring.extend_from_slice(trials);
        if self.parents.len() + self.offspring.len() >= self.population {
            self.select_survivors();
        }
        Ok(())
    }
}

impl BuildAgent for Genetic {
    const ID: &'static str = "ga";
    const SUMMARY: &'static str = "Genetic algorithm: crossover, mutation, tournaments, the best survive";
    const DESCRIPTION: &'static str = include_str!("genetic.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = GeneticConfig;

    fn build(problem: &Problem, config: GeneticConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("population", config.population, 2..)?;
        let variation = Variation::new(
            problem.space(),
            config.crossover_probability,
            config.mutation_probability,
            config.mutation_index,
        )?;
        Ok(Self {
            variation,
            population: config.population,
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("genetic"),
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

    fn trial(rank: u128, loss: f64) -> Trial {
        let toy = Toy::bowl();
        toy.problem().trial(toy.space().unrank(rank), Outcome::Measured(vec![loss]))
    }

    fn agent(population: usize) -> Genetic {
        let config =
            GeneticConfig { population, mutation_probability: Some(0.0), ..GeneticConfig::default() };
        Genetic::build(&Toy::bowl().problem(), config, Seed::new(0)).unwrap()
    }

    #[test]
    fn the_best_of_parents_and_children_survive_each_design_once() {
        let mut agent = agent(3);
        agent.observe(&[trial(0, 1.0), trial(1, 7.0), trial(2, 5.0)]).unwrap();
        agent.observe(&[trial(3, 6.0), trial(0, 1.0), trial(4, 0.5)]).unwrap();
        let losses: Vec<f64> =
            agent.parents.iter().map(|member| member.judgement.accepted().unwrap()[0]).collect();
        assert_eq!(losses, [0.5, 1.0, 5.0]);
    }

    /// Parents 0 0 0 0 0 0 and 0 0 0 1 0 2: without mutation a child's levels are theirs.
    #[test]
    fn without_mutation_children_mix_the_levels_of_their_parents() {
        let mut agent = agent(2);
        let space = Toy::bowl().space().clone();
        let ranks = [[0, 0, 0, 0, 0, 0], [5, 4, 3, 2, 1, 2]]
            .map(|levels| space.rank(&space.design(&levels).unwrap()));
        agent.observe(&[trial(ranks[0], 1.0), trial(ranks[1], 2.0)]).unwrap();
        let children = agent.suggest(20).unwrap();
        for child in &children {
            for (&level, other) in child.levels().iter().zip([5, 4, 3, 2, 1, 2]) {
                assert!(level == 0 || level == other, "{child:?}");
            }
        }
    }
}
