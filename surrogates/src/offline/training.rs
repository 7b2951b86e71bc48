//! How a learner's one network is trained: what the learners' configs have in common.

use std::marker::PhantomData;
use std::ops::Bound::{Excluded, Included};

use serde::{Deserialize, Serialize};
use tapeout_core::config::check;
use tapeout_core::{ConfigError, Stream};

use super::Examples;
use super::trainer::{Decay, Schedule, train};
use crate::models::network::{Activation, Mlp};

/// Whose defaults a [`TrainingConfig`] has.
pub trait TrainingDefaults: Sized {
    /// The defaults of this learner.
    fn training() -> TrainingConfig<Self>;
}

/// The size of a network and how it is trained, the table `training` in the config of a learner; fields that are not given have
/// the defaults of learner `L`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, bound = "L: TrainingDefaults")]
pub struct TrainingConfig<L: TrainingDefaults> {
    /// Widths of the hidden layers.
    pub hidden_layer_sizes: Vec<usize>,
    /// Adam's alpha.
    pub learning_rate: f32,
    /// Labelled designs in a step, at most.
    pub batch_size: usize,
    /// Steps of the optimizer, at most.
    pub max_steps: usize,
    /// Passes over the labelled designs, at most.
    pub max_epochs: usize,
    /// Steps from one look at the validation trials to the next.
    pub check_every: usize,
    /// Looks without a better order after which training ends.
    pub patience: usize,
    /// Whose defaults these are.
    #[serde(skip)]
    pub learner: PhantomData<L>,
}

impl<L: TrainingDefaults> Default for TrainingConfig<L> {
    fn default() -> Self {
        L::training()
    }
}

impl<L: TrainingDefaults> TrainingConfig<L> {
    /// Holds each hyperparameter to its range.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that is outside, as `training.` and its name.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        check("training.hidden_layer_sizes", self.hidden_layer_sizes.len(), 1..=16)?;
        let widths = self.hidden_layer_sizes.iter();
        widths.copied().try_for_each(|width| check("training.hidden_layer_sizes", width, 1..=8_192))?;
        check("training.learning_rate", self.learning_rate, (Excluded(0.0), Included(1.0)))?;
        check("training.batch_size", self.batch_size, 1..=1 << 16)?;
        check("training.max_steps", self.max_steps, 1..=10_000_000)?;
        check("training.max_epochs", self.max_epochs, 1..)?;
        check("training.check_every", self.check_every, 1..=self.max_steps)?;
        check("training.patience", self.patience, 1..)
    }

    /// A network for rows of `examples`, not trained yet.
    pub(crate) fn network(&self, examples: &Examples, n_outputs: usize, rng: &mut Stream) -> Mlp {
        let widths = [&[examples.width()], self.hidden_layer_sizes.as_slice(), &[n_outputs]].concat();
        Mlp::new(&widths, Activation::Relu, rng)
    }

    /// Trains it, and leaves it with the weights that best order the validation trials of `examples`; `add_gradient` as in
    /// [`train`].
    pub(crate) fn run(
        &self,
        network: &mut Mlp,
        examples: &Examples,
        rng: &mut Stream,
        add_gradient: impl FnMut(&Mlp, &mut [f32], &mut Stream),
    ) {
        let schedule = Schedule {
            max_steps: self.max_steps,
            learning_rate: self.learning_rate,
            decay: Decay::None,
            check_every: self.check_every,
            patience: self.patience,
        };
        let schedule = schedule.within_epochs(self.max_epochs, examples.n_labelled(), self.batch_size);
        train(network, schedule, rng, add_gradient, |network| examples.score(network));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A learner with defaults that are no other's.
    #[derive(Debug, Clone)]
    struct Slow;

    impl TrainingDefaults for Slow {
        fn training() -> TrainingConfig<Self> {
            TrainingConfig {
                hidden_layer_sizes: vec![7],
                learning_rate: 0.125,
                batch_size: 3,
                max_steps: 10,
                max_epochs: 5,
                check_every: 2,
                patience: 1,
                learner: PhantomData,
            }
        }
    }

    #[test]
    fn what_is_not_given_is_the_learners_own_default() {
        let read = |value| serde_json::from_value::<TrainingConfig<Slow>>(value);
        let config = read(json!({ "max_steps": 20 })).unwrap();
        assert_eq!((config.max_steps, config.learning_rate, config.batch_size), (20, 0.125, 3));
        assert!(read(json!({ "steps": 20 })).is_err());
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_place() {
        let config = TrainingConfig { check_every: 11, ..Slow::training() };
        let error = config.check().unwrap_err().to_string();
        assert_eq!(error, "`training.check_every`: got 11, expected 1 to 10");
    }
}
