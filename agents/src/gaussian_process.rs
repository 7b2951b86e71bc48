//! Bayesian optimization with Gaussian processes: expected improvement over legal designs, one objective or several.
//!
//! Source: Jones, Schonlau & Welch (1998), doi:10.1023/A:1008306431147; the kernel and the warping of losses after Song et al.
//! (2024), "The Vizier Gaussian Process Bandit Algorithm", arXiv:2408.11527; constraints after Gardner et al. (2014),
//! "Bayesian Optimization with Inequality Constraints", section 3; batches after Ginsbourger, Le Riche & Carraro (2010),
//! doi:10.1007/978-3-642-10701-6_6; two objectives after Yang et al. (2019), doi:10.1007/s10898-019-00798-7; more after Knowles
//! (2006), doi:10.1109/TEVC.2005.851274.
//! Departs from them: the first designs are fewer than the 10 d of Jones et al.; the acquisition is maximised over legal designs by
//! local search; feasibility is a regression of its indicator (Rasmussen & Williams 2006, section 6.5).

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::pareto::front;
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Trial,
};
use tapeout_surrogates::models::gaussian_process::embedding::Embedding;
use tapeout_surrogates::models::gaussian_process::{GaussianProcess, Posterior};

use crate::parts::acquisition::{Normal, Strips};
use crate::parts::candidates::search;
use crate::parts::follower::{Capacity, Follower};
use crate::parts::history::History;
use crate::parts::scalarize::Scalarizer;
use crate::parts::search_state::SearchState;
use crate::parts::targets::targets;

/// The best known designs from which the search for candidates climbs: as many as SMAC's (Hutter et al. 2011, section 4.3).
const STARTS: usize = 10;
/// The least and the most candidates scored for a proposal, whatever the budget of operations says.
const CANDIDATES: (usize, usize) = (200, 2000);
/// Operations for each observation beside the n² / 2 of a variance: a distance and an exponential.
const OPERATIONS_PER_COVARIANCE: usize = 30;
/// Batches are picked from so many of the best candidates for each design asked for.
const CANDIDATES_PER_PICK: usize = 8;
// BoTorch 0.12, `infer_reference_point`: a tenth of the front's range beyond its worst.
const REFERENCE_MARGIN: f64 = 0.1;
/// No design is less likely to be feasible than this, so that all can be told apart by their losses.
const LEAST_PROBABILITY: f64 = 1e-9;

/// How designs are valued, with one objective or a scalar of three and more. Two are valued by hypervolume.
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
    /// How a design is valued.
    pub acquisition: Acquisition,
    /// The standard deviations between mean and confidence bound.
    pub ucb_coefficient: f64,
    /// Designs spread over the space before the first model; 2 (d + 1) for d parameters if absent.
    pub n_initial_points: Option<usize>,
    /// The most trials a model is conditioned on.
    pub capacity: usize,
    /// The most trials its hyperparameters are fitted to.
    pub fit_capacity: usize,
    /// Millions of multiplications for a proposal, spent on scoring candidates.
    pub effort: usize,
}

impl Default for GaussianProcessConfig {
    /// `exploration`: 1.8 as in Song et al. (2024), section 5. The others bound the cost; see the page.
    fn default() -> Self {
        Self {
            acquisition: Acquisition::ExpectedImprovement,
            ucb_coefficient: 1.8,
            n_initial_points: None,
            capacity: 400,
            fit_capacity: 200,
            effort: 20,
        }
    }
}

/// Gaussian processes of losses and of feasibility, and the search for the design most worth trying.
pub struct GaussianProcessSearch {
    config: GaussianProcessConfig,
    state: SearchState,
    models: Models,
}

/// One for each objective that is modelled on its own, of feasibility, and of the way there while nothing is feasible.
struct Models {
    objectives: Vec<Follower>,
    feasibility: Follower,
    shortfall: Follower,
}

/// What the models say at some points: of each loss, and of feasibility if that is in question.
struct Expectation {
    losses: Vec<Posterior>,
    feasibility: Option<Posterior>,
}

/// The models in use for a proposal, and what they are asked.
struct Scorer<'a> {
    losses: Vec<&'a GaussianProcess>,
    feasibility: Option<Border<'a>>,
    aim: Aim,
}

/// A model of the indicator of feasibility, standardised; a design is feasible where it is below `border`.
struct Border<'a> {
    process: &'a GaussianProcess,
    border: f64,
}

/// What makes a design worth trying.
enum Aim {
    Improvement { best: f64 },
    Bound { exploration: f64 },
    Hypervolume { front: Vec<[f64; 2]>, reference: [f64; 2], strips: Strips },
}

impl Aim {
    /// The logarithm of what is gained by a feasible design, or for the bound another increasing measure of it.
    fn value(&self, losses: &[Normal]) -> f64 {
        match self {
            Self::Improvement { best } => losses[0].log_improvement(*best),
            Self::Bound { exploration } => exploration * losses[0].std - losses[0].mean,
            Self::Hypervolume { strips, .. } => {
                strips.improvement([losses[0], losses[1]]).max(f64::MIN_POSITIVE).ln()
            }
        }
    }

    /// Takes a proposal for an observation of its mean.
    fn believe(&mut self, means: &[f64]) {
        match self {
            Self::Improvement { best } => *best = best.min(means[0]),
            Self::Bound { .. } => {}
            Self::Hypervolume { front, reference, strips } => {
                front.push([means[0], means[1]]);
                *strips = Strips::new(front, *reference);
            }
        }
    }
}

impl Scorer<'_> {
    fn expect(&self, points: &[Vec<f64>]) -> Expectation {
        Expectation {
            losses: self.losses.iter().map(|process| process.posterior(points)).collect(),
            feasibility: self.feasibility.as_ref().map(|border| border.process.posterior(points)),
        }
    }

    /// The value of each point, plus the logarithm of the probability that it is feasible.
    fn values(&self, expectation: &Expectation) -> Vec<f64> {
        let normal = |posterior: &Posterior, index: usize| Normal {
            mean: posterior.mean[index],
            std: posterior.variance[index].sqrt(),
        };
        let value = |index: usize| {
            let losses: Vec<Normal> =
                expectation.losses.iter().map(|posterior| normal(posterior, index)).collect();
            let is_feasible = match (&self.feasibility, &expectation.feasibility) {
                (Some(border), Some(posterior)) => {
                    let variance = posterior.variance[index] + border.process.kernel().noise;
                    Normal { mean: posterior.mean[index], std: variance.sqrt() }.below(border.border)
                }
                _ => 1.0,
            };
            self.aim.value(&losses) + is_feasible.max(LEAST_PROBABILITY).ln()
        };
        let n = expectation.losses.first().map_or(0, |posterior| posterior.mean.len());
        (0..n).map(value).collect()
    }

    /// How many operations one candidate costs.
    fn cost(&self) -> usize {
        let processes = self.losses.iter().copied();
        let sizes = processes.chain(self.feasibility.as_ref().map(|border| border.process));
        sizes.map(|p| p.n_points() * (p.n_points() / 2 + OPERATIONS_PER_COVARIANCE)).sum::<usize>().max(1)
    }

    /// `count` of the designs, the best first, and each as if those before had turned out as expected.
    fn pick(&mut self, designs: &[Design], points: &[Vec<f64>], count: usize) -> Vec<Design> {
        let mut expectation = self.expect(points);
        let mut is_picked = vec![false; designs.len()];
        let mut picked = Vec::with_capacity(count);
        while picked.len() < count.min(designs.len()) {
            let values = self.values(&expectation);
            let open = (0..designs.len()).filter(|&index| !is_picked[index]);
            let best = open.max_by(|&a, &b| values[a].total_cmp(&values[b]).then(b.cmp(&a)));
            let best = best.expect("fewer are picked than there are");
            is_picked[best] = true;
            picked.push(designs[best].clone());
            for (process, posterior) in self.losses.iter().zip(&mut expectation.losses) {
                process.believe(posterior, points, best);
            }
            let means: Vec<f64> = expectation.losses.iter().map(|posterior| posterior.mean[best]).collect();
            self.aim.believe(&means);
        }
        picked
    }
}

/// The regression targets of a class, 1 for whatever is not acceptable, standardised; and where the middle, 0.5, then lies.
fn labels(history: &History) -> (Vec<f64>, f64) {
    let n = history.trials.len() as f64;
    let mean = 1.0 - history.n_accepted as f64 / n;
    let std = (mean * (1.0 - mean)).sqrt(); // positive: there are both
    let label = |trial: &Trial| if trial.judgement.accepted().is_some() { 0.0 } else { 1.0 };
    (history.trials.iter().map(|trial| (label(trial) - mean) / std).collect(), (0.5 - mean) / std)
}

/// The front of the acceptable trials, and a reference point behind it.
fn hypervolume_aim(history: &History, targets: &[Vec<f64>]) -> Aim {
    let points: Vec<[f64; 2]> =
        history.accepted(&targets[0]).zip(history.accepted(&targets[1])).map(<[f64; 2]>::from).collect();
    let front: Vec<[f64; 2]> = front(&points).into_iter().map(|index| points[index]).collect();
    let reference = [0, 1].map(|index| {
        let losses = front.iter().map(|point| point[index]);
        let (low, high) = losses.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| {
            (f64::min(low, loss), f64::max(high, loss))
        });
        // A front of one point has no range; the targets' own spread is 1.
        high + REFERENCE_MARGIN * if high > low { high - low } else { 1.0 }
    });
    Aim::Hypervolume { strips: Strips::new(&front, reference), front, reference }
}

impl Models {
    fn new(n_objectives: usize, capacity: Capacity) -> Self {
        let n_models = if n_objectives == 2 { 2 } else { 1 };
        Self {
            objectives: vec![Follower::new(capacity); n_models],
            feasibility: Follower::new(capacity),
            shortfall: Follower::new(capacity),
        }
    }

    /// Brings the models up to the log, and says what they are asked.
    fn scorer(
        &mut self,
        history: &History,
        embedding: &Embedding,
        scalarizer: &mut Scalarizer,
        config: &GaussianProcessConfig,
    ) -> Scorer<'_> {
        if history.n_accepted == 0 {
            let targets = targets(&history.shortfall_places());
            let best = targets.iter().copied().fold(f64::INFINITY, f64::min);
            let process = self.shortfall.follow(embedding, &history.points, &targets);
            return Scorer { losses: vec![process], feasibility: None, aim: Aim::Improvement { best } };
        }
        let is_front = self.objectives.len() == 2;
        let losses: Vec<Vec<f64>> = if is_front {
            (0..2).map(|index| targets(&history.measured_losses(|losses| losses[index]))).collect()
        } else {
            scalarizer.redraw();
            vec![targets(&history.measured_losses(|losses| scalarizer.loss(losses)))]
        };
        let aim = if is_front {
            hypervolume_aim(history, &losses)
        } else if config.acquisition == Acquisition::UpperConfidenceBound {
            Aim::Bound { exploration: config.ucb_coefficient }
        } else {
            Aim::Improvement { best: history.accepted(&losses[0]).fold(f64::INFINITY, f64::min) }
        };
        let objectives = self.objectives.iter_mut().zip(&losses);
        let losses = objectives
            .map(|(follower, losses)| follower.follow(embedding, &history.measured_points, losses))
            .collect();
        let feasibility = (history.n_accepted < history.trials.len()).then(|| {
            let (labels, border) = labels(history);
            Border { process: self.feasibility.follow(embedding, &history.points, &labels), border }
        });
        Scorer { losses, feasibility, aim }
    }
}

impl GaussianProcessSearch {
    /// Up to `count` designs worth trying; none if every design is known.
    fn proposals(&mut self, count: usize) -> Vec<Design> {
        let starts = self.state.best(STARTS);
        let Self { config, state, models } = self;
        let SearchState { embedding, seen, scalarizer, rng, history, .. } = state;
        let mut scorer = models.scorer(history, embedding, scalarizer, config);
        let budget = (config.effort * 1_000_000 / scorer.cost()).clamp(CANDIDATES.0, CANDIDATES.1);
        let embed = |designs: &[Design]| -> Vec<Vec<f64>> {
            designs.iter().map(|design| embedding.embed(design)).collect()
        };
        let found = search(seen, &starts, budget.max(2 * count), rng, |designs| {
            scorer.values(&scorer.expect(&embed(designs)))
        });
        let mut designs: Vec<Design> = found.into_iter().map(|candidate| candidate.design).collect();
        if count == 1 {
            designs.truncate(1);
        } else {
            designs.truncate(CANDIDATES_PER_PICK * count);
            designs = scorer.pick(&designs, &embed(&designs), count);
        }
        designs.iter().for_each(|design| _ = seen.insert(design));
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
        check("capacity", config.capacity, 10..)?;
        check("fit_capacity", config.fit_capacity, 10..)?;
        let capacity = Capacity { model: config.capacity, fit: config.fit_capacity };
        Ok(Self {
            state: SearchState::new(problem, config.n_initial_points, seed, "gaussian process")?,
            models: Models::new(problem.n_objectives(), capacity),
            config,
        })
    }
}
