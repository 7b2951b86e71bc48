//! Hyperparameters of PRIME, and the two presets.

use std::ops::Bound::{Excluded, Included};

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use tapeout_core::ConfigError;
use tapeout_core::config::check;

use crate::features::Inputs;
use crate::{TrainingConfig, TrainingDefaults};

/// A set of defaults.
pub trait Preset: TrainingDefaults + Send + Sync + 'static {
    /// The learner's name.
    const ID: &'static str;
    /// One line about it.
    const SUMMARY: &'static str;
    /// Its page.
    const DESCRIPTION: &'static str;
    /// The values.
    fn config() -> PrimeConfig<Self>
    where
        Self: Sized;
}

/// The form of the paper.
#[derive(Debug, Clone, Copy, Default)]
pub struct Paper;

/// The form of the paper with all improvements.
#[derive(Debug, Clone, Copy, Default)]
pub struct Improved;

/// In what units the loss sees metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Units {
    /// Standard deviations of the metric, or of its logarithm if it is positive.
    Normalised,
    /// Thousandths of the metric's unit, as the public code's milliseconds; what is no objective is normalised all the same.
    Milli,
}

/// How the designs are found that a model likes too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Negatives {
    /// Not at all.
    None,
    /// By a pool of fireflies that flies over the model while it is trained.
    Firefly,
    /// Down the model's gradient from designs in the data, on the relaxed input.
    Gradient,
}

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, bound = "P: Preset")]
pub struct PrimeConfig<P: Preset> {
    /// Weight of the term of negatives.
    pub alpha: f32,
    /// Weight of the term of infeasible designs; 0 leaves them out.
    pub beta: f32,
    /// How negatives are found.
    pub negatives: Negatives,
    /// Moves of every firefly at each step.
    pub firefly_moves: usize,
    /// Steps down the gradient.
    pub gradient_steps: usize,
    /// The size of these, in standard deviations of a column.
    pub gradient_step: f32,
    /// What the columns of a design are.
    pub inputs: Inputs,
    /// In what units the loss sees metrics.
    pub units: Units,
    /// Whether the two conservative terms push no further than `margin` says.
    pub hinge: bool,
    /// Where a hinge ends: that many units of the loss above the least cost in the workload's data, or below if negative.
    pub margin: f32,
    /// Whether negatives that are in the data are left out.
    pub skip_known: bool,
    /// Whether an output of its own learns which designs are feasible.
    pub feasibility_head: bool,
    /// Whether designs that were measured but break a constraint count as infeasible, as in the paper, or are learned from.
    pub unacceptable_is_infeasible: bool,
    /// The size of the network, and how it is trained; `batch_size` designs of each kind make a step.
    pub training: TrainingConfig<P>,
    #[serde(skip)]
    preset: PhantomData<P>,
}

impl<P: Preset> PrimeConfig<P> {
    /// Holds each hyperparameter to its range.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that is outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        check("alpha", self.alpha, 0.0..=1e6)?;
        check("beta", self.beta, 0.0..=1e6)?;
        check("firefly_moves", self.firefly_moves, 1..=1_000)?;
        check("gradient_steps", self.gradient_steps, 1..=10_000)?;
        check("gradient_step", self.gradient_step, (Excluded(0.0), Included(1e3)))?;
        check("margin", self.margin, -1e6..=1e6)?;
        self.training.check()
    }
}

impl Preset for Paper {
    const ID: &'static str = "prime-paper";
    const SUMMARY: &'static str = "PRIME in the form of its paper: raw units, no hinge, no feasibility head";
    const DESCRIPTION: &'static str = include_str!("paper.md");

    /// The public code: alpha 10 and beta 0.01 (the model class), two iterations of the firefly sampler at each step, or 20
    /// gradient steps of 1e-3; Adam at 1e-4, batches of 256. Steps and widths are cut to two cores, from 1e6 and 512 x 3.
    fn config() -> PrimeConfig<Self> {
        PrimeConfig {
            alpha: 10.0,
            beta: 0.01,
            negatives: Negatives::Firefly,
            firefly_moves: 2,
            gradient_steps: 20,
            gradient_step: 1e-3,
            inputs: Inputs::Levels,
            units: Units::Milli,
            hinge: false,
            margin: 0.0,
            skip_known: false,
            feasibility_head: false,
            unacceptable_is_infeasible: true,
            training: Self::training(),
            preset: PhantomData,
        }
    }
}

impl TrainingDefaults for Paper {
    fn training() -> TrainingConfig<Self> {
        TrainingConfig {
            hidden_layer_sizes: vec![256, 256],
            learning_rate: 1e-4,
            batch_size: 256,
            max_steps: 10_000,
            max_epochs: 100,
            check_every: 500,
            patience: 6,
            learner: PhantomData,
        }
    }
}

impl Preset for Improved {
    const ID: &'static str = "prime";
    const SUMMARY: &'static str =
        "A conservative model: what the optimizer likes too much, and what is infeasible, is pushed up";
    const DESCRIPTION: &'static str = include_str!("prime.md");

    /// As the paper but for the switches. Own choices: weights at which neither term outweighs an error of a third of a standard
    /// deviation in normalised units, and that of infeasible designs the smaller one, since the head learns from them too; a
    /// margin beyond which promises are pushed up: a standard deviation better than the best in the data; a learning
    /// rate at which two cores are done in minutes.
    fn config() -> PrimeConfig<Self> {
        PrimeConfig {
            alpha: 0.1,
            beta: 0.01,
            negatives: Negatives::Firefly,
            firefly_moves: 2,
            gradient_steps: 20,
            gradient_step: 1e-3,
            inputs: Inputs::Numbers,
            units: Units::Normalised,
            hinge: true,
            margin: -1.0,
            skip_known: true,
            feasibility_head: true,
            unacceptable_is_infeasible: false,
            training: Self::training(),
            preset: PhantomData,
        }
    }
}

impl TrainingDefaults for Improved {
    fn training() -> TrainingConfig<Self> {
        TrainingConfig {
            hidden_layer_sizes: vec![256, 256],
            learning_rate: 1e-3,
            batch_size: 256,
            max_steps: 5_000,
            max_epochs: 100,
            check_every: 250,
            patience: 6,
            learner: PhantomData,
        }
    }
}

impl<P: Preset> Default for PrimeConfig<P> {
    fn default() -> Self {
        P::config()
    }
}
