//! The learner `random-forest`: a forest for each metric and one for feasibility.
//!
//! Source: Hutter, Xu, Hoos & Leyton-Brown (2014), "Algorithm runtime prediction", doi:10.1016/j.artint.2013.10.003, for forests
//! of logarithms with the spread of their trees as uncertainty, and for joining instance features to the parameters; the
//! trees are in `models/random_forest.rs` with their own sources.
//! Departs from it: feasibility is learned by a forest of its own.

use std::ops::Bound::{Excluded, Included};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Prediction, Problem,
    ProductText, Saved, Seed, Surrogate, TrainingData,
};

use crate::features::{assert_context, with_products};
use crate::models::decision_tree::BLOCK;
use crate::models::gaussian_process::embedding::{CoordinateKind, Embedding};
use crate::models::random_forest::{ForestGrowth, RandomForest};
use crate::targets::{TargetScales, feasible_share};

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomForestLearnerConfig {
    /// Trees of each forest.
    pub n_estimators: usize,
    /// The share of coordinates among which a split is chosen.
    pub max_features: f64,
    /// A node of fewer samples is not split.
    pub min_samples_split: usize,
    /// Whether each tree learns from a bootstrap sample. Without, trees are closer to what is measured without noise, and disagree less.
    pub bootstrap: bool,
}

impl Default for RandomForestLearnerConfig {
    /// SMAC3 (Lindauer et al. 2022, arXiv:2109.09831) has 10 trees, 5/6 of the parameters, nodes of 3 to split. Own choice: 50
    /// trees, since a model is fitted once here and not after every few trials.
    fn default() -> Self {
        Self { n_estimators: 50, max_features: 5.0 / 6.0, min_samples_split: 3, bootstrap: true }
    }
}

/// Grows forests.
pub struct RandomForestLearner {
    embedding: Embedding,
    products: Vec<ProductText>,
    config: RandomForestLearnerConfig,
}

/// A forest for each metric, and one for feasibility.
struct Forests {
    embedding: Embedding,
    state: State,
}

/// The part of a fitted model that is saved.
#[derive(Serialize, Deserialize)]
struct State {
    scales: TargetScales,
    /// The products that it learned from.
    products: Vec<ProductText>,
    n_context: usize,
    /// Shape `[k]`.
    metrics: Vec<RandomForest>,
    feasibility: Feasibility,
}

/// How likely a design is to be feasible.
#[derive(Serialize, Deserialize)]
enum Feasibility {
    /// None of the trials was infeasible.
    Share(f64),
    /// The share of feasible trials around it.
    Forest(RandomForest),
}

impl BuildLearner for RandomForestLearner {
    const ID: &'static str = "random-forest";
    const SUMMARY: &'static str = "Forests of regression trees; their disagreement is the spread";
    const DESCRIPTION: &'static str = include_str!("random_forest.md");
    const SCHEMA: u32 = 3;
    type Config = RandomForestLearnerConfig;

    fn build(problem: &Problem, config: RandomForestLearnerConfig) -> Result<Self, ConfigError> {
        check("n_estimators", config.n_estimators, 1..=10_000)?;
        check("max_features", config.max_features, (Excluded(0.0), Included(1.0)))?;
        check("min_samples_split", config.min_samples_split, 2..)?;
        let space = problem.space();
        Ok(Self { embedding: Embedding::new(space), products: space.product_texts(), config })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state = saved.state::<State>()?;
        let embedding = Embedding::new(&with_products(space, &state.products)?);
        let n_coordinates = embedding.dimension() + state.n_context;
        let mut forests = state.metrics.iter().chain(match &state.feasibility {
            Feasibility::Share(_) => None,
            Feasibility::Forest(forest) => Some(forest),
        });
        if !forests.all(|forest| forest.fits(n_coordinates))
            || state.metrics.len() != state.scales.n_metrics()
        {
            let message = format!("its trees are not of {n_coordinates} coordinates");
            return Err(LoadError::Corrupt { message });
        }
        Ok(Box::new(Forests { embedding, state }))
    }
}

impl Learner for RandomForestLearner {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let scales = TargetScales::new(data)?;
        let (mut points, mut measured, mut is_feasible) = (Vec::new(), Vec::new(), Vec::new());
        for group in data.train() {
            for trial in &group.trials {
                points.push(point(&self.embedding, &group.workload.context, &trial.design));
                measured.push(trial.outcome.metrics().map(|metrics| scales.targets(metrics)));
                is_feasible.push(f64::from(u8::from(trial.outcome.metrics().is_some())));
            }
        }
        let mut kinds = self.embedding.kinds().to_vec();
        kinds.resize(self.embedding.dimension() + data.context_names().len(), CoordinateKind::Ordered);
        let RandomForestLearnerConfig { n_estimators, max_features, min_samples_split, bootstrap } =
            self.config;
        let growth = ForestGrowth { n_estimators, max_features, min_samples_split, bootstrap };
        let grow = |points: &[Vec<f64>], targets: &[f64], seed| {
            RandomForest::fit_in_parallel(growth, &kinds, points, targets, seed)
        };
        let feasibility = if is_feasible.contains(&0.0) {
            Feasibility::Forest(grow(&points, &is_feasible, seed.child("feasibility", 0)))
        } else {
            Feasibility::Share(feasible_share(data.train()))
        };
        let (points, measured): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
            points.into_iter().zip(measured).filter_map(|(point, targets)| Some((point, targets?))).unzip();
        let forest = |metric: usize| {
            let targets: Vec<f64> = measured.iter().map(|targets| targets[metric]).collect();
            grow(&points, &targets, seed.child("metric", metric as u64))
        };
        let metrics = (0..scales.n_metrics()).map(forest).collect();
        let n_context = data.context_names().len();
        let products = self.products.clone();
        let state = State { scales, products, n_context, metrics, feasibility };
        Ok(Box::new(Forests { embedding: self.embedding.clone(), state }))
    }
}

impl Surrogate for Forests {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let State { scales, n_context, metrics, feasibility, .. } = &self.state;
        assert_context(context, *n_context);
        let of_block = |designs: &[Design]| {
            let points: Vec<Vec<f64>> =
                designs.iter().map(|design| point(&self.embedding, context, design)).collect();
            let metrics: Vec<Vec<(f64, f64)>> =
                metrics.iter().map(|forest| forest.predict_all(&points)).collect();
            let p_feasible: Vec<f64> = match feasibility {
                Feasibility::Share(share) => vec![*share; points.len()],
                Feasibility::Forest(forest) => {
                    forest.predict_all(&points).into_iter().map(|(mean, _)| mean.clamp(0.0, 1.0)).collect()
                }
            };
            let expected = (0..points.len()).map(|index| -> Vec<(f64, f64)> {
                let of_metric = |metric: &Vec<(f64, f64)>| (metric[index].0, metric[index].1.sqrt());
                metrics.iter().map(of_metric).collect()
            });
            expected.zip(p_feasible).collect::<Vec<_>>()
        };
        let (expected, p_feasible): (Vec<_>, Vec<f64>) =
            designs.par_chunks(BLOCK).flat_map_iter(of_block).unzip();
        scales.prediction(&expected, p_feasible)
    }

    fn save(&self) -> Saved {
        Saved::new(RandomForestLearner::ID, RandomForestLearner::SCHEMA, &self.state)
    }
}

/// The coordinates of a design, then those of a context.
fn point(embedding: &Embedding, context: &[f64], design: &Design) -> Vec<f64> {
    let mut point = embedding.embed(design);
    point.extend_from_slice(context);
    point
}
