//! The moves of fireflies: a pool of designs, each drawn towards the better ones it can see.
//!
//! Source: the "eagle strategy" of Open Source Vizier (google/vizier, `eagle_strategy.py` and `eagle_strategy_utils.py`,
//! the 2024 text), after Yang (2009), doi:10.1007/978-3-642-04944-6_14.
//! Departs from it: unequal categories count as distance (there, equal ones do); ordered levels are perturbed by a share
//! of their range, whatever their number, and categories with no factor of their own.
//!
//! [`FireflyMoves`] holds the moves, for whoever keeps the pool. [`Swarm`] is a pool that flies over a function that is cheap and may
//! change under it, as a model does while it is trained.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::encoding::unit;
use tapeout_core::{Design, DesignSpace, Parameter, Stream};

// Vizier, `compute_pull_weight_by_type`: the mean squared distance is multiplied by 10.
const DISTANCE_SCALE: f64 = 10.0;
// Vizier, `compute_pool_capacity`: 10 + round((n^e + n) / 2).
const POOL_BASE: f64 = 10.0;

/// How fireflies move; the defaults are Vizier's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FireflyConfig {
    /// How strongly a better firefly attracts, at no distance.
    pub gravity: f64,
    /// How strongly a worse firefly repels, at no distance.
    pub negative_gravity: f64,
    /// How fast attraction falls with the distance in ordered parameters.
    pub discrete_visibility: f64,
    /// How fast attraction falls with the share of categories that differ.
    pub categorical_visibility: f64,
    /// The first perturbation of a firefly: the largest step, as a share of the range.
    pub perturbation: f64,
    /// A firefly whose perturbation falls below this dies, unless it is the best.
    pub perturbation_lower_bound: f64,
    /// A stuck firefly's perturbation does not grow beyond this.
    pub max_perturbation: f64,
    /// What the perturbation is multiplied by after a move without success.
    pub penalize_factor: f64,
    /// `e` in the size of the pool, 10 + (n^e + n) / 2 for n parameters.
    pub pool_size_exponent: f64,
}

impl Default for FireflyConfig {
    /// Vizier, `FireflyAlgorithmConfig`; `ordinal_visibility` is its `discrete_visibility`.
    fn default() -> Self {
        Self {
            gravity: 1.0,
            negative_gravity: 0.02,
            discrete_visibility: 1.0,
            categorical_visibility: 0.2,
            perturbation: 0.1,
            perturbation_lower_bound: 1e-3,
            max_perturbation: 0.5,
            penalize_factor: 0.9,
            pool_size_exponent: 1.2,
        }
    }
}

impl FireflyConfig {
    /// How many fireflies a space of `n_parameters` has.
    pub fn pool_size(&self, n_parameters: usize) -> usize {
        let n = n_parameters as f64;
        (POOL_BASE + ((n.powf(self.pool_size_exponent) + n) / 2.0).round()) as usize
    }
}

/// Where designs lie and how far from each other: the level of an ordered parameter in the unit cube, of a
/// category as it is; shape `[n]` for `n` parameters.
#[derive(Debug, Clone)]
pub struct FireflyMoves {
    is_category: Vec<bool>,
    /// How many ordered parameters and how many categories have a choice.
    freedom: [f64; 2],
}

/// Which level a place between two is.
#[derive(Debug, Clone, Copy)]
pub enum Rounding<'a> {
    /// The nearer, so that a perturbation of less than half a level changes nothing.
    Nearest,
    /// Either, the nearer with the greater chance: a parameter of few levels is perturbed as much as one of many, if seldom. Half of the
    /// parameters have the level of one of two fireflies instead, whose positions these are: sizes that fit lie between sizes that do
    /// not, and a place halfway from one to another is at neither. A half as in Kennedy (2003), doi:10.1109/SIS.2003.1202251, BBExp.
    ByChance([&'a [f64]; 2]),
}

/// How much of the way towards another design is taken.
#[derive(Debug, Clone, Copy)]
pub struct Pull {
    /// In ordered parameters.
    pub ordinal: f64,
    /// In categories: the probability of taking the other's.
    pub categorical: f64,
}

impl FireflyMoves {
    /// The field over a space.
    pub fn new(space: &DesignSpace) -> Self {
        let is_category: Vec<bool> = space.parameters().iter().map(|p| p.is_categorical()).collect();
        let mut freedom = [0.0; 2];
        for parameter in space.parameters().iter().filter(|parameter| parameter.n_levels() > 1) {
            freedom[usize::from(parameter.is_categorical())] += 1.0;
        }
        Self { is_category, freedom }
    }

    /// Where a design lies, shape `[n]`.
    pub fn position(&self, design: &Design, space: &DesignSpace) -> Vec<f64> {
        let levels = design.levels().iter().zip(space.parameters());
        let coordinate = |(&level, parameter): (&u32, &Parameter)| {
            if parameter.is_categorical() { f64::from(level) } else { unit(level, parameter.n_levels()) }
        };
        levels.map(coordinate).collect()
    }

    /// The squared distance in ordered parameters, and the number of categories that differ.
    pub fn squared_distances(&self, a: &[f64], b: &[f64]) -> [f64; 2] {
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
    pub fn pull(&self, config: &FireflyConfig, position: &[f64], other: &[f64], is_brighter: bool) -> Pull {
        let gravity = if is_brighter { config.gravity } else { -config.negative_gravity };
        let distances = self.squared_distances(position, other);
        let strength = |visibility: f64, kind: usize| {
            let mean = if self.freedom[kind] > 0.0 { distances[kind] / self.freedom[kind] } else { 0.0 };
            gravity * (-visibility * DISTANCE_SCALE * mean).exp()
        };
        Pull {
            ordinal: strength(config.discrete_visibility, 0),
            categorical: strength(config.categorical_visibility, 1),
        }
    }

    /// Goes towards `other` in ordered parameters, and takes its category with the pull as probability.
    pub fn step(&self, position: &mut [f64], other: &[f64], pull: &Pull, rng: &mut Stream) {
        for ((&is_category, here), there) in self.is_category.iter().zip(position).zip(other) {
            if !is_category {
                *here = (*here + pull.ordinal * (there - *here)).clamp(0.0, 1.0);
            } else if rng.random_bool(pull.categorical.clamp(0.0, 1.0)) {
                *here = *there;
            }
        }
    }

    /// Where the firefly at `place` goes: the others act on it one after the other, in random order.
    ///
    /// `positions`: those of the pool; `is_brighter`: whether another firefly is better than this one.
    pub fn moved(
        &self,
        config: &FireflyConfig,
        positions: &[&[f64]],
        place: usize,
        is_brighter: impl Fn(usize) -> bool,
        rng: &mut Stream,
    ) -> Vec<f64> {
        let mut order: Vec<usize> = (0..positions.len()).filter(|&other| other != place).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, rng.random_range(0..=last)); // Fisher-Yates
        }
        let mut position = positions[place].to_vec();
        for other in order {
            let pull = self.pull(config, &position, positions[other], is_brighter(other));
            self.step(&mut position, positions[other], &pull, rng);
        }
        position
    }

    /// Laplace noise whose largest entry is `perturbation`: a share of the range of ordered parameters, and the
    /// probability that a category is drawn anew. Returns the levels at the place as `rounding` says, legal or not.
    pub fn perturbed(
        &self,
        position: &[f64],
        perturbation: f64,
        rounding: Rounding<'_>,
        space: &DesignSpace,
        rng: &mut Stream,
    ) -> Vec<u32> {
        let mut noise: Vec<f64> = position.iter().map(|_| laplace(rng)).collect();
        let largest = noise.iter().fold(f64::MIN_POSITIVE, |largest, noise| largest.max(noise.abs()));
        noise.iter_mut().for_each(|noise| *noise *= perturbation / largest);
        let perturb = |(index, ((&coordinate, noise), parameter)): (usize, ((&f64, f64), &Parameter))| {
            let last = parameter.n_levels() - 1;
            if !parameter.is_categorical() {
                let place = (coordinate + noise).clamp(0.0, 1.0) * f64::from(last);
                return match rounding {
                    Rounding::Nearest => place.round() as u32,
                    Rounding::ByChance(_) if rng.random_bool(1.0 / position.len() as f64) => {
                        rng.random_range(0..=last)
                    }
                    Rounding::ByChance(guides) if rng.random() => {
                        let guide = guides[usize::from(rng.random::<bool>())];
                        (guide[index] * f64::from(last)).round() as u32
                    }
                    // At the last level the sum may be rounded up to a whole.
                    Rounding::ByChance(_) => ((place + rng.random::<f64>()).floor() as u32).min(last),
                };
            }
            let is_redrawn = rng.random_bool(noise.abs().min(1.0));
            if is_redrawn { rng.random_range(0..=last) } else { coordinate as u32 }
        };
        let places = position.iter().zip(noise).zip(space.parameters()).enumerate();
        places.map(perturb).collect()
    }
}

/// A standard Laplace variate: an exponential one with a random sign.
fn laplace(rng: &mut Stream) -> f64 {
    let size = -(1.0 - rng.random::<f64>()).ln();
    if rng.random() { size } else { -size }
}

/// A pool of fireflies over a function of designs.
#[derive(Debug, Clone)]
pub struct Swarm {
    config: FireflyConfig,
    space: DesignSpace,
    field: FireflyMoves,
    flies: Vec<Fly>,
}

#[derive(Debug, Clone)]
struct Fly {
    design: Design,
    position: Vec<f64>,
    perturbation: f64,
}

impl Swarm {
    /// A pool of random designs.
    pub fn new(space: &DesignSpace, config: FireflyConfig, rng: &mut Stream) -> Self {
        let field = FireflyMoves::new(space);
        let n_flies = config.pool_size(space.n_parameters());
        let flies = (0..n_flies).map(|_| Fly::born(space, &field, &config, rng)).collect();
        Self { space: space.clone(), field, flies, config }
    }

    /// Every firefly moves once, and stays where `cost` is lower there; returns where they went.
    ///
    /// `cost`: from `n` designs to as many costs. It is asked for the whole pool each time, so it may differ between calls.
    pub fn fly(&mut self, cost: impl Fn(&[Design]) -> Vec<f32>, rng: &mut Stream) -> Vec<Design> {
        let stays: Vec<Design> = self.flies.iter().map(|fly| fly.design.clone()).collect();
        let costs = cost(&stays);
        let moved: Vec<Design> =
            (0..self.flies.len()).map(|place| self.proposal(place, &costs, rng)).collect();
        let new_costs = cost(&moved);
        let best = costs.iter().copied().fold(f32::INFINITY, f32::min);
        for (place, design) in moved.iter().enumerate() {
            let fly = &mut self.flies[place];
            if new_costs[place] < costs[place] {
                fly.position = self.field.position(design, &self.space);
                fly.design = design.clone();
                continue;
            }
            fly.perturbation *= self.config.penalize_factor;
            if fly.perturbation < self.config.perturbation_lower_bound && costs[place] > best {
                *fly = Fly::born(&self.space, &self.field, &self.config, rng);
            }
        }
        moved
    }

    fn proposal(&self, place: usize, costs: &[f32], rng: &mut Stream) -> Design {
        let positions: Vec<&[f64]> = self.flies.iter().map(|fly| fly.position.as_slice()).collect();
        let is_brighter = |other: usize| costs[other] < costs[place];
        let position = self.field.moved(&self.config, &positions, place, is_brighter, rng);
        let perturbation = self.flies[place].perturbation;
        self.space.repair(&self.field.perturbed(&position, perturbation, Rounding::Nearest, &self.space, rng))
    }
}

impl Fly {
    fn born(space: &DesignSpace, field: &FireflyMoves, config: &FireflyConfig, rng: &mut Stream) -> Self {
        let design = space.sample(rng);
        Self { position: field.position(&design, space), perturbation: config.perturbation, design }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;

    fn space() -> DesignSpace {
        let parameters = vec![
            Parameter::integer("x", 0, 10),
            Parameter::integer("y", 0, 10),
            Parameter::categorical("order", &["row", "column"]),
        ];
        DesignSpace::new(parameters, Vec::new()).unwrap()
    }

    /// PRIME has ten parameters: 10 + round((10^1.2 + 10) / 2) = 10 + round(12.9) = 23 fireflies.
    #[test]
    fn ten_parameters_have_a_pool_of_23() {
        assert_eq!(FireflyConfig::default().pool_size(10), 23);
    }

    /// x differs by 0.5, y not: d^2 / freedom = 0.25 / 2. Pull: exp(-1 * 10 * 0.125) = 0.2865. The category differs, so
    /// its pull is exp(-0.2 * 10 * 1) = 0.1353; were it equal, it would be 1.
    #[test]
    fn pulls_by_hand_and_unequal_categories_count_as_distance() {
        let (config, field) = (FireflyConfig::default(), FireflyMoves::new(&space()));
        let pull = field.pull(&config, &[0.0, 0.3, 0.0], &[0.5, 0.3, 1.0], true);
        assert!((pull.ordinal - 0.2865).abs() < 1e-4, "{}", pull.ordinal);
        assert!((pull.categorical - 0.1353).abs() < 1e-4, "{}", pull.categorical);
        let pull = field.pull(&config, &[0.0, 0.3, 1.0], &[0.5, 0.3, 1.0], true);
        assert_eq!(pull.categorical.to_bits(), 1f64.to_bits());
    }

    /// A worse firefly at the same categories repels with 0.02 * 0.2865 = 0.00573 of the distance of 0.5.
    #[test]
    fn better_fireflies_attract_and_worse_repel() {
        let (config, field) = (FireflyConfig::default(), FireflyMoves::new(&space()));
        let mut rng = Seed::new(0).stream("test");
        for (is_brighter, expected) in [(true, 0.2 + 0.2865 * 0.5), (false, 0.2 - 0.00573 * 0.5)] {
            let mut position = [0.2, 0.3, 0.0];
            let other = [0.7, 0.3, 0.0];
            let pull = field.pull(&config, &position, &other, is_brighter);
            field.step(&mut position, &other, &pull, &mut rng);
            assert!((position[0] - expected).abs() < 1e-4, "{position:?}");
        }
    }

    /// At 0.55 of eleven levels, without noise: 5 or 6 with equal chance; by chance a level of a guide, 0 or 10, and one parameter in three
    /// any of them. So 5 and 6 have 2/3 * 1/4 + 1/3 * 1/11 each, 0 and 10 likewise, and every other level 1/33.
    #[test]
    fn places_are_rounded_by_chance_or_inherited_or_drawn_anew() {
        let (space, mut rng) = (space(), Seed::new(0).stream("test"));
        let field = FireflyMoves::new(&space);
        let guides = Rounding::ByChance([&[0.0, 0.0, 0.0], &[1.0, 1.0, 0.0]]);
        let mut counts = [0_u32; 11];
        for _ in 0..3000 {
            let levels = field.perturbed(&[0.55, 0.55, 0.0], 0.0, guides, &space, &mut rng);
            counts[levels[0] as usize] += 1;
        }
        for (level, count) in counts.into_iter().enumerate() {
            // Binomial(3000, 0.197) and (3000, 1/33): standard deviations 22 and 9.4; 5 of them are 109 and 47.
            let (expected, slack) = if [0, 5, 6, 10].contains(&level) { (591, 109) } else { (91, 47) };
            assert!(count.abs_diff(expected) < slack, "{counts:?}");
        }
    }

    /// Of 242 designs one has cost 0. A pool of 15 that only jumped at random would miss it in 40 rounds with probability
    /// (241/242)^600 = 8 %; in all of 10 seeds it finds it.
    #[test]
    fn a_swarm_comes_down_a_bowl() {
        let space = space();
        let cost = |designs: &[Design]| -> Vec<f32> {
            let bowl = |d: &Design| {
                let l = d.levels();
                (l[0] as f32 - 7.0).powi(2) + (l[1] as f32 - 2.0).powi(2) + 3.0 * l[2] as f32
            };
            designs.iter().map(bowl).collect()
        };
        for seed in 0..10 {
            let mut rng = Seed::new(seed).stream("test");
            let mut swarm = Swarm::new(&space, FireflyConfig::default(), &mut rng);
            let rounds = (0..40).flat_map(|_| swarm.fly(cost, &mut rng));
            let best = rounds.map(|design| cost(&[design])[0]).fold(f32::INFINITY, f32::min);
            assert!(best < 0.5, "seed {seed}: {best}");
        }
    }
}
