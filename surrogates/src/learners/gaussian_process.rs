//! The learner `gaussian-process`: a process for each metric and one for feasibility, on a part of the trials.
//!
//! Sources: those of `models/gaussian_process`; Rasmussen & Williams (2006), section 8.3.3, for conditioning on a subset of the data, and
//! section 6.5 for least-squares classification.
//! Departs from them: the subset is drawn at random, evenly over workloads; what is expected of the label 0 or 1 is taken for the
//! probability, cut off at 0 and 1.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Prediction, Problem,
    ProductText, Saved, Seed, Surrogate, TrainingData, Trial, WorkloadTrials,
};

use crate::features::{Standard, assert_context, context_scale, with_products};
use crate::models::gaussian_process::GaussianProcess;
use crate::models::gaussian_process::embedding::{Embedding, Points};
use crate::models::gaussian_process::fit::{Effort, fit};
use crate::models::gaussian_process::kernel::Kernel;
use crate::subset;
use crate::targets::{TargetScales, feasible_share};

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianProcessLearnerConfig {
    /// Trials that each process is conditioned on, at most.
    pub max_points: usize,
    /// Steps of the fit of the kernel.
    pub max_iter: usize,
}

impl Default for GaussianProcessLearnerConfig {
    /// Own choices: a step takes some 20 ms with 500 points, which grows with their cube.
    fn default() -> Self {
        Self { max_points: 500, max_iter: 50 }
    }
}

/// What a process is to learn of a trial with these metrics, if anything.
type Label<'a> = dyn Fn(Option<&[f64]>) -> Option<Vec<f64>> + 'a;

/// Fits Gaussian processes.
pub struct GaussianProcessLearner {
    embedding: Embedding,
    products: Vec<ProductText>,
    config: GaussianProcessLearnerConfig,
}

/// Processes for each metric and for feasibility.
struct Processes {
    embedding: Embedding,
    state: State,
    metrics: Vec<GaussianProcess>,
    feasibility: Option<GaussianProcess>,
}

/// The part of a fitted model that is saved.
#[derive(Serialize, Deserialize)]
struct State {
    scales: TargetScales,
    /// The products that it learned from.
    products: Vec<ProductText>,
    context: Vec<Standard>,
    /// Shape `[k]`.
    metrics: Vec<Conditioned>,
    feasibility: Option<Conditioned>,
    /// What is said of feasibility where nothing was infeasible, or far from all points.
    feasible_share: f64,
}

/// A kernel, and what a process is conditioned on.
#[derive(Debug, Serialize, Deserialize)]
struct Conditioned {
    kernel: Kernel,
    /// Shape `[n][d]`.
    points: Vec<Vec<f64>>,
    /// Shape `[n]`.
    targets: Vec<f64>,
}

impl Conditioned {
    fn fit(embedding: &Embedding, points: Vec<Vec<f64>>, targets: Vec<f64>, effort: Effort) -> Self {
        let kernel = fit(&gathered(embedding, &points), &targets, None, effort);
        Self { kernel, points, targets }
    }

    fn process(&self, embedding: &Embedding) -> GaussianProcess {
        GaussianProcess::new(self.kernel.clone(), &gathered(embedding, &self.points), &self.targets)
    }

    fn fits(&self, d: usize) -> bool {
        let kernel = &self.kernel;
        kernel.inverse_squared_lengths.len() == d
            && kernel.amplitude > 0.0
            && kernel.noise > 0.0
            && self.points.len() == self.targets.len()
            && self.points.iter().all(|point| point.len() == d)
    }
}

fn gathered(embedding: &Embedding, points: &[Vec<f64>]) -> Points {
    let mut gathered = Points::new(embedding.clone());
    points.iter().for_each(|point| gathered.push(point));
    gathered
}

/// The coordinates of a design, then those of a context: a standard deviation is as long as that of the unit interval, 1/√12.
fn point(embedding: &Embedding, scale: &[Standard], context: &[f64], design: &Design) -> Vec<f64> {
    let mut point = embedding.embed(design);
    point.extend(context.iter().zip(scale).map(|(&value, scale)| scale.apply(value) / 12f64.sqrt()));
    point
}

impl BuildLearner for GaussianProcessLearner {
    const ID: &'static str = "gaussian-process";
    const SUMMARY: &'static str =
        "Gaussian processes with a length scale for each parameter, on a few hundred of the trials";
    const DESCRIPTION: &'static str = include_str!("gaussian_process.md");
    const SCHEMA: u32 = 2;
    type Config = GaussianProcessLearnerConfig;

    fn build(problem: &Problem, config: GaussianProcessLearnerConfig) -> Result<Self, ConfigError> {
        check("max_points", config.max_points, 2..=5_000)?;
        check("max_iter", config.max_iter, 0..=10_000)?;
        let space = problem.space();
        Ok(Self { embedding: Embedding::new(space), products: space.product_texts(), config })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state = saved.state::<State>()?;
        let space = with_products(space, &state.products)?;
        let embedding = Embedding::new(&space).with_more_ordered(state.context.len());
        let mut conditioned = state.metrics.iter().chain(&state.feasibility);
        let is_whole = state.metrics.len() == state.scales.n_metrics()
            && conditioned.all(|conditioned| conditioned.fits(embedding.dimension()));
        if !is_whole {
            let message = format!("its points are not of {} coordinates", embedding.dimension());
            return Err(LoadError::Corrupt { message });
        }
        Ok(Box::new(Processes::new(embedding, state)))
    }
}

impl Learner for GaussianProcessLearner {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let scales = TargetScales::new(data)?;
        let context = context_scale(data.train());
        let embedding = self.embedding.clone().with_more_ordered(context.len());
        let drawn = |purpose, labels: &Label<'_>| {
            let embed = |group: &WorkloadTrials, design: &Design| {
                point(&embedding, &context, &group.workload.context, design)
            };
            self.draw(data.train(), seed.child(purpose, 0), embed, labels)
        };
        let feasible_share = feasible_share(data.train());
        let (points, targets) = drawn("metrics", &|metrics| Some(scales.targets(metrics?)));
        let column =
            |targets: &[Vec<f64>], index: usize| targets.iter().map(|row| row[index]).collect::<Vec<f64>>();
        let mut jobs: Vec<(Vec<Vec<f64>>, Vec<f64>)> =
            (0..scales.n_metrics()).map(|metric| (points.clone(), column(&targets, metric))).collect();
        let (n_trials, n_feasible) = data.n_trials();
        if n_feasible < n_trials {
            let label =
                |metrics: Option<&[f64]>| Some(vec![f64::from(u8::from(metrics.is_some())) - feasible_share]);
            let (points, labels) = drawn("feasibility", &label);
            jobs.push((points, column(&labels, 0)));
        }
        let effort = Effort { steps: self.config.max_iter };
        let fit = |(points, targets)| Conditioned::fit(&embedding, points, targets, effort);
        let mut metrics: Vec<Conditioned> = jobs.into_par_iter().map(fit).collect();
        let feasibility = if n_feasible < n_trials { metrics.pop() } else { None };
        let products = self.products.clone();
        let state = State { scales, products, context, metrics, feasibility, feasible_share };
        Ok(Box::new(Processes::new(embedding, state)))
    }
}

impl GaussianProcessLearner {
    /// As many labelled trials as a process is conditioned on, as points and labels.
    fn draw(
        &self,
        groups: &[WorkloadTrials],
        seed: Seed,
        embed: impl Fn(&WorkloadTrials, &Design) -> Vec<f64>,
        labels: &Label<'_>,
    ) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let label = |trial: &Trial| labels(trial.outcome.metrics());
        let drawn = subset::draw(groups, self.config.max_points, seed, |trial| label(trial).is_some());
        let labelled =
            |(group, trial): (&WorkloadTrials, &Trial)| Some((embed(group, &trial.design), label(trial)?));
        drawn.into_iter().filter_map(labelled).unzip()
    }
}

impl Processes {
    fn new(embedding: Embedding, state: State) -> Self {
        let metrics = state.metrics.iter().map(|conditioned| conditioned.process(&embedding)).collect();
        let feasibility = state.feasibility.as_ref().map(|conditioned| conditioned.process(&embedding));
        Self { embedding, state, metrics, feasibility }
    }
}

impl Surrogate for Processes {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let State { scales, context: context_scale, feasible_share, .. } = &self.state;
        assert_context(context, context_scale.len());
        let embed = |design: &Design| point(&self.embedding, context_scale, context, design);
        let points: Vec<Vec<f64>> = designs.iter().map(embed).collect();
        let mut expected = vec![Vec::with_capacity(self.metrics.len()); designs.len()];
        for process in &self.metrics {
            let posterior = process.posterior(&points);
            let pairs = posterior.mean.iter().zip(&posterior.variance);
            expected
                .iter_mut()
                .zip(pairs)
                .for_each(|(row, (mean, variance))| row.push((*mean, variance.sqrt())));
        }
        let p_feasible = match &self.feasibility {
            None => vec![*feasible_share; designs.len()],
            Some(process) => {
                let labels = process.posterior(&points).mean;
                labels.iter().map(|label| (label + feasible_share).clamp(0.0, 1.0)).collect()
            }
        };
        scales.prediction(&expected, p_feasible)
    }

    fn save(&self) -> Saved {
        Saved::new(GaussianProcessLearner::ID, GaussianProcessLearner::SCHEMA, &self.state)
    }
}
