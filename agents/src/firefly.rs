//! Firefly search: a pool of designs, each drawn towards the better ones it can see.
//!
//! The moves are in `surrogates/src/firefly.rs`, where PRIME needs them too; here is the pool.
//! Source: the "eagle strategy" of Open Source Vizier (google/vizier, `eagle_strategy.py` and `eagle_strategy_utils.py`,
//! the 2024 text), after Yang (2009), doi:10.1007/978-3-642-04944-6_14. PRIME (Kumar et al. 2022, arXiv:2110.11346) searches
//! with an optimizer of this family, which its public code calls proprietary.
//! Departs from it: unequal categories count as distance (there, equal ones do); ordered levels are perturbed by a share
//! of their range, whatever their number, and categories with no factor of their own; places are rounded by chance; a move that ends on a known
//! design grows its perturbation for that proposal only, so that a firefly that stays without success dies;
//! infeasible fireflies take a place of the pool and repel like any other that is worse.

use std::collections::HashMap;

use rand::RngExt;
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};
pub use tapeout_surrogates::firefly::FireflyConfig;
use tapeout_surrogates::firefly::{FireflyMoves, Rounding};

use crate::parts::scalarize::{Merit, Scalarizer};
use crate::parts::seen::Seen;
use crate::parts::variation::legal;

// Vizier, `_penalize_parent_fly`: a stuck firefly's perturbation is multiplied by 10.
const UNSTICK: f64 = 10.0;

/// A pool of fireflies that move in turn.
pub struct Firefly {
    config: FireflyConfig,
    field: FireflyMoves,
    capacity: usize,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    pool: Vec<Fly>,
    /// The place in the pool of the next to move.
    turn: usize,
    n_born: u64,
    /// Moves not yet answered, with the firefly that made them.
    pending: HashMap<Design, u64>,
}

/// The best design that came of one starting point.
struct Fly {
    id: u64,
    trial: Trial,
    position: Vec<f64>,
    perturbation: f64,
}

impl Firefly {
    fn merit(&self, fly: &Fly) -> Merit {
        self.scalarizer.merit(&fly.trial.judgement)
    }

    /// Where the firefly at `place` of the pool goes.
    fn moved(&mut self, place: usize) -> Vec<f64> {
        let merits: Vec<Merit> = self.pool.iter().map(|fly| self.merit(fly)).collect();
        let positions: Vec<&[f64]> = self.pool.iter().map(|fly| fly.position.as_slice()).collect();
        let is_brighter = |other: usize| merits[other] < merits[place];
        self.field.moved(&self.config, &positions, place, is_brighter, &mut self.rng)
    }

    /// One of those brighter than the firefly at `place`, drawn at random; itself, if there is none.
    fn brighter(&mut self, place: usize) -> usize {
        let merit = self.merit(&self.pool[place]);
        let brighter: Vec<usize> =
            (0..self.pool.len()).filter(|&other| self.merit(&self.pool[other]) < merit).collect();
        if brighter.is_empty() { place } else { brighter[self.rng.random_range(0..brighter.len())] }
    }

    /// The next firefly in turn moves, and is perturbed until it gets to a design that is not known.
    fn fly(&mut self) -> Design {
        if self.turn >= self.pool.len() {
            self.turn = 0;
            self.scalarizer.redraw();
        }
        let place = self.turn;
        self.turn += 1;
        let position = self.moved(place);
        let guide = self.brighter(place);
        let guides = [place, guide].map(|place| self.pool[place].position.as_slice());
        let mut perturbation = self.pool[place].perturbation;
        let (field, ceiling) = (&self.field, self.config.max_perturbation);
        let design = self.seen.propose(&mut self.rng, |space, rng| {
            let design = legal(space, || {
                field.perturbed(&position, perturbation, Rounding::ByChance(guides), space, rng)
            });
            perturbation = (perturbation * UNSTICK).min(ceiling); // for the next try, if this one is known
            design
        });
        self.pending.insert(design.clone(), self.pool[place].id);
        design
    }

    /// A trial that no living firefly asked for joins the pool while there is room, and then takes the place of the
    /// nearest firefly if it is better.
    fn take_in(&mut self, trial: &Trial) {
        let position = self.field.position(&trial.design, self.seen.space());
        if self.pool.len() < self.capacity {
            let (id, perturbation) = (self.n_born, self.config.perturbation);
            self.n_born += 1;
            self.pool.push(Fly { id, trial: trial.clone(), position, perturbation });
            return;
        }
        let distance =
            |fly: &&mut Fly| self.field.squared_distances(&fly.position, &position).iter().sum::<f64>();
        let nearest = self.pool.iter_mut().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        let nearest = nearest.expect("a full pool is not empty");
        if self.scalarizer.merit(&trial.judgement) < self.scalarizer.merit(&nearest.trial.judgement) {
            nearest.trial = trial.clone();
            nearest.position = position;
        }
    }

    /// The firefly at `place` goes where its proposal was better, and else is penalised, at last by death.
    fn settle(&mut self, place: usize, trial: &Trial) {
        if self.scalarizer.merit(&trial.judgement) < self.merit(&self.pool[place]) {
            let position = self.field.position(&trial.design, self.seen.space());
            let fly = &mut self.pool[place];
            (fly.trial, fly.position) = (trial.clone(), position);
            return;
        }
        self.pool[place].perturbation *= self.config.penalize_factor;
        let is_spent = self.pool[place].perturbation < self.config.perturbation_lower_bound;
        let merit = self.merit(&self.pool[place]);
        let is_beaten = self.pool.iter().any(|other| self.merit(other) < merit);
        if is_spent && is_beaten && self.pool.len() == self.capacity {
            self.pool.remove(place);
        }
    }
}

impl Agent for Firefly {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = self.seen.draw_members(self.pool.len(), self.capacity, count, &mut self.rng);
        while designs.len() < count {
            designs.push(self.fly());
        }
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        for trial in trials {
            let id = self.pending.remove(&trial.design);
            match id.and_then(|id| self.pool.iter().position(|fly| fly.id == id)) {
                Some(place) => self.settle(place, trial),
                None => self.take_in(trial),
            }
        }
        Ok(())
    }
}

impl BuildAgent for Firefly {
    const ID: &'static str = "firefly";
    const SUMMARY: &'static str =
        "Fireflies (the eagle strategy, as PRIME uses): better designs attract, from nearby most";
    const DESCRIPTION: &'static str = include_str!("firefly.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = FireflyConfig;

    fn build(problem: &Problem, config: FireflyConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("discrete_visibility", config.discrete_visibility, 0.0..)?;
        check("categorical_visibility", config.categorical_visibility, 0.0..)?;
        check("gravity", config.gravity, 0.0..=1.0)?;
        check("negative_gravity", config.negative_gravity, 0.0..=1.0)?;
        check("perturbation", config.perturbation, 0.0..=1.0)?;
        check("perturbation_lower_bound", config.perturbation_lower_bound, 0.0..=1.0)?;
        check("max_perturbation", config.max_perturbation, 0.0..=1.0)?;
        check("penalize_factor", config.penalize_factor, 0.0..=1.0)?;
        check("pool_size_exponent", config.pool_size_exponent, 0.0..=2.0)?;
        let capacity = config.pool_size(problem.space().n_parameters());
        Ok(Self {
            field: FireflyMoves::new(problem.space()),
            capacity,
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("firefly"),
            pool: Vec::with_capacity(capacity),
            turn: 0,
            n_born: 0,
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

    #[test]
    fn a_firefly_without_success_dies_unless_it_is_the_best() {
        let toy = Toy::bowl();
        let mut agent = Firefly::build(&toy.problem(), FireflyConfig::default(), Seed::new(0)).unwrap();
        let trial = |rank: usize, loss: f64| {
            toy.problem().trial(toy.space().unrank(rank as u128), Outcome::Measured(vec![loss]))
        };
        let capacity = agent.capacity;
        let first: Vec<Trial> = (0..capacity).map(|rank| trial(rank, rank as f64)).collect();
        agent.observe(&first).unwrap();
        // 0.1 * 0.9^43 = 0.00108 and 0.1 * 0.9^44 = 0.00097, below the floor of 0.001.
        for failure in 1..=44 {
            assert_eq!(agent.pool.len(), capacity, "after {} failures", failure - 1);
            agent.settle(0, &trial(99, 1e3));
            agent.settle(1, &trial(99, 1e3));
        }
        let ids: Vec<u64> = agent.pool.iter().map(|fly| fly.id).collect();
        assert_eq!(ids.len(), capacity - 1);
        assert!(ids.contains(&0) && !ids.contains(&1));
    }
}
