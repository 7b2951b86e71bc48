//! Ranking in place of regression: a network learns the order of designs in lists, from the best down.
//!
//! Source: Tan, Xue, Lyu, Shang, Wang, Wang, Fu & Qian (2025), "Offline model-based optimization by learning to rank", ICLR,
//! arXiv:2410.11502 (RaM: lists, then outputs brought to mean 0 and standard deviation 1); ListNet's loss is from Cao, Qin, Liu, Tsai & Li
//! (2007), "Learning to rank: from pairwise approach to listwise approach", doi:10.1145/1273496.1273513, eq. 4 and definition 7.
//! Departs from it: lists are of one workload each; metrics that are no objective are learned by regression, and
//! feasibility by a head; outputs are brought to the scale of the targets, so that predictions have units.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{
    BuildLearner, ConfigError, DesignSpace, FitError, Learner, LoadError, Problem, Saved, Seed, Stream,
    Surrogate, TrainingData,
};

use super::prime::{Term, feasibility, regression};
use crate::features::{Inputs, Standard};
use crate::models::network::{ForwardPass, Mlp};
use crate::offline::{Examples, Feasibility, Labelled, NetworkModel, OutputGradient};
use crate::targets::TargetScales;
use crate::{TrainingConfig, TrainingDefaults};

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RamListNetConfig {
    /// The size of the network, and how it is trained: a list a step, whose length is the `batch_size`.
    pub training: TrainingConfig<Self>,
}

impl Default for RamListNetConfig {
    /// The paper: lists of 1000, Adam at 3e-4 (recalled), layers 2048 x 2. Own choices: lists of 256 and layers for two cores.
    fn default() -> Self {
        Self { training: Self::training() }
    }
}

impl TrainingDefaults for RamListNetConfig {
    fn training() -> TrainingConfig<Self> {
        TrainingConfig {
            hidden_layer_sizes: vec![256, 256],
            learning_rate: 3e-4,
            batch_size: 256,
            max_steps: 5_000,
            max_epochs: 100,
            check_every: 250,
            patience: 6,
            learner: PhantomData,
        }
    }
}

/// Trains networks that rank.
pub struct RamListNet {
    problem: Problem,
    config: RamListNetConfig,
}

impl BuildLearner for RamListNet {
    const ID: &'static str = "ram-listnet";
    const SUMMARY: &'static str =
        "Learns the order of designs in lists, not their metrics (RaM with ListNet's loss)";
    const DESCRIPTION: &'static str = include_str!("ram_listnet.md");
    const SCHEMA: u32 = 2;
    type Config = RamListNetConfig;

    fn build(problem: &Problem, config: RamListNetConfig) -> Result<Self, ConfigError> {
        check("training.batch_size", config.training.batch_size, 2..=1 << 16)?;
        config.training.check()?;
        Ok(Self { problem: problem.clone(), config })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        NetworkModel::load(space, saved)
    }
}

impl Learner for RamListNet {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let config = &self.config;
        let mut examples = Examples::new(
            &self.problem,
            data,
            TargetScales::new(data)?,
            Inputs::Numbers,
            Labelled::Measured,
        )?;
        let (training, mut rng) = (&config.training, seed.stream("ram-listnet"));
        let mut network = training.network(&examples, examples.n_metrics() + 1, &mut rng);
        let mut trace = ForwardPass::default();
        training.run(&mut network, &examples, &mut rng, |network, gradient, rng| {
            add_gradient(config, &examples, &mut trace, network, gradient, rng);
        });
        adapt(&mut examples, &network);
        Ok(Box::new(NetworkModel::new((Self::ID, Self::SCHEMA), examples, network, Feasibility::Head)))
    }
}

/// Adds the gradient of the loss of one list.
fn add_gradient(
    config: &RamListNetConfig,
    examples: &Examples,
    trace: &mut ForwardPass,
    network: &Mlp,
    gradient: &mut [f32],
    rng: &mut Stream,
) {
    let (d, k) = (examples.width(), examples.n_metrics());
    let group = examples.draw_workload(rng);
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    let n_labelled = group.draw_labelled(config.training.batch_size, (d, k), (&mut rows, &mut targets), rng);
    let n_infeasible = group.draw_infeasible(config.training.batch_size, d, &mut rows, rng);
    let outputs = network.forward(&rows, trace);
    let mut terms = OutputGradient::new(&outputs, network.n_outputs());
    for metric in 0..k {
        let sign = if examples.signs[metric] == 0.0 { 1.0 } else { examples.signs[metric] };
        let f = terms.column(0..n_labelled, metric, sign);
        let y: Vec<f32> = targets.iter().skip(metric).step_by(k).map(|&target| sign * target).collect();
        let term = if examples.signs[metric] == 0.0 { regression(&f, &y) } else { list_net(&f, &y) };
        terms.add(&term.gradient, 0, metric, sign);
    }
    let logits = terms.column(0..n_labelled + n_infeasible, k, 1.0);
    terms.add(&feasibility(&logits, n_labelled).gradient, 0, k, 1.0);
    network.backward(trace, &terms.finish(), gradient);
}

/// ListNet's loss: the cross-entropy between who is likely to be on top by the costs `y` and by the predicted costs `f`, each
/// with probability softmax of the negated cost.
///
/// `f`, `y`: shape `[n]`.
pub fn list_net(f: &[f32], y: &[f32]) -> Term {
    let (expected, truth) = (top_probabilities(f), top_probabilities(y));
    let surprise = |(&p, &q): (&f32, &f32)| -q * p.max(f32::MIN_POSITIVE).ln();
    Term {
        value: expected.iter().zip(&truth).map(surprise).sum(),
        // d/df of -sum q ln softmax(-f): q - p.
        gradient: expected.iter().zip(&truth).map(|(p, q)| q - p).collect(),
    }
}

fn top_probabilities(costs: &[f32]) -> Vec<f32> {
    let best = costs.iter().copied().fold(f32::INFINITY, f32::min);
    let weights: Vec<f32> = costs.iter().map(|cost| (best - cost).exp()).collect();
    let total: f32 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// Brings the outputs for the objectives to mean 0 and standard deviation 1 over the trials learned from, by changing the
/// scales in which they are read.
fn adapt(examples: &mut Examples, network: &Mlp) {
    let outputs: Vec<Vec<f32>> =
        examples.groups.iter().map(|group| network.predict(&group.labelled)).collect();
    for metric in (0..examples.n_metrics()).filter(|&metric| examples.signs[metric] != 0.0) {
        let width = network.n_outputs();
        let column = outputs.iter().flat_map(|rows| rows.iter().skip(metric).step_by(width));
        let ranked = Standard::of(column.map(|&value| f64::from(value)));
        // standard.invert((output - mean) / std) is mean' + std' * output with:
        let standard = &mut examples.scales.0[metric].standard;
        let std = standard.std / ranked.std;
        *standard = Standard { mean: standard.mean - std * ranked.mean, std };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs 0 and ln 3: the first is on top with probability 3/4. Predicted equal, each is with 1/2: the loss is
    /// -(3/4 + 1/4) ln(1/2) = ln 2, and the first is to go down by 1/4 (slope 3/4 - 1/2), the second up.
    #[test]
    fn list_net_by_hand() {
        let term = list_net(&[5.0, 5.0], &[0.0, 3f32.ln()]);
        assert!((term.value - 2f32.ln()).abs() < 1e-6);
        assert!((term.gradient[0] - 0.25).abs() < 1e-6 && (term.gradient[1] + 0.25).abs() < 1e-6);
    }

    /// Law: the loss sees differences of costs alone, and is least where they are the true ones.
    #[test]
    fn only_differences_count() {
        let y = [0.3, -1.0, 2.0];
        let right = list_net(&y.map(|cost| cost + 7.0), &y);
        assert!(right.gradient.iter().all(|slope| slope.abs() < 1e-6), "{right:?}");
        assert!(list_net(&[0.0, 0.0, 0.0], &y).value > right.value);
    }
}
