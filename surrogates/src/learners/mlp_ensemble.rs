//! The learner `mlp-ensemble`: small networks for the metrics, and small networks for feasibility.
//!
//! Sources: Lakshminarayanan, Pritzel & Blundell (2017), "Simple and scalable predictive uncertainty estimation using deep ensembles",
//! arXiv:1612.01474, for members that differ in their first weights and in the order of their batches, and for 5 of them;
//! Loshchilov & Hutter (2017), "SGDR", arXiv:1608.03983, eq. 5, for the learning rate.
//! Departs from them: simulators are without noise, so a member predicts no variance of its own, and the spread is that
//! between members.

use std::ops::Bound::{Excluded, Included};

use rand::RngExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Prediction, Problem, Saved,
    Seed, Stream, Surrogate, TrainingData, WorkloadTrials,
};

use crate::features::{FeatureScale, Features, Inputs};
use crate::models::network::losses::{cross_entropy, logistic, squared_error};
use crate::models::network::{Activation, ForwardPass, Mlp};
use crate::offline::{Decay, Schedule, batch_of, train};
use crate::targets::{TargetScales, feasible_share, mean_and_spread};

/// How often a member is looked at with the trials for validation. Own choice: often enough to find where it was best.
const LOOKS: usize = 20;

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpEnsembleConfig {
    /// How many networks are averaged.
    pub n_members: usize,
    /// What the columns of a design are.
    pub inputs: Inputs,
    /// Widths of the hidden layers.
    pub hidden_layer_sizes: Vec<usize>,
    /// Adam's alpha at the beginning; it falls to 0 along half a cosine.
    pub learning_rate: f32,
    /// Trials in a batch, at most.
    pub batch_size: usize,
    /// Steps of each network.
    pub max_steps: usize,
    /// At most so many passes over the trials.
    pub max_epochs: usize,
}

impl Default for MlpEnsembleConfig {
    /// Lakshminarayanan et al. (2017): 5 members; Kingma & Ba (2015): alpha 0.001; PRIME's public code: batches of 256, layers of 256.
    /// Own choices: both kinds of columns, 40 passes, and steps for as many over 50,000 designs, which takes minutes.
    fn default() -> Self {
        Self {
            n_members: 5,
            inputs: Inputs::Both,
            hidden_layer_sizes: vec![256, 256],
            learning_rate: 1e-3,
            batch_size: 256,
            max_steps: 8_000,
            max_epochs: 40,
        }
    }
}

/// Trains networks.
pub struct MlpEnsemble {
    space: DesignSpace,
    config: MlpEnsembleConfig,
}

/// Networks that were trained.
struct Networks {
    features: Features,
    state: State,
}

/// The part of a fitted model that is saved.
#[derive(Serialize, Deserialize)]
struct State {
    scales: TargetScales,
    features: FeatureScale,
    /// Each with an output for each metric.
    metrics: Vec<Mlp>,
    /// Each with one output, the log-odds; none if no trial was infeasible.
    feasibility: Vec<Mlp>,
    /// What is said of feasibility if there are none.
    feasible_share: f64,
}

/// A loss with its gradient by the outputs.
type Loss = fn(&[f32], &[f32]) -> (f64, Vec<f32>);

/// Rows and what a network is to say of them.
struct Examples {
    /// Shape `[n][d]`.
    rows: Vec<f32>,
    /// Shape `[n][outputs]`.
    targets: Vec<f32>,
    n_outputs: usize,
}

impl Examples {
    /// `label`: what a network is to say of a trial, if anything; shape `[outputs]`.
    fn new(
        features: &Features,
        groups: &[WorkloadTrials],
        n_outputs: usize,
        label: impl Fn(Option<&[f64]>) -> Option<Vec<f64>>,
    ) -> Self {
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for group in groups {
            let labelled = group
                .trials
                .iter()
                .filter_map(|trial| Some((&trial.design, label(trial.outcome.metrics())?)));
            let (designs, labels): (Vec<&Design>, Vec<Vec<f64>>) = labelled.unzip();
            rows.extend(features.rows(&group.workload.context, designs));
            targets.extend(labels.iter().flatten().map(|&target| target as f32));
        }
        Self { rows, targets, n_outputs }
    }

    /// How many examples there are, `n`.
    fn len(&self) -> usize {
        self.targets.len() / self.n_outputs
    }
}

impl BuildLearner for MlpEnsemble {
    const ID: &'static str = "mlp-ensemble";
    const SUMMARY: &'static str = "Small neural networks side by side; where they disagree, little is known";
    const DESCRIPTION: &'static str = include_str!("mlp_ensemble.md");
    const SCHEMA: u32 = 2;
    type Config = MlpEnsembleConfig;

    fn build(problem: &Problem, config: MlpEnsembleConfig) -> Result<Self, ConfigError> {
        check("n_members", config.n_members, 1..=1_000)?;
        check("hidden_layer_sizes", config.hidden_layer_sizes.len(), 0..=16)?;
        config
            .hidden_layer_sizes
            .iter()
            .try_for_each(|&width| check("hidden_layer_sizes", width, 1..=8_192))?;
        check("learning_rate", config.learning_rate, (Excluded(0.0), Included(1.0)))?;
        check("batch_size", config.batch_size, 1..=1 << 20)?;
        check("max_steps", config.max_steps, 1..=10_000_000)?;
        check("max_epochs", config.max_epochs, 1..)?;
        Ok(Self { space: problem.space().clone(), config })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        let state = saved.state::<State>()?;
        let corrupt = || LoadError::Corrupt { message: "its networks do not fit the space".to_owned() };
        let features = Features::of_scale(space, state.features.clone()).ok_or_else(corrupt)?;
        let fits = |network: &Mlp, n_outputs| {
            network.n_inputs() == features.width() && network.n_outputs() == n_outputs
        };
        let n_metrics = state.scales.n_metrics();
        let is_whole = !state.metrics.is_empty()
            && state.metrics.iter().all(|network| fits(network, n_metrics))
            && state.feasibility.iter().all(|network| fits(network, 1));
        if is_whole { Ok(Box::new(Networks { features, state })) } else { Err(corrupt()) }
    }
}

impl Learner for MlpEnsemble {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let scales = TargetScales::new(data)?;
        let features = Features::new(&self.space, self.config.inputs, data.train());
        let measured = |groups| {
            Examples::new(&features, groups, scales.n_metrics(), |metrics| Some(scales.targets(metrics?)))
        };
        let judged = |groups| {
            Examples::new(&features, groups, 1, |metrics| Some(vec![f64::from(u8::from(metrics.is_some()))]))
        };
        let (n_trials, n_feasible) = data.n_trials();
        let n_kinds = if n_feasible < n_trials { 2 } else { 1 };
        let of_metrics = (measured(data.train()), measured(data.validation()));
        let of_feasibility = (judged(data.train()), judged(data.validation()));
        let jobs: Vec<(usize, usize)> = (0..n_kinds)
            .flat_map(|kind| (0..self.config.n_members).map(move |member| (kind, member)))
            .collect();
        let train = |&(kind, member): &(usize, usize)| {
            let seed = seed.child(["metrics", "feasibility"][kind], member as u64);
            let ((examples, validation), loss): (_, Loss) =
                if kind == 0 { (&of_metrics, squared_error) } else { (&of_feasibility, cross_entropy) };
            self.train(examples, validation, loss, seed)
        };
        let mut metrics: Vec<Mlp> = jobs.par_iter().map(train).collect();
        let feasibility = metrics.split_off(self.config.n_members);
        let (feasible_share, scale) = (feasible_share(data.train()), features.scale().clone());
        let state = State { scales, features: scale, metrics, feasibility, feasible_share };
        Ok(Box::new(Networks { features, state }))
    }
}

impl MlpEnsemble {
    /// One network, as it was when its loss on `validation` was least.
    fn train(&self, examples: &Examples, validation: &Examples, loss: Loss, seed: Seed) -> Mlp {
        let MlpEnsembleConfig { hidden_layer_sizes, learning_rate, max_steps, max_epochs, .. } = &self.config;
        let (n, n_outputs) = (examples.len(), examples.n_outputs);
        let width = examples.rows.len() / n;
        let batch = batch_of(self.config.batch_size, n);
        let mut rng = seed.stream("network");
        let widths = [&[width], hidden_layer_sizes.as_slice(), &[n_outputs]].concat();
        let mut network = Mlp::new(&widths, Activation::Relu, &mut rng);
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        let mut trace = ForwardPass::default();
        let step = |network: &Mlp, gradient: &mut [f32], rng: &mut Stream| {
            rows.clear();
            targets.clear();
            for _ in 0..batch {
                let index = rng.random_range(0..n);
                rows.extend_from_slice(&examples.rows[index * width..][..width]);
                targets.extend_from_slice(&examples.targets[index * n_outputs..][..n_outputs]);
            }
            let (_, by_outputs) = loss(&network.forward(&rows, &mut trace), &targets);
            network.backward(&trace, &by_outputs, gradient);
        };
        let score = |network: &Mlp| {
            let is_there = validation.len() > 0;
            is_there.then(|| -loss(&network.predict(&validation.rows), &validation.targets).0)
        };
        let schedule = Schedule {
            max_steps: *max_steps,
            learning_rate: *learning_rate,
            decay: Decay::Cosine,
            check_every: 1,
            patience: LOOKS,
        };
        // How many steps there are is known only now.
        let schedule = schedule.within_epochs(*max_epochs, n, batch);
        let schedule = Schedule { check_every: schedule.max_steps.div_ceil(LOOKS), ..schedule };
        train(&mut network, schedule, &mut rng, step, score);
        network
    }
}

impl Surrogate for Networks {
    fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
        let State { scales, metrics, feasibility, feasible_share, .. } = &self.state;
        let rows = self.features.rows(context, designs);
        let outputs = |networks: &[Mlp]| -> Vec<Vec<f32>> {
            networks.par_iter().map(|network| network.predict(&rows)).collect()
        };
        let of = |outputs: &[Vec<f32>], index: usize, map: fn(f32) -> f32| {
            let members: Vec<f64> = outputs.iter().map(|outputs| f64::from(map(outputs[index]))).collect();
            mean_and_spread(&members)
        };
        let (targets, log_odds) = (outputs(metrics), outputs(feasibility));
        let n_metrics = scales.n_metrics();
        let expected: Vec<Vec<(f64, f64)>> = (0..designs.len())
            .map(|row| (0..n_metrics).map(|metric| of(&targets, row * n_metrics + metric, |y| y)).collect())
            .collect();
        let p_feasible = |row: usize| {
            if log_odds.is_empty() { *feasible_share } else { of(&log_odds, row, logistic).0 }
        };
        scales.prediction(&expected, (0..designs.len()).map(p_feasible).collect())
    }

    fn save(&self) -> Saved {
        Saved::new(MlpEnsemble::ID, MlpEnsemble::SCHEMA, &self.state)
    }
}
