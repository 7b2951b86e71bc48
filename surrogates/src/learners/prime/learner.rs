//! One step of PRIME's training, and the learner.

use std::marker::PhantomData;

use rand::RngExt;
use tapeout_core::{
    BuildLearner, ConfigError, Design, DesignSpace, FitError, Learner, LoadError, Problem, Saved, Seed,
    Stream, Surrogate, TrainingData,
};

use super::config::{Negatives, Preset, PrimeConfig, Units};
use super::loss::{conservatism, feasibility, infeasibility, regression};
use crate::features::Standard;
use crate::firefly::{self, Swarm};
use crate::models::network::{ForwardPass, Mlp};
use crate::offline::{Examples, Feasibility, Labelled, NetworkModel, OutputGradient, WorkloadRows, descend};
use crate::targets::{TargetScale, TargetScales, feasible_share};

/// Trains conservative networks.
pub struct Prime<P: Preset> {
    problem: Problem,
    config: PrimeConfig<P>,
    preset: PhantomData<P>,
}

/// The version of what is saved.
const SCHEMA: u32 = 2;

impl<P: Preset> BuildLearner for Prime<P> {
    const ID: &'static str = P::ID;
    const SUMMARY: &'static str = P::SUMMARY;
    const DESCRIPTION: &'static str = P::DESCRIPTION;
    const SCHEMA: u32 = SCHEMA;
    type Config = PrimeConfig<P>;

    fn build(problem: &Problem, config: PrimeConfig<P>) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { problem: problem.clone(), config, preset: PhantomData })
    }

    fn load(space: &DesignSpace, saved: &Saved) -> Result<Box<dyn Surrogate>, LoadError> {
        NetworkModel::load(space, saved)
    }
}

impl<P: Preset> Learner for Prime<P> {
    fn fit(&self, data: &TrainingData, seed: Seed) -> Result<Box<dyn Surrogate>, FitError> {
        let config = &self.config;
        let labelled =
            if config.unacceptable_is_infeasible { Labelled::Acceptable } else { Labelled::Measured };
        let examples = Examples::new(&self.problem, data, self.scales(data)?, config.inputs, labelled)?;
        let n_outputs = examples.n_metrics() + usize::from(config.feasibility_head);
        let (training, mut rng) = (&config.training, seed.stream("prime"));
        let mut network = training.network(&examples, n_outputs, &mut rng);
        let mut step = Step::new(&self.problem, config, &examples, &mut rng);
        training.run(&mut network, &examples, &mut rng, |network, gradient, rng| {
            step.add_gradient(network, gradient, rng);
        });
        let feasibility = if config.feasibility_head {
            Feasibility::Head
        } else {
            Feasibility::Share(feasible_share(data.train()))
        };
        Ok(Box::new(NetworkModel::new((P::ID, SCHEMA), examples, network, feasibility)))
    }
}

impl<P: Preset> Prime<P> {
    fn scales(&self, data: &TrainingData) -> Result<TargetScales, FitError> {
        let mut scales = TargetScales::new(data)?;
        if self.config.units == Units::Milli {
            for objective in self.problem.objectives() {
                let metrics = self.problem.metrics().iter();
                let pairs = metrics.zip(&mut scales.0);
                for (_, scale) in pairs.filter(|(metric, _)| metric.name == objective.metric) {
                    *scale =
                        TargetScale { is_logarithmic: false, standard: Standard { mean: 0.0, std: 1e-3 } };
                }
            }
        }
        Ok(scales)
    }
}

/// What a step of training needs, and what it keeps for the next.
struct Step<'a, P: Preset> {
    config: &'a PrimeConfig<P>,
    examples: &'a Examples,
    /// A pool for each workload.
    swarms: Vec<Swarm>,
    trace: ForwardPass,
}

/// The rows of one step: first the labelled ones, then the infeasible ones, then the negatives.
struct Batch {
    rows: Vec<f32>,
    /// Shape `[n_labelled][k]`.
    targets: Vec<f32>,
    n_labelled: usize,
    n_infeasible: usize,
}

impl<'a, P: Preset> Step<'a, P> {
    fn new(problem: &Problem, config: &'a PrimeConfig<P>, examples: &'a Examples, rng: &mut Stream) -> Self {
        let n_swarms = if config.negatives == Negatives::Firefly { examples.groups.len() } else { 0 };
        let swarm = |rng: &mut Stream| Swarm::new(problem.space(), firefly::FireflyConfig::default(), rng);
        let swarms = (0..n_swarms).map(|_| swarm(rng)).collect();
        Self { config, examples, swarms, trace: ForwardPass::default() }
    }

    /// Adds the gradient of the loss over one batch of one workload: L_k of the paper, and so in the mean over steps the mean
    /// over workloads.
    fn add_gradient(&mut self, network: &Mlp, gradient: &mut [f32], rng: &mut Stream) {
        let group = rng.random_range(0..self.examples.groups.len());
        let batch = self.batch(group, network, rng);
        let outputs = network.forward(&batch.rows, &mut self.trace);
        let least = &self.examples.groups[group].least;
        let by_outputs = self.by_outputs(&batch, &outputs, least);
        network.backward(&self.trace, &by_outputs, gradient);
    }

    fn batch(&mut self, group: usize, network: &Mlp, rng: &mut Stream) -> Batch {
        let (config, rows_of) = (self.config, &self.examples.groups[group]);
        let (d, k) = (self.examples.width(), self.examples.n_metrics());
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        let n_labelled =
            rows_of.draw_labelled(config.training.batch_size, (d, k), (&mut rows, &mut targets), rng);
        let is_infeasible_used = config.beta > 0.0 || config.feasibility_head;
        let n_infeasible = if is_infeasible_used {
            rows_of.draw_infeasible(config.training.batch_size, d, &mut rows, rng)
        } else {
            0
        };
        let negatives = match config.negatives {
            Negatives::None => Vec::new(),
            Negatives::Firefly => self.mined(group, network, rng),
            Negatives::Gradient => self.descended(group, network, rng),
        };
        rows.extend_from_slice(&negatives);
        Batch { rows, targets, n_labelled, n_infeasible }
    }

    /// Negatives from the workload's fireflies, which minimise a random mixture of the objectives; with a feasibility head
    /// they minimise the mixture less ln p(feasible), since what looks infeasible is not what the optimizer likes.
    fn mined(&mut self, group: usize, network: &Mlp, rng: &mut Stream) -> Vec<f32> {
        let (examples, config) = (self.examples, self.config);
        let WorkloadRows { context, known, .. } = &examples.groups[group];
        let mixture = examples.mixture(rng);
        let cost = |designs: &[Design]| -> Vec<f32> {
            let outputs = network.predict(&examples.features.rows(context, designs));
            let cost = |row: &[f32]| -> f32 {
                let mixed: f32 = row.iter().zip(&mixture).map(|(f, weight)| f * weight).sum();
                let surprise = row.get(mixture.len()).map_or(0.0, |&logit| feasibility(&[logit], 1).value);
                mixed + surprise
            };
            outputs.chunks_exact(network.n_outputs()).map(cost).collect()
        };
        let swarm = &mut self.swarms[group];
        let mut negatives: Vec<Design> =
            (0..config.firefly_moves).flat_map(|_| swarm.fly(cost, rng)).collect();
        if config.skip_known {
            negatives.retain(|design| !known.contains(design));
        }
        examples.features.rows(context, &negatives)
    }

    /// Negatives down the gradient of a random mixture of the objectives, from labelled designs.
    fn descended(&self, group: usize, network: &Mlp, rng: &mut Stream) -> Vec<f32> {
        let (examples, config) = (self.examples, self.config);
        let (d, k) = (examples.width(), examples.n_metrics());
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        examples.groups[group].draw_labelled(
            config.training.batch_size,
            (d, k),
            (&mut rows, &mut targets),
            rng,
        );
        let mut weights = examples.mixture(rng);
        weights.resize(network.n_outputs(), 0.0);
        let steps = (config.gradient_steps, config.gradient_step);
        descend(network, rows, &weights, steps, examples.features.context_width())
    }

    /// The gradient of the loss by the outputs, shape `[n][outputs]`. `least`: the least costs in the data, shape `[k]`.
    fn by_outputs(&self, batch: &Batch, outputs: &[f32], least: &[f32]) -> Vec<f32> {
        let (config, k) = (self.config, self.examples.n_metrics());
        let width = k + usize::from(config.feasibility_head);
        let labelled = 0..batch.n_labelled;
        let infeasible = labelled.end..labelled.end + batch.n_infeasible;
        let negatives = infeasible.end..outputs.len() / width;
        let mut gradient = OutputGradient::new(outputs, width);
        for (metric, (least, &sign)) in least.iter().zip(&self.examples.signs).enumerate() {
            let f = gradient.column(labelled.clone(), metric, 1.0);
            let y: Vec<f32> = batch.targets.iter().skip(metric).step_by(k).copied().collect();
            gradient.add(&regression(&f, &y).gradient, 0, metric, 1.0);
            if sign == 0.0 {
                continue;
            }
            let ceiling = config.hinge.then_some(least + config.margin);
            let f = gradient.column(infeasible.clone(), metric, sign);
            let pushed = infeasibility(&f, config.beta, ceiling);
            gradient.add(&pushed.gradient, infeasible.start, metric, sign);
            let f = gradient.column(negatives.clone(), metric, sign);
            let pushed = conservatism(&f, config.alpha, ceiling);
            gradient.add(&pushed.gradient, negatives.start, metric, sign);
        }
        if config.feasibility_head {
            let logits = gradient.column(0..infeasible.end, k, 1.0);
            gradient.add(&feasibility(&logits, labelled.end).gradient, 0, k, 1.0);
        }
        gradient.finish()
    }
}
