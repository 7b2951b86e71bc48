//! Crossover and mutation of designs, as genetic searches use them.
//!
//! Source: Deb, Pratap, Agarwal & Meyarivan (2002), doi:10.1109/4235.996017, section V.
//! Departs from it: integer levels are crossed over uniformly, not by SBX (hardware knobs have no midpoint); a polynomial
//! mutation is rounded to whole levels, at least one, and draws a category uniformly; a mating gives one child, which
//! is made anew while rules forbid it.

use rand::RngExt;
use tapeout_core::config::check;
use tapeout_core::{ConfigError, Design, DesignSpace, Parameter, Stream};

use crate::parts::seen::Seen;

/// How many times levels are made before illegal ones are repaired.
const MAX_TRIES: usize = 8;

/// The first legal design out of a few that `make` makes, and else the last of them, repaired. Repair is the last
/// resort because it is biased: what it decides late it moves the most, so it comes to some designs often and to
/// others never.
pub fn legal(space: &DesignSpace, mut make: impl FnMut() -> Vec<u32>) -> Design {
    let mut levels = make();
    for _ in 1..MAX_TRIES {
        if space.is_legal(&levels) {
            break;
        }
        levels = make();
    }
    space.repair(&levels)
}

/// The levels, each drawn anew from all of its parameter with this probability.
pub fn redrawn(mut levels: Vec<u32>, space: &DesignSpace, probability: f64, rng: &mut Stream) -> Vec<u32> {
    for (level, parameter) in levels.iter_mut().zip(space.parameters()) {
        if rng.random_bool(probability) {
            *level = rng.random_range(0..parameter.n_levels());
        }
    }
    levels
}

/// How children are made of two parents.
#[derive(Debug, Clone)]
pub struct Variation {
    crossover_probability: f64,
    mutation_probability: f64,
    /// 1 / (eta_m + 1).
    mutation_exponent: f64,
}

impl Variation {
    /// For designs of `space`: how likely a child has two parents; how likely each parameter of it mutates, one over
    /// their number if absent; and `mutation_index`, eta_m: the larger, the shorter the steps of a mutation.
    ///
    /// # Errors
    /// [`ConfigError`] naming the one that is out of range.
    pub fn new(
        space: &DesignSpace,
        crossover_probability: f64,
        mutation_probability: Option<f64>,
        mutation_index: f64,
    ) -> Result<Self, ConfigError> {
        let mutation_probability = mutation_probability.unwrap_or(1.0 / space.n_parameters() as f64);
        check("crossover_probability", crossover_probability, 0.0..=1.0)?;
        check("mutation_probability", mutation_probability, 0.0..=1.0)?;
        check("mutation_index", mutation_index, 0.0..)?;
        Ok(Self {
            crossover_probability,
            mutation_probability,
            mutation_exponent: 1.0 / (mutation_index + 1.0),
        })
    }

    /// `count` designs: random ones as long as there are no parents, and else children of those that `choose` chooses.
    pub fn breed<'a, P>(
        &self,
        seen: &mut Seen,
        rng: &mut Stream,
        parents: &'a [P],
        choose: fn(&'a [P], &mut Stream) -> &'a Design,
        count: usize,
    ) -> Vec<Design> {
        let breed = |_| {
            if parents.is_empty() { seen.draw(rng) } else { self.mate(seen, rng, |rng| choose(parents, rng)) }
        };
        (0..count).map(breed).collect()
    }

    /// A child that is not [known](Seen::propose) yet. Each try has parents of its own, chosen by `parent`.
    fn mate<'a>(
        &self,
        seen: &mut Seen,
        rng: &mut Stream,
        mut parent: impl FnMut(&mut Stream) -> &'a Design,
    ) -> Design {
        seen.propose(rng, |space, rng| {
            let (mother, father) = (parent(rng), parent(rng));
            self.child(mother, father, space, rng)
        })
    }

    /// A [legal] child of two designs.
    fn child(&self, mother: &Design, father: &Design, space: &DesignSpace, rng: &mut Stream) -> Design {
        legal(space, || self.levels(mother, father, space, rng))
    }

    /// The levels of a child, legal or not.
    fn levels(&self, mother: &Design, father: &Design, space: &DesignSpace, rng: &mut Stream) -> Vec<u32> {
        let mut levels = mother.levels().to_vec();
        if rng.random_bool(self.crossover_probability) {
            for (level, &other) in levels.iter_mut().zip(father.levels()) {
                if rng.random::<bool>() {
                    *level = other;
                }
            }
        }
        for (level, parameter) in levels.iter_mut().zip(space.parameters()) {
            if rng.random_bool(self.mutation_probability) {
                *level = self.mutated(*level, parameter, rng);
            }
        }
        levels
    }

    /// Another level: for ordered levels by polynomial mutation, for categories any.
    /// Source: Deb & Agrawal (1995), "Simulated binary crossover for continuous search space", Complex Systems 9(2).
    fn mutated(&self, level: u32, parameter: &Parameter, rng: &mut Stream) -> u32 {
        let last = parameter.n_levels() - 1;
        if last == 0 {
            return level;
        }
        if parameter.is_categorical() {
            let other = rng.random_range(0..last); // one of the others
            return if other < level { other } else { other + 1 };
        }
        let u: f64 = rng.random();
        let is_down = u < 0.5;
        let tail = if is_down { 2.0 * u } else { 2.0 * (1.0 - u) };
        let share = 1.0 - tail.powf(self.mutation_exponent); // |delta|, as a share of the range
        let steps = (share * f64::from(last)).round().max(1.0) as u32;
        if is_down { level.saturating_sub(steps) } else { (level + steps).min(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Seed;
    use tapeout_core::check::toy::Toy;

    use tapeout_core::Env;

    fn variation() -> Variation {
        Variation::new(Toy::bowl().space(), 0.0, Some(1.0), 20.0).unwrap()
    }

    /// With eta_m = 20 half of all |delta| are below 1 - 0.5^(1/21) = 3.2 % of the range: about three steps of 100.
    #[test]
    fn mutations_take_short_steps_both_ways_and_stay_within_the_levels() {
        let variation = variation();
        let parameter = Parameter::integer("x", 0, 100);
        let mut rng = Seed::new(0).stream("test");
        let mut steps: Vec<i64> =
            (0..2000).map(|_| i64::from(variation.mutated(50, &parameter, &mut rng)) - 50).collect();
        assert!(steps.iter().all(|&step| step != 0));
        let n_up = steps.iter().filter(|&&step| step > 0).count();
        // Binomial(2000, 1/2): mean 1000, standard deviation 22; 5 of them is 110.
        assert!(n_up.abs_diff(1000) < 110, "{n_up}");
        steps.iter_mut().for_each(|step| *step = step.abs());
        steps.sort_unstable();
        assert_eq!(steps[1000], 3);
        for _ in 0..200 {
            assert!(variation.mutated(0, &parameter, &mut rng) <= 100);
            assert!(variation.mutated(100, &parameter, &mut rng) <= 100);
        }
    }

    #[test]
    fn a_category_mutates_to_any_other() {
        let variation = variation();
        let parameter = Parameter::categorical("order", &["row", "column", "tile"]);
        let mut rng = Seed::new(0).stream("test");
        let mut drawn: Vec<u32> = (0..50).map(|_| variation.mutated(1, &parameter, &mut rng)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [0, 2]);
    }
}
