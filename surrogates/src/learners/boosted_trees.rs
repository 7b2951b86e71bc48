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
    context_edges: ContextEdges,
    /// The members for each metric, shape `[k][members]`.
    metrics: Vec<Vec<Boosted>>,
    /// The members for feasibility; none if no trial was infeasible.
    feasibility: Vec<Boosted>,
    /// What is said of feasibility if there are none.
    feasible_share: f64,
}

/// Halfway between the values that each number of a context takes, shape `[c][..]`.
#[derive(Serialize, Deserialize)]
struct ContextEdges(Vec<Vec<f64>>);

impl ContextEdges {
    fn new(groups: &[WorkloadTrials], n_context: usize) -> Self {
        let edges = |index: usize| {
            let mut values: Vec<f64> = groups.iter().map(|group| group.workload.context[index]).collect();
            values.sort_unstable_by(f64::total_cmp);
            values.dedup();
            values.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).take(MOST_BINS - 1).collect()
        };
        Self((0..n_context).map(edges).collect())
    }

    /// How many edges each number is above, shape `[c]`.
    fn bins<'a>(&'a self, context: &'a [f64]) -> impl Iterator<Item = u8> + 'a {
        context.iter().zip(&self.0).map(|(value, edges)| edges.partition_point(|edge| edge < value) as u8)
    }
}

/// The bin of each parameter's level, then of each number of the context; shape `[d]`.
fn bins(space: &DesignSpace, edges: &ContextEdges, context: &[f64], design: &Design) -> Vec<u8> {
    let of_level =
        |(n_levels, &level): (usize, &u32)| (level as usize * n_levels.min(MOST_BINS) / n_levels) as u8;
    let n_levels = space.parameters().iter().map(|parameter| parameter.n_levels() as usize);
    n_levels.zip(design.levels()).map(of_level).chain(edges.bins(context)).collect()
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
        space: &DesignSpace,
        edges: &ContextEdges,
        groups: &[WorkloadTrials],
        n_targets: usize,
        label: impl Fn(Option<&[f64]>) -> Option<Vec<f64>>,
    ) -> Self {
        let parameters = space.parameters().iter();
        let mut kinds: Vec<CoordinateKind> = parameters
            .clone()
            .map(|parameter| {
                if parameter.is_categorical() { CoordinateKind::Categorical } else { CoordinateKind::Ordered }
            })
            .collect();
        let mut n_bins: Vec<usize> =
            parameters.map(|parameter| (parameter.n_levels() as usize).min(MOST_BINS)).collect();
        kinds.resize(kinds.len() + edges.0.len(), CoordinateKind::Ordered);
        n_bins.extend(edges.0.iter().map(|edges| edges.len() + 1));
        let mut columns = vec![Vec::new(); kinds.len()];
        let mut targets = vec![Vec::new(); n_targets];
        for group in groups {
            for trial in &group.trials {
                let Some(label) = label(trial.outcome.metrics()) else { continue };
                let bins = bins(space, edges, &group.workload.context, &trial.design);
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
    const SCHEMA: u32 = 1;
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
        let n_coordinates = space.n_parameters() + state.context_edges.0.len();
        let mut machines = state.metrics.iter().flatten().chain(&state.feasibility);
        let is_whole = state.metrics.len() == state.scales.n_metrics()
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
        let context_edges = ContextEdges::new(data.train(), data.context_names().len());
        let measured = |groups| {
            Labelled::new(&self.space, &context_edges, groups, n_metrics, |metrics| {
                Some(scales.targets(metrics?))
            })
        };
        let judged = |groups| {
            let label = |metrics: Option<&[f64]>| Some(vec![f64::from(u8::from(metrics.is_some()))]);
            Labelled::new(&self.space, &context_edges, groups, 1, label)
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
        let state = State { scales, context_edges, metrics, feasibility, feasible_share };
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
        let State { scales, context_edges, metrics, feasibility, feasible_share } = &self.state;
        assert_context(context, context_edges.0.len());
        let of_block = |designs: &[Design]| {
            let points: Vec<Vec<u8>> =
                designs.iter().map(|design| bins(&self.space, context_edges, context, design)).collect();
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
