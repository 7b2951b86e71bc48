//! Regularized evolution: a population in which the oldest dies, not the worst.
//!
//! Source: Real, Aggarwal, Huang & Le (2019), "Regularized evolution for image classifier architecture search",
//! doi:10.1609/aaai.v33i01.33014780, algorithm 1.
//! Departs from it: a mutation moves one parameter of a design to another level, where the paper's changes an
//! operation or an edge of a network cell; evolution begins with as many random designs as compete in a tournament,
//! and the population grows to its size by evolving; known designs are not proposed again.

use std::collections::VecDeque;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};

use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;

/// Hyperparameters; the defaults are the paper's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegularizedEvolutionConfig {
    /// `P`: how many designs are alive.
    pub population: usize,
    /// `S`: how many of them, drawn with replacement, compete to be the parent of the next.
    pub sample_size: usize,
}

impl Default for RegularizedEvolutionConfig {
    /// Real et al. (2019), section 4, "Methods": P = 100, S = 25.
    fn default() -> Self {
        Self { population: 100, sample_size: 25 }
    }
}

/// Aging evolution with tournament selection.
pub struct RegularizedEvolution {
    config: RegularizedEvolutionConfig,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    /// Oldest first.
    population: VecDeque<Trial>,
    /// Random designs still to be proposed before evolution begins.
    n_random: usize,
    has_proposed: bool,
}

impl RegularizedEvolution {
    /// The best of a few members drawn at random, under fresh weights if there are several objectives.
    fn parent(&mut self) -> Design {
        self.scalarizer.redraw();
        let n = self.population.len();
        let sample = (0..self.config.sample_size).map(|_| &self.population[self.rng.random_range(0..n)]);
        let best = sample.min_by_key(|member| self.scalarizer.merit(&member.judgement));
        best.expect("a sample holds at least one member").design.clone()
    }

    /// The best of an earlier log become the first population; the very best is the youngest.
    fn adopt(&mut self, log: &[Trial]) {
        let mut members: Vec<Trial> = self.population.drain(..).chain(log.iter().cloned()).collect();
        members.sort_by(|a, b| a.design.cmp(&b.design));
        members.dedup_by(|later, first| later.design == first.design);
        let chosen = self.scalarizer.select(&members, self.config.population);
        self.population = chosen.into_iter().rev().map(|index| members[index].clone()).collect();
        self.n_random = self.n_random.saturating_sub(self.population.len());
    }
}

impl Agent for RegularizedEvolution {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.has_proposed = true;
        let mut designs = Vec::with_capacity(count);
        for _ in 0..count {
            if self.n_random > 0 || self.population.is_empty() {
                self.n_random = self.n_random.saturating_sub(1);
                designs.push(self.seen.draw(&mut self.rng));
            } else {
                let parent = self.parent();
                designs.push(self.seen.propose(&mut self.rng, |space, rng| space.mutate(&parent, rng)));
            }
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        if !self.has_proposed {
            self.adopt(trials);
            return Ok(());
        }
        for trial in trials {
            self.population.push_back(trial.clone());
            if self.population.len() > self.config.population {
                self.population.pop_front(); // the oldest dies, however good
            }
        }
        Ok(())
    }
}

impl BuildAgent for RegularizedEvolution {
    const ID: &'static str = "regularized-evolution";
    const SUMMARY: &'static str = "Regularized evolution: mutation, tournaments, and death by age";
    const DESCRIPTION: &'static str = include_str!("regularized_evolution.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = RegularizedEvolutionConfig;

    fn build(problem: &Problem, config: RegularizedEvolutionConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("population", config.population, 1..)?;
        check("sample_size", config.sample_size, 1..)?;
        Ok(Self {
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("regularized evolution"),
            population: VecDeque::with_capacity(config.population + 1),
            n_random: config.sample_size.min(config.population),
            has_proposed: false,
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    fn agent(population: usize) -> RegularizedEvolution {
        let config = RegularizedEvolutionConfig { population, sample_size: 25 };
        RegularizedEvolution::build(&Toy::bowl().problem(), config, Seed::new(0)).unwrap()
    }

    fn trial(rank: u128, loss: f64) -> Trial {
        let toy = Toy::bowl();
        toy.problem().trial(toy.space().unrank(rank), Outcome::Measured(vec![loss]))
    }

    fn losses(agent: &RegularizedEvolution) -> Vec<f64> {
        agent.population.iter().map(|member| member.judgement.accepted().unwrap()[0]).collect()
    }

    #[test]
    fn the_oldest_dies_even_if_it_is_the_best() {
        let mut agent = agent(2);
        agent.suggest(3).unwrap();
        agent.observe(&[trial(0, 1.0), trial(1, 7.0), trial(2, 5.0)]).unwrap();
        assert_eq!(losses(&agent), [7.0, 5.0]);
    }

    #[test]
    fn the_best_of_a_log_are_adopted_and_evolved_at_once() {
        let mut agent = agent(2);
        agent.observe(&[trial(0, 1.0), trial(1, 7.0), trial(2, 5.0), trial(0, 1.0)]).unwrap();
        assert_eq!(losses(&agent), [5.0, 1.0]);
        let parents = [trial(0, 1.0).design, trial(2, 5.0).design];
        let differing =
            |a: &Design, b: &Design| a.levels().iter().zip(b.levels()).filter(|(a, b)| a != b).count();
        for child in agent.suggest(20).unwrap() {
            assert!(parents.iter().any(|parent| differing(parent, &child) == 1), "{child:?}");
        }
    }
}
