//! SMAC: Bayesian optimization with random forests.
//!
//! Source: Hutter, Hoos & Leyton-Brown (2011), doi:10.1007/978-3-642-25566-3_40, and for its defaults SMAC3 2.x (Lindauer et al.
//! 2022, arXiv:2109.09831), the black-box facade. Several objectives after Knowles (2006), as SMAC3 has it.
//! Departs from them: one evaluation of a design is enough, there is no intensification; each limit and what cannot be
//! measured is learned by a forest of its own (after Gardner et al. 2014) in place of being given the worst loss; forests are grown anew when the log
//! has grown by a share of itself.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Trial,
};
use tapeout_surrogates::models::random_forest::{ForestGrowth, RandomForest};

use crate::parts::acquisition::Normal;
use crate::parts::candidates::search;
use crate::parts::search_state::SearchState;
use crate::parts::targets::targets;

/// The log grows by one in so many before the next forests: 2 %.
const GROWTH_PER_FIT: usize = 50;
/// The best known designs from which to climb. Source: Hutter et al. (2011), section 4.3.
const STARTS: usize = 10;
/// A mixture of leaves that agree has no variance; SMAC3's `VERY_SMALL_NUMBER` stands in for it.
const LEAST_VARIANCE: f64 = 1e-10;
/// The variance of an edge's target where leaves agree. Ours: ten trees that all say a design is one deviation within the limit are right
/// all but surely, and not without any doubt.
const EDGE_VARIANCE: f64 = 0.05;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmacConfig {
    /// Designs spread over the space before the first forest; 20, or 2 (d + 1) for few parameters d, if absent.
    pub n_initial_points: Option<usize>,
    /// Trees of a forest.
    pub n_estimators: usize,
    /// The share of parameters among which a split is chosen.
    pub max_features: f64,
    /// A node of fewer samples is not split.
    pub min_samples_split: usize,
    /// How likely a proposal is a random design.
    pub random_probability: f64,
    /// Designs scored for a proposal.
    pub n_candidates: usize,
}

impl Default for SmacConfig {
    /// SMAC3: 10 trees, 5/6 of the parameters, nodes of 3, 8.4 % random designs.
    fn default() -> Self {
        Self {
            n_initial_points: None,
            n_estimators: 10,
            max_features: 5.0 / 6.0,
            min_samples_split: 3,
            random_probability: 0.084,
            n_candidates: 2000,
        }
    }
}

/// Forests of the loss and of feasibility, and the search for the design most worth trying.
pub struct Smac {
    config: SmacConfig,
    state: SearchState,
    forests: Option<Forests>,
}

/// What was learned from the first trials of the log.
struct Forests {
    n_learned: usize,
    /// Of the loss, and the best target; none as long as nothing is acceptable.
    loss: Option<(RandomForest, f64)>,
    /// Of how far designs are beyond each limit that was broken and from being measured, and where the limit lies.
    edges: Vec<(RandomForest, f64)>,
}

impl Forests {
    /// The logarithm of the expected improvement, plus that of the probability that the design is acceptable.
    fn value(&self, point: &[f64]) -> f64 {
        let improvement = |(forest, best): &(RandomForest, f64)| {
            let (mean, variance) = forest.predict(point);
            Normal { mean, std: variance.max(LEAST_VARIANCE).sqrt() }.log_improvement(*best)
        };
        let within = |(forest, limit): &(RandomForest, f64)| {
            let (mean, variance) = forest.predict(point);
            Normal { mean, std: (variance + EDGE_VARIANCE).sqrt() }.log_below(*limit)
        };
        self.loss.as_ref().map_or(0.0, improvement) + self.edges.iter().map(within).sum::<f64>()
    }
}

impl Smac {
    fn grow(&mut self) -> Forests {
        let config = &self.config;
        let SearchState { embedding, scalarizer, history, rng, .. } = &mut self.state;
        let growth = ForestGrowth {
            n_estimators: config.n_estimators,
            max_features: config.max_features,
            min_samples_split: config.min_samples_split,
            bootstrap: true,
        };
        let mut fit = |points: &[Vec<f64>], targets: &[f64]| {
            RandomForest::fit(growth, embedding.kinds(), points, targets, rng)
        };
        let loss = (history.n_accepted > 0).then(|| {
            scalarizer.redraw();
            let losses = history.measured_losses(|losses| scalarizer.loss(losses));
            let targets = targets(&losses, &history.accepted(&losses).collect::<Vec<f64>>()).values;
            let best = history.accepted(&targets).fold(f64::INFINITY, f64::min);
            (fit(&history.measured_points, &targets), best)
        });
        let mut edges: Vec<(RandomForest, f64)> = Vec::new();
        for (_, edge) in history.broken_limits() {
            edges.push((fit(&history.measured_points, &edge.targets), edge.limit));
        }
        if let Some(edge) = history.unmeasured() {
            edges.push((fit(&history.points, &edge.targets), edge.limit));
        }
        Forests { n_learned: history.trials.len(), loss, edges }
    }

    /// Up to `count` designs, most promising first; none if every design is known.
    fn promising(&mut self, count: usize) -> Vec<Design> {
        let n = self.state.history.trials.len();
        let forests = match self.forests.take() {
            Some(forests) if (n - forests.n_learned) * GROWTH_PER_FIT < forests.n_learned => forests,
            _ => self.grow(),
        };
        let starts = self.state.best(STARTS);
        let budget = self.config.n_candidates.max(2 * count);
        let SearchState { embedding, seen, rng, .. } = &mut self.state;
        let found = search(seen, &starts, budget, rng, |designs| {
            designs.iter().map(|design| forests.value(&embedding.embed(design))).collect()
        });
        self.forests = Some(forests);
        found.into_iter().take(count).map(|candidate| candidate.design).collect()
    }
}

impl Agent for Smac {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let mut designs = self.state.initial_design(count);
        let n_left = count - designs.len();
        let random_share = self.config.random_probability;
        let n_random = (0..n_left).filter(|_| self.state.rng.random_bool(random_share)).count();
        if n_left > n_random {
            let promising = self.promising(n_left - n_random);
            promising.iter().for_each(|design| _ = self.state.seen.insert(design));
            designs.extend(promising);
        }
        self.state.fill_up(&mut designs, count);
        Ok(designs)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.state.observe(trials);
        Ok(())
    }
}

impl BuildAgent for Smac {
    const ID: &'static str = "smac";
    const SUMMARY: &'static str = "SMAC: Bayesian optimization with random forests";
    const DESCRIPTION: &'static str = include_str!("smac.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    type Config = SmacConfig;

    fn build(problem: &Problem, config: SmacConfig, seed: Seed) -> Result<Self, ConfigError> {
        check("n_estimators", config.n_estimators, 2..)?;
        check("min_samples_split", config.min_samples_split, 2..)?;
        // A third of them each are scattered in two ways, so of fewer there were none.
        check("n_candidates", config.n_candidates, 3..)?;
        check("max_features", config.max_features, 0.0..=1.0)?;
        check("random_probability", config.random_probability, 0.0..=1.0)?;
        Ok(Self {
            state: SearchState::new(problem, config.n_initial_points, seed, "smac")?,
            forests: None,
            config,
        })
    }
}
