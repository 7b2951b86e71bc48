//! The learner `boosted-trees`: gradient boosting on the levels of designs, for each metric and for feasibility.
//!
//! Sources: those of `models/gradient_boosting.rs`; Breiman (1996), "Bagging predictors", doi:10.1007/BF00058655, for members that see
//! different samples, whose disagreement is the spread.

use std::ops::Bound::{Excluded, Included};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Prediction, Problem, Saved,
    Seed, Surrogate, TrainingData, WorkloadTrials,
};

use crate::features::assert_context;
use crate::models::decision_tree::BLOCK;
use crate::models::gaussian_process::embedding::CoordinateKind;
use crate::models::gradient_boosting::{Binned, Boosted, BoostingGrowth, Loss};
use crate::targets::{TargetScales, feasible_share, mean_and_spread};

/// Bins of a coordinate, at most; as many as a byte has values.
const MOST_BINS: usize = 256;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoostedTreesConfig {
    /// How many machines are averaged.
    pub n_members: usize,
    /// Trees of each machine, at most.
    pub n_estimators: usize,
    /// The factor on what each tree adds.
    pub learning_rate: f64,
    /// Leaves of a tree, at most.
    pub max_leaf_nodes: usize,
    /// Trials in a leaf, at least.
    pub min_samples_leaf: usize,
    /// The share of trials that each tree is grown from.
    pub subsample: f64,
    /// lambda: what is added to the hessian of a leaf.
    pub l2_regularization: f64,
    /// Trees without a smaller loss on the trials for validation, after which no more are grown.
    pub patience: usize,
}

impl Default for BoostedTreesConfig {
    /// LightGBM 4: learning rate 0.1, 31 leaves; XGBoost (Chen & Guestrin 2016): lambda 1; Friedman (2002): half of the sample.
    /// Own choices: 5 members of 400 trees, leaves of 3 trials, since simulators are without noise.
    fn default() -> Self {
        Self {
            n_members: 5,
            n_estimators: 400,
            learning_rate: 0.1,
            max_leaf_nodes: 31,
            min_samples_leaf: 3,
            subsample: 0.5,
            l2_regularization: 1.0,
            patience: 50,
        }
    }
}

/// Grows boosted trees.
pub struct BoostedTrees {
    space: DesignSpace,
    config: BoostedTreesConfig,
}

/// Boosted trees for each metric and for feasibility.
struct Machines {
    space: DesignSpace,
    state: State,
}

/// The part of a fitted model that is saved.
#[derive(Serialize, Deserialize)]
struct State {
    scales: TargetScales,
    /// Between the bins of products.
    product_edges: Edges,
    /// Between the bins of a context.
    context_edges: Edges,
    /// The members for each metric, shape `[k][members]`.
    metrics: Vec<Vec<Boosted>>,
    /// The members for feasibility; none if no trial was infeasible.
    feasibility: Vec<Boosted>,
    /// What is said of feasibility if there are none.
    feasible_share: f64,
}

/// Halfway between the values that each of several numbers takes, shape `[c][..]`; between evenly many of them if they are too many.
#[derive(Serialize, Deserialize)]
struct Edges(Vec<Vec<f64>>);

impl Edges {
    /// `values`: those of each number, shape `[c][..]`.
    fn new(values: impl Iterator<Item = Vec<f64>>) -> Self {
        let edges = |mut values: Vec<f64>| -> Vec<f64> {
            values.sort_unstable_by(f64::total_cmp);
            values.dedup();
            let n = values.len().saturating_sub(1);
            let kept = n.min(MOST_BINS - 1);
            let pairs = (0..kept).map(|edge| edge * n / kept);
            pairs.map(|pair| 0.5 * (values[pair] + values[pair + 1])).collect()
        };
        Self(values.map(edges).collect())
    }

    /// Those between the values of a context.
    fn of_context(groups: &[WorkloadTrials], n_context: usize) -> Self {
        let values = |index| groups.iter().map(|group| group.workload.context[index]).collect();
        Self::new((0..n_context).map(values))
    }

    /// Those between the products of designs.
    fn of_products(space: &DesignSpace, groups: &[WorkloadTrials]) -> Self {
        let trials = || groups.iter().flat_map(|group| &group.trials);
        Self::new(space.products().iter().map(|it| trials().map(|trial| it.ln(&trial.design)).collect()))
    }

    /// How many edges each number is above, shape `[c]`.
    fn bins<'a>(&'a self, numbers: impl Iterator<Item = f64> + 'a) -> impl Iterator<Item = u8> + 'a {
        numbers.zip(&self.0).map(|(value, edges)| edges.partition_point(|&edge| edge < value) as u8)
    }

    /// How many bins each number has, shape `[c]`.
    fn n_bins(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|edges| edges.len() + 1)
    }
}

/// What becomes of a design and a context to be split by trees.
#[derive(Clone, Copy)]
struct Binning<'a> {
    space: &'a DesignSpace,
    products: &'a Edges,
    context: &'a Edges,
}

impl Binning<'_> {
    /// The bin of each parameter's level, then of each product, then of each number of the context; shape `[d]`.
    fn bins(self, context: &[f64], design: &Design) -> Vec<u8> {
        let of_level =
            |(n_levels, &level): (usize, &u32)| (level as usize * n_levels.min(MOST_BINS) / n_levels) as u8;
        let n_levels = self.space.parameters().iter().map(|parameter| parameter.n_levels() as usize);
        let products = self.space.products().iter().map(|product| product.ln(design));
        let of_levels = n_levels.zip(design.levels()).map(of_level);
        let others = self.products.bins(products).chain(self.context.bins(context.iter().copied()));
        of_levels.chain(others).collect()
    }
}

/// Trials as points, and what is to be learned of each.
struct Labelled {
    points: Binned,
    /// Shape `[k][n]`, or `[1][n]` of ones and zeros for feasibility.
    targets: Vec<Vec<f64>>,
}

impl Labelled {
    /// `label`: what is to be learned of a trial, if anything.
    fn new(
        binning: Binning<'_>,
        groups: &[WorkloadTrials],
        n_targets: usize,
        label: impl Fn(Option<&[f64]>) -> Option<Vec<f64>>,
    ) -> Self {
        let parameters = binning.space.parameters().iter();
        let mut kinds: Vec<CoordinateKind> = parameters
            .clone()
            .map(|parameter| {
                if parameter.is_categorical() { CoordinateKind::Categorical } else { CoordinateKind::Ordered }
            })
            .collect();
        let mut n_bins: Vec<usize> =
            parameters.map(|parameter| (parameter.n_levels() as usize).min(MOST_BINS)).collect();
        n_bins.extend(binning.products.n_bins().chain(binning.context.n_bins()));
        kinds.resize(n_bins.len(), CoordinateKind::Ordered);
        let mut columns = vec![Vec::new(); kinds.len()];
        let mut targets = vec![Vec::new(); n_targets];
        for group in groups {
            for trial in &group.trials {
                let Some(label) = label(trial.outcome.metrics()) else { continue };
                let bins = binning.bins(&group.workload.context, &trial.design);
                columns.iter_mut().zip(bins).for_each(|(column, bin)| column.push(bin));
                targets.iter_mut().zip(label).for_each(|(targets, target)| targets.push(target));
            }
        }
        Self { points: Binned { kinds, n_bins, columns }, targets }
    }

    /// None if there is no point.
    fn of(&self, target: usize) -> Option<(&Binned, &[f64])> {
        let targets = &self.targets[target];
        (!targets.is_empty()).then_some((&self.points, targets))
    }
}

impl BuildLearner for BoostedTrees {
    const ID: &'static str = "boosted-trees";
    const SUMMARY: &'static str = "Gradient-boosted trees on the levels of designs; the fastest to fit";
    const DESCRIPTION: &'static str = include_str!("boosted_trees.md");
    const SCHEMA: u32 = 2;
    type Config = BoostedTreesConfig;

    fn build(problem: &Problem, config: BoostedTreesConfig) -> Result<Self, ConfigError> {
        check("n_members", config.n_members, 1..=1_000)?;
        check("n_estimators", config.n_estimators, 1..=100_000)?;
        check("learning_rate", config.learning_rate, (Excluded(0.0), Included(1.0)))?;
        check("max_leaf_nodes", config.max_leaf_nodes, 2..=1 << 16)?;
        check("min_samples_leaf", config.min_samples_leaf, 1..)?;
        check("subsample", config.subsample, (Excluded(0.0), Included(1.0)))?;
        check("l2_regularization", config.l2_regularization, 0.0..)?;
        check("patience", config.patience, 1..)?;
        Ok(Self { space: problem.space().clone(), config })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state = saved.state::<State>()?;
        let n_coordinates = space.n_parameters() + state.product_edges.0.len() + state.context_edges.0.len();
        let mut machines = state.metrics.iter().flatten().chain(&state.feasibility);
        let is_whole = state.product_edges.0.len() == space.products().len()
            && state.metrics.len() == state.scales.n_metrics()
            && state.metrics.iter().all(|members| !members.is_empty())
            && machines.all(|machine| machine.fits(n_coordinates));
        if !is_whole {
            let message = format!("its trees are not of {n_coordinates} coordinates");
            return Err(LoadError::Corrupt { message });
        }
        Ok(Box::new(Machines { space: space.clone(), state }))
    }
}

impl Learner for BoostedTrees {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let scales = TargetScales::new(data)?;
        let n_metrics = scales.n_metrics();
        let context_edges = Edges::of_context(data.train(), data.context_names().len());
        let product_edges = Edges::of_products(&self.space, data.train());
        let binning = Binning { space: &self.space, products: &product_edges, context: &context_edges };
        let measured =
            |groups| Labelled::new(binning, groups, n_metrics, |metrics| Some(scales.targets(metrics?)));
        let judged = |groups| {
            let label = |metrics: Option<&[f64]>| Some(vec![f64::from(u8::from(metrics.is_some()))]);
            Labelled::new(binning, groups, 1, label)
        };
        let of_metrics = (measured(data.train()), measured(data.validation()));
        let of_feasibility = (judged(data.train()), judged(data.validation()));
        let (n_trials, n_feasible) = data.n_trials();
        let n_targets = n_metrics + usize::from(n_feasible < n_trials);
        let members = self.config.n_members;
        let jobs: Vec<(usize, usize)> =
            (0..n_targets).flat_map(|target| (0..members).map(move |member| (target, member))).collect();
        let fit = |&(target, member): &(usize, usize)| {
            let seed = seed.child("target", target as u64).child("member", member as u64);
            let ((train, validation), target, loss) = if target < n_metrics {
                (&of_metrics, target, Loss::Squared)
            } else {
                (&of_feasibility, 0, Loss::Logistic)
            };
            let points = train.of(target).expect("there are feasible trials, or there would be no scales");
            Boosted::fit(self.growth(), loss, points, validation.of(target), seed)
        };
        let fitted: Vec<Boosted> = jobs.par_iter().map(fit).collect();
        let mut metrics: Vec<Vec<Boosted>> = fitted.chunks(members).map(<[Boosted]>::to_vec).collect();
        let feasibility = if n_targets > n_metrics { metrics.pop().unwrap_or_default() } else { Vec::new() };
        let feasible_share = feasible_share(data.train());
        let state = State { scales, product_edges, context_edges, metrics, feasibility, feasible_share };
        Ok(Box::new(Machines { space: self.space.clone(), state }))
    }
}

impl BoostedTrees {
    fn growth(&self) -> BoostingGrowth {
        let config = &self.config;
        BoostingGrowth {
            n_estimators: config.n_estimators,
            learning_rate: config.learning_rate,
            max_leaf_nodes: config.max_leaf_nodes,
            min_samples_leaf: config.min_samples_leaf,
            subsample: config.subsample,
            l2_regularization: config.l2_regularization,
            patience: config.patience,
        }
    }
}

impl Surrogate for Machines {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let State { scales, product_edges, context_edges, metrics, feasibility, feasible_share } =
            &self.state;
        assert_context(context, context_edges.0.len());
        let binning = Binning { space: &self.space, products: product_edges, context: context_edges };
        let of_block = |designs: &[Design]| {
            let points: Vec<Vec<u8>> = designs.iter().map(|design| binning.bins(context, design)).collect();
            // Shape [members][n].
            let outputs = |members: &[Boosted]| {
                members.iter().map(|member| member.predict_all(&points)).collect::<Vec<Vec<f64>>>()
            };
            let over_members = |outputs: &[Vec<f64>], index: usize| -> (f64, f64) {
                mean_and_spread(&outputs.iter().map(|of_member| of_member[index]).collect::<Vec<f64>>())
            };
            let metrics: Vec<Vec<Vec<f64>>> = metrics.iter().map(|members| outputs(members)).collect();
            let mut probabilities = outputs(feasibility);
            for log_odds in probabilities.iter_mut().flatten() {
                *log_odds = 1.0 / (1.0 + (-*log_odds).exp());
            }
            let predicted = |index: usize| {
                let expected = metrics.iter().map(|outputs| over_members(outputs, index)).collect::<Vec<_>>();
                let p_feasible = if probabilities.is_empty() {
                    *feasible_share
                } else {
                    over_members(&probabilities, index).0
                };
                (expected, p_feasible)
            };
            (0..points.len()).map(predicted).collect::<Vec<_>>()
        };
        let (expected, p_feasible): (Vec<_>, Vec<f64>) =
            designs.par_chunks(BLOCK).flat_map_iter(of_block).unzip();
        scales.prediction(&expected, p_feasible)
    }

    fn save(&self) -> Saved {
        Saved::new(BoostedTrees::ID, BoostedTrees::SCHEMA, &self.state)
    }
}
