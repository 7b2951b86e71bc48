//! Differential evolution: each member is challenged by another, moved along the difference of two more.
//!
//! Source: Storn & Price (1997), doi:10.1023/A:1008202821328: DE/rand/1/bin, equations 2 to 6.
//! Departs from it: vectors are levels, and a difference is rounded up or down at random, so that it keeps its mean;
//! where the two categories differ, a category is taken from either with probability F; a member is challenged as
//! soon as its turn comes, not in generations; a challenger that is known already is replaced by another.

use std::collections::HashMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Problem, Seed, Stream,
    Trial,
};

use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;
use crate::parts::variation::legal;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DifferentialEvolutionConfig {
    /// `NP`: how many designs the population holds.
    pub population: usize,
    /// `F`: how much of a difference is added.
    pub differential_weight: f64,
    /// `CR`: how likely each parameter of a challenger is the mutant's, not the member's.
    pub crossover_probability: f64,
}

impl Default for DifferentialEvolutionConfig {
    /// Storn & Price (1997): F = 0.5 and CR = 0.9 or 1 as first choices. NP there is 5 to 10 for each parameter, for
    /// thousands of evaluations; 20 leaves some for evolution within a hundred.
    fn default() -> Self {
        Self { population: 20, differential_weight: 0.5, crossover_probability: 0.9 }
    }
}

/// A population whose members are challenged in turn.
pub struct DifferentialEvolution {
    config: DifferentialEvolutionConfig,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    population: Vec<Trial>,
    /// The next member to be challenged.
    turn: usize,
    /// Challengers not yet answered, with the place of the member each challenges.
    pending: HashMap<Design, usize>,
}

/// How a mutant is made.
#[derive(Clone, Copy)]
struct Mutation<'a> {
    base: &'a [u32],
    plus: &'a [u32],
    minus: &'a [u32],
    weight: f64,
}

impl Mutation<'_> {
    /// Level `index` of the mutant, base + F (plus - minus); equation 2.
    fn level(&self, index: usize, space: &DesignSpace, rng: &mut Stream) -> u32 {
        let [base, plus, minus] = [self.base, self.plus, self.minus].map(|levels| levels[index]);
        let parameter = &space.parameters()[index];
        if parameter.is_categorical() {
            let is_moved = plus != minus && rng.random_bool(self.weight.min(1.0));
            return match (is_moved, rng.random::<bool>()) {
                (false, _) => base,
                (true, true) => plus,
                (true, false) => minus,
            };
        }
        let target = f64::from(base) + self.weight * (f64::from(plus) - f64::from(minus));
        let rounded = (target + rng.random::<f64>()).floor(); // up with the probability of its fraction
        rounded.clamp(0.0, f64::from(parameter.n_levels() - 1)) as u32
    }
}

impl DifferentialEvolution {
    /// The mutant of three members drawn at random, crossed with the next member in turn.
    fn challenger(&mut self) -> Design {
        let n = self.population.len();
        let target = self.turn % n;
        self.turn = target + 1;
        if self.turn == n {
            self.scalarizer.redraw();
        }
        let (population, config) = (&self.population, &self.config);
        let design = self.seen.propose(&mut self.rng, |space, rng| {
            legal(space, || {
                let [a, b, c] = others(target, n, rng).map(|place| population[place].design.levels());
                let mutation = Mutation { base: a, plus: b, minus: c, weight: config.differential_weight };
                let mut levels = population[target].design.levels().to_vec();
                let forced = rng.random_range(0..levels.len()); // at least one is the mutant's; equation 4
                for (index, level) in levels.iter_mut().enumerate() {
                    if index == forced || rng.random_bool(config.crossover_probability) {
                        *level = mutation.level(index, space, rng);
                    }
                }
                levels
            })
        });
        self.pending.insert(design.clone(), target);
        design
    }

    /// A trial that challenges nobody joins while there is room, and then takes the place of the worst if it is better.
    fn take_in(&mut self, trial: &Trial) {
        if self.population.iter().any(|member| member.design == trial.design) {
            return;
        }
        if self.population.len() < self.config.population {
            self.population.push(trial.clone());
            return;
        }
        let merit = |member: &Trial| self.scalarizer.merit(&member.judgement);
        let worst = (0..self.population.len()).max_by_key(|&place| merit(&self.population[place]));
        let worst = worst.expect("a full population is not empty");
        if merit(trial) < merit(&self.population[worst]) {
            self.population[worst] = trial.clone();
        }
    }
}

/// Three places below `n`, different from each other and from `target`.
fn others(target: usize, n: usize, rng: &mut Stream) -> [usize; 3] {
    let mut chosen = [target; 3];
    for filled in 0..3 {
        chosen[filled] = loop {
            let place = rng.random_range(0..n);
            if place != target && !chosen[..filled].contains(&place) {
                break place;
            }
        };
    }
    chosen
}

impl Agent for DifferentialEvolution {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut n_joining = 0; // random designs proposed in this call, each a member to be
        let mut designs = Vec::with_capacity(count);
        for _ in 0..count {
            let is_short = self.population.len() + n_joining < self.config.population;
            if (is_short && !self.seen.is_complete()) || self.population.len() < 4 {
                n_joining += 1;
                designs.push(self.seen.draw(&mut self.rng));
            } else {
                designs.push(self.challenger());
            }
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        for trial in trials {
            match self.pending.remove(&trial.design) {
                Some(target) => {
                    let merit = |trial: &Trial| self.scalarizer.merit(&trial.judgement);
                    if merit(trial) <= merit(&self.population[target]) {
                        self.population[target] = trial.clone();
                    }
                }
                None => self.take_in(trial),
            }
        }
        Ok(())
    }
}

impl BuildAgent for DifferentialEvolution {
    const ID: &'static str = "de";
    const SUMMARY: &'static str = "Differential evolution on levels";
    const DESCRIPTION: &'static str = include_str!("differential_evolution.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = DifferentialEvolutionConfig;

    fn build(
        problem: &Problem,
        config: DifferentialEvolutionConfig,
        seed: Seed,
    ) -> Result<Self, ConfigError> {
        check("population", config.population, 4..)?;
        check("differential_weight", config.differential_weight, 0.0..=2.0)?; // Storn & Price (1997), equation 2: F in [0, 2]
        check("crossover_probability", config.crossover_probability, 0.0..=1.0)?;
        Ok(Self {
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("differential evolution"),
            population: Vec::with_capacity(config.population),
            turn: 0,
            pending: HashMap::new(),
            config,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// 4 + 0.5 (9 - 6) = 5.5, so 5 or 6 equally often; 1 + 0.5 (0 - 6) = -2 is held at 0; 15 + 0.5 (9 - 0) at 15.
    #[test]
    fn a_mutant_by_hand() {
        let space = Toy::bowl().space().clone();
        let mut rng = Seed::new(0).stream("test");
        let mutation = Mutation {
            base: &[4, 1, 15, 0, 0, 1],
            plus: &[9, 0, 9, 0, 0, 1],
            minus: &[6, 6, 0, 0, 0, 1],
            weight: 0.5,
        };
        let n_up = (0..1000)
            .filter(|_| match mutation.level(0, &space, &mut rng) {
                5 => false,
                6 => true,
                other => panic!("{other}"),
            })
            .count();
        // Binomial(1000, 1/2): mean 500, standard deviation 16; 5 of them is 79.
        assert!(n_up.abs_diff(500) < 79, "{n_up}");
        assert_eq!(mutation.level(1, &space, &mut rng), 0);
        assert_eq!(mutation.level(2, &space, &mut rng), 15);
        assert_eq!(mutation.level(5, &space, &mut rng), 1);
    }

    #[test]
    fn a_challenger_takes_the_place_of_the_member_it_challenged_and_no_other() {
        let toy = Toy::bowl();
        let config = DifferentialEvolutionConfig { population: 4, ..DifferentialEvolutionConfig::default() };
        let mut agent = DifferentialEvolution::build(&toy.problem(), config, Seed::new(0)).unwrap();
        let trial = |design: Design, loss: f64| toy.problem().trial(design, Outcome::Measured(vec![loss]));
        for rank in 0..4u32 {
            agent.observe(&[trial(toy.space().unrank(u128::from(rank)), 10.0 + f64::from(rank))]).unwrap();
        }
        let challengers = agent.suggest(2).unwrap();
        agent.observe(&[trial(challengers[1].clone(), 11.0), trial(challengers[0].clone(), 12.0)]).unwrap();
        let losses: Vec<f64> =
            agent.population.iter().map(|member| member.judgement.accepted().unwrap()[0]).collect();
        assert_eq!(losses, [10.0, 11.0, 12.0, 13.0]);
        assert_eq!(agent.population[1].design, challengers[1]);
        assert_ne!(agent.population[0].design, challengers[0]);
    }
}
