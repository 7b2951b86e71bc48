//! Firefly search: a pool of designs, each drawn towards the better ones it can see.
//!
//! Source: the "eagle strategy" of Open Source Vizier (google/vizier, `eagle_strategy.py` and `eagle_strategy_utils.py`,
//! the 2024 text), after Yang (2009), doi:10.1007/978-3-642-04944-6_14. PRIME (Kumar et al. 2022, arXiv:2110.11346) searches
//! with an optimizer of this family, which its public code calls proprietary.
//! Departs from it: unequal categories count as distance (there, equal ones do); ordered levels are perturbed by a share
//! of their range, whatever their number, and categories with no factor of their own; a move that ends on a known
//! design grows its perturbation for that proposal only, so that a firefly that stays without success dies;
//! infeasible fireflies take a place of the pool and repel like any other that is worse.

use std::collections::HashMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::encoding::unit;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Parameter, Problem,
    Seed, Stream, Trial,
};

use crate::bounds::{at_least, within};
use crate::scalarize::{Merit, Scalarizer};
use crate::seen::Seen;

// Vizier, `compute_pull_weight_by_type`: the mean squared distance is multiplied by 10.
const DISTANCE_SCALE: f64 = 10.0;
// Vizier, `_penalize_parent_fly`: a stuck firefly's perturbation is multiplied by 10.
const UNSTICK: f64 = 10.0;
// Vizier, `compute_pool_capacity`: 10 + round((n^e + n) / 2).
const POOL_BASE: f64 = 10.0;

/// Hyperparameters; the defaults are Vizier's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How strongly a better firefly attracts, at no distance.
    pub gravity: f64,
    /// How strongly a worse firefly repels, at no distance.
    pub negative_gravity: f64,
    /// How fast attraction falls with the distance in ordered parameters.
    pub ordinal_visibility: f64,
    /// How fast attraction falls with the share of categories that differ.
    pub categorical_visibility: f64,
    /// The first perturbation of a firefly: the largest step, as a share of the range.
    pub perturbation: f64,
    /// A firefly whose perturbation falls below this dies, unless it is the best.
    pub perturbation_floor: f64,
    /// A stuck firefly's perturbation does not grow beyond this.
    pub perturbation_ceiling: f64,
    /// What the perturbation is multiplied by after a move without success.
    pub penalty: f64,
    /// `e` in the size of the pool, 10 + (n^e + n) / 2 for n parameters.
    pub pool_exponent: f64,
}

impl Default for Settings {
    /// Vizier, `FireflyAlgorithmConfig`; `ordinal_visibility` is its `discrete_visibility`.
    fn default() -> Self {
        Self {
            gravity: 1.0,
            negative_gravity: 0.02,
            ordinal_visibility: 1.0,
            categorical_visibility: 0.2,
            perturbation: 0.1,
            perturbation_floor: 1e-3,
            perturbation_ceiling: 0.5,
            penalty: 0.9,
            pool_exponent: 1.2,
        }
    }
}

/// A pool of fireflies that move in turn.
pub struct Firefly {
    settings: Settings,
    field: Field,
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

/// Where designs lie and how far from each other: the level of an ordered parameter in the unit cube, of a
/// category as it is; shape `[n]` for `n` parameters.
struct Field {
    is_category: Vec<bool>,
    /// How many ordered parameters and how many categories have a choice.
    freedom: [f64; 2],
}

/// How much of the way towards another design is taken.
struct Pull {
    ordinal: f64,
    categorical: f64,
}

impl Field {
    fn new(space: &DesignSpace) -> Self {
        let is_category: Vec<bool> = space.parameters().iter().map(|p| p.is_categorical()).collect();
        let mut freedom = [0.0; 2];
        for parameter in space.parameters().iter().filter(|parameter| parameter.n_levels() > 1) {
            freedom[usize::from(parameter.is_categorical())] += 1.0;
        }
        Self { is_category, freedom }
    }

    fn position(&self, design: &Design, space: &DesignSpace) -> Vec<f64> {
        let levels = design.levels().iter().zip(space.parameters());
        let coordinate = |(&level, parameter): (&u32, &Parameter)| {
            if parameter.is_categorical() { f64::from(level) } else { unit(level, parameter.n_levels()) }
        };
        levels.map(coordinate).collect()
    }

    /// The squared distance in ordered parameters, and the number of categories that differ.
    fn squared_distances(&self, a: &[f64], b: &[f64]) -> [f64; 2] {
        let mut distances = [0.0; 2];
        for ((&is_category, a), b) in self.is_category.iter().zip(a).zip(b) {
            if is_category {
                distances[1] += f64::from(u8::from(a.to_bits() != b.to_bits()));
            } else {
                distances[0] += (a - b).powi(2);
            }
        }
        distances
    }

    /// How strongly `other` acts on a firefly at `position`: exp(-visibility * 10 * d^2 / freedom), times the gravity.
    fn pull(&self, settings: &Settings, position: &[f64], other: &[f64], is_brighter: bool) -> Pull {
        let gravity = if is_brighter { settings.gravity } else { -settings.negative_gravity };
        let distances = self.squared_distances(position, other);
        let strength = |visibility: f64, kind: usize| {
            let mean = if self.freedom[kind] > 0.0 { distances[kind] / self.freedom[kind] } else { 0.0 };
            gravity * (-visibility * DISTANCE_SCALE * mean).exp()
        };
        Pull {
            ordinal: strength(settings.ordinal_visibility, 0),
            categorical: strength(settings.categorical_visibility, 1),
        }
    }

    /// Goes towards `other` in ordered parameters, and takes its category with the pull as probability.
    fn step(&self, position: &mut [f64], other: &[f64], pull: &Pull, rng: &mut Stream) {
        for ((&is_category, here), there) in self.is_category.iter().zip(position).zip(other) {
            if !is_category {
                *here = (*here + pull.ordinal * (there - *here)).clamp(0.0, 1.0);
            } else if rng.random_bool(pull.categorical.clamp(0.0, 1.0)) {
                *here = *there;
            }
        }
    }

    /// Laplace noise whose largest entry is `perturbation`: a share of the range of ordered parameters, and the
    /// probability that a category is drawn anew. Returns the nearest legal design.
    fn perturbed(
        &self,
        position: &[f64],
        perturbation: f64,
        space: &DesignSpace,
        rng: &mut Stream,
    ) -> Design {
        let mut noise: Vec<f64> = position.iter().map(|_| laplace(rng)).collect();
        let largest = noise.iter().fold(f64::MIN_POSITIVE, |largest, noise| largest.max(noise.abs()));
        noise.iter_mut().for_each(|noise| *noise *= perturbation / largest);
        let perturb = |((&coordinate, noise), parameter): ((&f64, f64), &Parameter)| {
            let last = parameter.n_levels() - 1;
            if !parameter.is_categorical() {
                return ((coordinate + noise).clamp(0.0, 1.0) * f64::from(last)).round() as u32;
            }
            let is_redrawn = rng.random_bool(noise.abs().min(1.0));
            if is_redrawn { rng.random_range(0..=last) } else { coordinate as u32 }
        };
        let levels: Vec<u32> = position.iter().zip(noise).zip(space.parameters()).map(perturb).collect();
        space.repair(&levels)
    }
}

/// A standard Laplace variate: an exponential one with a random sign.
fn laplace(rng: &mut Stream) -> f64 {
    let size = -(1.0 - rng.random::<f64>()).ln();
    if rng.random() { size } else { -size }
}

impl Firefly {
    fn merit(&self, fly: &Fly) -> Merit {
        self.scalarizer.merit(&fly.trial.judgement)
    }

    /// Where the firefly at `place` of the pool goes: the others act on it one after the other, in random order.
    fn moved(&mut self, place: usize) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.pool.len()).filter(|&other| other != place).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.rng.random_range(0..=last)); // Fisher-Yates
        }
        let merit = self.merit(&self.pool[place]);
        let mut position = self.pool[place].position.clone();
        for other in order {
            let is_brighter = self.merit(&self.pool[other]) < merit;
            let other = &self.pool[other].position;
            let pull = self.field.pull(&self.settings, &position, other, is_brighter);
            self.field.step(&mut position, other, &pull, &mut self.rng);
        }
        position
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
        let mut perturbation = self.pool[place].perturbation;
        let (field, ceiling) = (&self.field, self.settings.perturbation_ceiling);
        let design = self.seen.propose(&mut self.rng, |space, rng| {
            let design = field.perturbed(&position, perturbation, space, rng);
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
            let (id, perturbation) = (self.n_born, self.settings.perturbation);
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
        self.pool[place].perturbation *= self.settings.penalty;
        let is_spent = self.pool[place].perturbation < self.settings.perturbation_floor;
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
    type Config = Settings;

    fn build(problem: &Problem, settings: Settings, seed: Seed) -> Result<Self, ConfigError> {
        at_least("ordinal_visibility", settings.ordinal_visibility, 0.0)?;
        at_least("categorical_visibility", settings.categorical_visibility, 0.0)?;
        within("gravity", settings.gravity, 0.0..=1.0)?;
        within("negative_gravity", settings.negative_gravity, 0.0..=1.0)?;
        within("perturbation", settings.perturbation, 0.0..=1.0)?;
        within("perturbation_floor", settings.perturbation_floor, 0.0..=1.0)?;
        within("perturbation_ceiling", settings.perturbation_ceiling, 0.0..=1.0)?;
        within("penalty", settings.penalty, 0.0..=1.0)?;
        within("pool_exponent", settings.pool_exponent, 0.0..=2.0)?;
        let n = problem.space().n_parameters() as f64;
        let capacity = (POOL_BASE + ((n.powf(settings.pool_exponent) + n) / 2.0).round()) as usize;
        Ok(Self {
            field: Field::new(problem.space()),
            capacity,
            seen: Seen::new(problem.space()),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("firefly"),
            pool: Vec::with_capacity(capacity),
            turn: 0,
            n_born: 0,
            pending: HashMap::new(),
            settings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Goal, Metric, Objective, Outcome};

    fn field() -> Field {
        let parameters = vec![
            Parameter::integer("x", 0, 10),
            Parameter::integer("y", 0, 10),
            Parameter::categorical("order", &["row", "column"]),
        ];
        Field::new(&DesignSpace::new(parameters, Vec::new()).unwrap())
    }

    /// PRIME has ten parameters: 10 + round((10^1.2 + 10) / 2) = 10 + round(12.9) = 23 fireflies.
    #[test]
    fn ten_parameters_have_a_pool_of_23() {
        let names: Vec<String> = (0..10).map(|index| format!("p{index}")).collect();
        let parameters = names.iter().map(|name| Parameter::integer(name, 0, 3)).collect();
        let space = DesignSpace::new(parameters, Vec::new()).unwrap();
        let goal = Goal { objectives: vec![Objective::minimize("cost")], constraints: Vec::new() };
        let problem = Problem::new(space, vec![Metric::new("cost", "", "a cost")], goal).unwrap();
        let agent = Firefly::build(&problem, Settings::default(), Seed::new(0)).unwrap();
        assert_eq!(agent.capacity, 23);
    }

    /// x differs by 0.5, y not: d^2 / freedom = 0.25 / 2. Pull: exp(-1 * 10 * 0.125) = 0.2865. The category differs, so
    /// its pull is exp(-0.2 * 10 * 1) = 0.1353; were it equal, it would be 1.
    #[test]
    fn pulls_by_hand_and_unequal_categories_count_as_distance() {
        let settings = Settings::default();
        let pull = field().pull(&settings, &[0.0, 0.3, 0.0], &[0.5, 0.3, 1.0], true);
        assert!((pull.ordinal - 0.2865).abs() < 1e-4, "{}", pull.ordinal);
        assert!((pull.categorical - 0.1353).abs() < 1e-4, "{}", pull.categorical);
        let pull = field().pull(&settings, &[0.0, 0.3, 1.0], &[0.5, 0.3, 1.0], true);
        assert_eq!(pull.categorical.to_bits(), 1f64.to_bits());
    }

    /// A worse firefly at the same categories repels with 0.02 * 0.2865 = 0.00573 of the distance of 0.5.
    #[test]
    fn better_fireflies_attract_and_worse_repel() {
        let (settings, field) = (Settings::default(), field());
        let mut rng = Seed::new(0).stream("test");
        for (is_brighter, expected) in [(true, 0.2 + 0.2865 * 0.5), (false, 0.2 - 0.00573 * 0.5)] {
            let mut position = [0.2, 0.3, 0.0];
            let other = [0.7, 0.3, 0.0];
            let pull = field.pull(&settings, &position, &other, is_brighter);
            field.step(&mut position, &other, &pull, &mut rng);
            assert!((position[0] - expected).abs() < 1e-4, "{position:?}");
        }
    }

    #[test]
    fn a_firefly_without_success_dies_unless_it_is_the_best() {
        let toy = Toy::bowl();
        let mut agent = Firefly::build(&toy.problem(), Settings::default(), Seed::new(0)).unwrap();
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
