//! What searches for a front by mating have in common: their hyperparameters, and how large a population they need.
//!
//! A population of the papers' size is all random for as long as most hardware searches last. Here it is as large as its
//! first front, and no smaller than a genetic algorithm with one objective would be: what is dominated has to leave sooner, and
//! there is room for every trade-off that is found.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{ConfigError, Design, DesignSpace, Stream, Trial};

use crate::parts::variation::Variation;

/// Hyperparameters; the defaults are those of NSGA-II, which SMS-EMOA takes over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrontPopulationConfig {
    /// `N`, `mu`: how many designs survive at most.
    pub population: usize,
    /// How many random designs come before the first children, and how many designs survive at least.
    pub min_population: usize,
    /// `p_c`: how likely a child has two parents.
    pub crossover_probability: f64,
    /// `p_m`: how likely each parameter of a child is mutated; one over the number of parameters if absent.
    pub mutation_probability: Option<f64>,
    /// `eta_m`: the larger, the shorter the steps of a mutation.
    pub mutation_index: f64,
}

impl Default for FrontPopulationConfig {
    /// Deb et al. (2002), doi:10.1109/4235.996017, section V, and Beume et al. (2007), doi:10.1016/j.ejor.2006.08.008: a population
    /// of 100, p_c = 0.9, p_m = 1/n, eta_m = 20. All 100 are random there, for 20,000 evaluations and more. Schaffer et al.
    /// (1989), ICGA 3, 51-60: 20 to 30 designs, of which the least.
    fn default() -> Self {
        Self {
            population: 100,
            min_population: 20,
            crossover_probability: 0.9,
            mutation_probability: None,
            mutation_index: 20.0,
        }
    }
}

impl FrontPopulationConfig {
    /// How children are made of designs of `space`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the hyperparameter that is out of range.
    pub fn variation(&self, space: &DesignSpace) -> Result<Variation, ConfigError> {
        check("population", self.population, 2..)?;
        check("min_population", self.min_population, 2..)?;
        Variation::new(space, self.crossover_probability, self.mutation_probability, self.mutation_index)
    }

    /// How many designs survive if `n_first` are on the first front.
    pub fn survivors(&self, n_first: usize) -> usize {
        n_first.max(self.min_population).min(self.population)
    }
}

/// Of two members drawn at random the one that dominates the other, the first if neither does.
pub fn dominating<'a>(population: &'a [Trial], rng: &mut Stream) -> &'a Design {
    let n = population.len();
    let (a, b) = (&population[rng.random_range(0..n)], &population[rng.random_range(0..n)]);
    if b.judgement.dominates(&a.judgement) { &b.design } else { &a.design }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_population_is_as_large_as_its_first_front_within_bounds() {
        let config =
            FrontPopulationConfig { population: 100, min_population: 20, ..FrontPopulationConfig::default() };
        assert_eq!([1, 31, 150].map(|n_first| config.survivors(n_first)), [20, 31, 100]);
    }
}
