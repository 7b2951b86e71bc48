//! The agent `gp`: its hyperparameters, and the search for the design most worth trying.

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Trial,
};

use super::models::Models;
use super::scorer::Leaders;
use crate::parts::candidates::search;
use crate::parts::caution::Caution;
use crate::parts::follower::Capacity;
use crate::parts::search_state::SearchState;

/// The best known designs from which the search for candidates climbs: as many as SMAC's (Hutter et al. 2011, section 4.3).
const STARTS: usize = 10;
/// The least and the most candidates scored for a proposal, whatever the budget of operations says.
const CANDIDATES: (usize, usize) = (400, 2000);
/// Batches are picked from so many of the best candidates for each design asked for.
const CANDIDATES_PER_PICK: usize = 8;

/// How designs are valued with one objective. Several have one way: two by hypervolume, three and more by the improvement of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acquisition {
    /// By how much they are expected to improve on the best.
    ExpectedImprovement,
    /// By the bound that they surpass with some confidence.
    UpperConfidenceBound,
}

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianProcessConfig {
    /// How a design is valued with one objective.
    pub acquisition: Acquisition,
    /// The standard deviations between mean and confidence bound.
    pub ucb_coefficient: f64,
    /// Designs spread over the space before the first model; 20, or 2 (d + 1) for few parameters d, if absent.
    pub n_initial_points: Option<usize>,
    /// The most trials a model is conditioned on.
    pub capacity: usize,
    /// The most trials its hyperparameters are fitted to.
    pub fit_capacity: usize,
    /// Millions of multiplications for a proposal, spent on scoring candidates.
    pub effort: usize,
}

impl Default for GaussianProcessConfig {
    /// `ucb_coefficient`: 1.8 as in Song et al. (2024), section 5. The others bound the cost; see the page.
    fn default() -> Self {
        Self {
            acquisition: Acquisition::ExpectedImprovement,
            ucb_coefficient: 1.8,
            n_initial_points: None,
            capacity: 150,
            fit_capacity: 80,
            effort: 20,
        }
    }
}

/// Gaussian processes of losses, limits and of what cannot be measured, and the search for the design most worth trying.
pub struct GaussianProcessSearch {
    config: GaussianProcessConfig,
    state: SearchState,
    models: Models,
    /// How much is given on what the models say of acceptability.
    caution: Caution,
}

impl GaussianProcessSearch {
    /// Up to `count` designs worth trying; none if every design is known.
    fn proposals(&mut self, count: usize) -> Vec<Design> {
        let starts = self.state.best(STARTS);
        let Self { config, state, models, caution } = self;
        let SearchState { embedding, seen, scalarizer, rng, history, .. } = state;
        let mut scorer = models.scorer(history, embedding, scalarizer, config, caution.factor());
        let budget = (config.effort * 1_000_000 / scorer.cost()).clamp(CANDIDATES.0, CANDIDATES.1);
        let embed = |designs: &[Design]| -> Vec<Vec<f64>> {
            designs.iter().map(|design| embedding.embed(design)).collect()
        };
        let n_kept = if count == 1 { 1 } else { CANDIDATES_PER_PICK * count };
        let mut leaders = Leaders::new(n_kept);
        let found = search(seen, &starts, budget.max(2 * count), rng, |designs| {
            scorer.values(&embed(designs), &mut leaders)
        });
        let mut designs: Vec<Design> = found.into_iter().map(|candidate| candidate.design).collect();
        designs.truncate(n_kept);
        if count > 1 {
            designs = scorer.pick(&designs, &embed(&designs), count);
        }
        designs.iter().for_each(|design| _ = seen.insert(design));
        caution.expect(&designs);
        designs
    }
}

impl Agent for GaussianProcessSearch {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = self.state.initial_design(count);
        if designs.len() < count {
            designs.extend(self.proposals(count - designs.len()));
        }
        self.state.fill_up(&mut designs, count);
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.state.observe(trials);
        self.caution.observe(trials);
        Ok(())
    }
}

impl BuildAgent for GaussianProcessSearch {
    const ID: &'static str = "gp";
    const SUMMARY: &'static str =
        "Bayesian optimization with Gaussian processes: expected (hypervolume) improvement";
    const DESCRIPTION: &'static str = include_str!("gaussian_process.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = GaussianProcessConfig;

    fn build(problem: &Problem, config: GaussianProcessConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("ucb_coefficient", config.ucb_coefficient, 0.0..)?;
        if config.acquisition == Acquisition::UpperConfidenceBound && problem.n_objectives() > 1 {
            let message =
                "upper-confidence-bound is of one objective; several are searched by expected improvement";
            return Err(ConfigError::new("acquisition", message));
        }
        check("capacity", config.capacity, 10..)?;
        check("fit_capacity", config.fit_capacity, 10..)?;
        let capacity = Capacity { model: config.capacity, fit: config.fit_capacity };
        Ok(Self {
            state: SearchState::new(problem, config.n_initial_points, seed, "gaussian process")?,
            models: Models::new(problem.n_objectives(), problem.constraints().len(), capacity),
            caution: Caution::new(),
            config,
        })
    }
}
