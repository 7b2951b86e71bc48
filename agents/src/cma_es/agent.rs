//! The agent `cma-es`: generations drawn from both distributions.

use std::ops::Bound::{Excluded, Included};

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Problem, Seed, Stream,
    Trial,
};

use super::categories::Categories;
use super::gaussian::{Gaussian, Strategy};
use crate::parts::scalarize::Scalarizer;
use crate::parts::seen::Seen;

/// How many designs are drawn before an illegal one is repaired, as in the public code of Nomura & Shibata (2024),
/// "cmaes: a simple yet practical Python library for CMA-ES", arXiv:2402.01373.
const MAX_DRAWS: usize = 100;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CmaEsConfig {
    /// `lambda`: how many designs make a generation; 4 + 3 ln n for n parameters with a choice if absent.
    pub population: Option<usize>,
    /// `sigma`: the first standard deviation, as a share of each parameter's range.
    pub sigma: f64,
    /// `alpha`: how likely a level next to the mean's is at least; 1 / (lambda n) if absent.
    pub margin: Option<f64>,
    /// Random designs that make the first generation; lambda if absent, 0 for one around the middle of the space.
    pub n_initial: Option<usize>,
}

impl Default for CmaEsConfig {
    /// Hansen (2016), table 1 and the note on figure 6: lambda = 4 + floor(3 ln n), sigma = 0.3 of the range. Hamano
    /// et al. (2022): alpha = 1 / (lambda N). The first generation is ours.
    fn default() -> Self {
        Self { population: None, sigma: 0.3, margin: None, n_initial: None }
    }
}

/// Two distributions, of ordered levels and of categories, that are sampled together.
pub struct CmaEs {
    lambda: usize,
    seen: Seen,
    scalarizer: Scalarizer,
    rng: Stream,
    gaussian: Gaussian,
    categories: Categories,
    /// What was drawn for designs not yet answered: y of eq. 39, before the margin's scale.
    pending: HashMap<Design, Vec<f64>>,
    /// Observed since the last update.
    generation: Vec<(Vec<f64>, Trial)>,
    /// How many random designs are still to be proposed.
    n_initial: usize,
    /// How many trials the generation of the moment is of, at least.
    wanted: usize,
    has_proposed: bool,
}

impl CmaEs {
    /// A design drawn from both distributions that is not known.
    fn sampled(&mut self) -> Design {
        let (gaussian, categories) = (&self.gaussian, &self.categories);
        let mut drawn = Vec::new();
        let mut made = None;
        let design = self.seen.propose(&mut self.rng, |space, rng| {
            let mut levels = vec![0; space.n_parameters()];
            for _ in 0..MAX_DRAWS {
                drawn = gaussian.draw(rng);
                gaussian.write_levels(&drawn, &mut levels);
                categories.draw(&mut levels, rng);
                if space.is_legal(&levels) {
                    break;
                }
            }
            let design = space.repair(&levels);
            made = Some((levels, design.clone()));
            design
        });
        let is_as_drawn = made.is_some_and(|(levels, made)| made == design && levels == design.levels());
        // Only a step that was drawn as it stands may move the distribution by its own length; what repair or a random draw
        // put in its place comes back as a design from elsewhere.
        if is_as_drawn {
            self.pending.insert(design.clone(), drawn);
        }
        design
    }

    /// Both distributions move towards the better half of the generation.
    fn update(&mut self) {
        self.scalarizer.redraw();
        let mut generation = std::mem::take(&mut self.generation);
        generation.sort_by_cached_key(|(_, trial)| self.scalarizer.merit(&trial.judgement));
        let strategy = Strategy::new(self.gaussian.dimension(), generation.len());
        let steps: Vec<&[f64]> = generation.iter().map(|(step, _)| step.as_slice()).collect();
        self.gaussian.update(&strategy, &steps);
        let designs: Vec<&Design> = generation.iter().map(|(_, trial)| &trial.design).collect();
        self.categories.update(&strategy, &designs);
    }

    /// An earlier log: both distributions start from its best quarter.
    fn adopt(&mut self, log: &[Trial]) {
        let chosen = self.scalarizer.select(log, log.len().div_ceil(4));
        let designs: Vec<&Design> = chosen.iter().map(|&index| &log[index].design).collect();
        self.gaussian.fit(&designs);
        self.categories.fit(&designs);
    }
}

impl Agent for CmaEs {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.has_proposed = true;
        let n_random = self.n_initial.min(count);
        self.n_initial -= n_random;
        let mut designs: Vec<Design> = (0..n_random).map(|_| self.seen.draw(&mut self.rng)).collect();
        designs.extend((n_random..count).map(|_| self.sampled()));
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.seen.observe(trials);
        self.scalarizer.observe(trials);
        if !self.has_proposed {
            if trials.is_empty() {
                return Ok(());
            }
            self.adopt(trials);
            (self.n_initial, self.wanted) = (0, self.lambda);
            return Ok(());
        }
        for trial in trials {
            let step =
                self.pending.remove(&trial.design).unwrap_or_else(|| self.gaussian.injected(&trial.design));
            self.generation.push((step, trial.clone()));
        }
        if self.generation.len() >= self.wanted {
            self.wanted = self.lambda;
            self.update();
        }
        Ok(())
    }
}

impl BuildAgent for CmaEs {
    const ID: &'static str = "cma-es";
    const SUMMARY: &'static str = "CMA-ES with margin for ordered levels, and a distribution of categories";
    const DESCRIPTION: &'static str = include_str!("cma_es.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = CmaEsConfig;

    fn build(problem: &Problem, config: CmaEsConfig, seed: Seed) -> Result<Self, ConfigError> {
        let space: &DesignSpace = problem.space();
        let n_choices = space.parameters().iter().filter(|parameter| parameter.n_levels() > 1).count().max(1);
        // Eq. 48.
        let lambda = config.population.unwrap_or(4 + (3.0 * (n_choices as f64).ln()) as usize);
        let margin = config.margin.unwrap_or(1.0 / (lambda * n_choices) as f64);
        let n_initial = config.n_initial.unwrap_or(lambda);
        check("population", lambda, 2..)?;
        check("sigma", config.sigma, (Excluded(0.0), Included(1.0)))?;
        // Two sides of a level and the level itself share the probability.
        check("margin", margin, (Excluded(0.0), Included(0.5)))?;
        Ok(Self {
            lambda,
            seen: Seen::new(space),
            scalarizer: Scalarizer::new(problem, seed),
            rng: seed.stream("cma-es"),
            gaussian: Gaussian::new(space, config.sigma, margin),
            categories: Categories::new(space),
            pending: HashMap::new(),
            generation: Vec::new(),
            n_initial,
            wanted: n_initial.max(lambda),
            has_proposed: false,
        })
    }
}
