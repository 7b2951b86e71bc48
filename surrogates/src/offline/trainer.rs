//! The loop in which a network learns, and the choice among what it was along the way.

use std::ops::Bound::{Excluded, Included};

use tapeout_core::config::check;
use tapeout_core::{ConfigError, Stream};

use super::Examples;
use crate::models::network::{Activation, Adam, Mlp};

/// How long and how fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Steps of the optimizer.
    pub steps: usize,
    /// Adam's alpha, at the beginning.
    pub learning_rate: f32,
    /// What becomes of it.
    pub decay: Decay,
    /// Steps from one look at the validation trials to the next.
    pub check_every: usize,
    /// Looks without a better score after which training ends.
    pub patience: usize,
}

/// What becomes of a learning rate over the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decay {
    /// It stays as it is.
    None,
    /// It falls to 0 along half a cosine; Loshchilov & Hutter (2017), "SGDR", arXiv:1608.03983, eq. 5.
    Cosine,
}

/// Steps of a pass over the labelled trials, at least, however few there are. Own choice.
const LEAST_STEPS: usize = 8;

/// How many labelled trials of `n_labelled` a step sees: `most`, or fewer, so that a pass takes some steps.
pub(crate) fn batch_of(most: usize, n_labelled: usize) -> usize {
    most.min(n_labelled.div_ceil(LEAST_STEPS)).max(1)
}

impl Schedule {
    /// The learning rate of a step, from 1.
    fn rate(&self, step: usize) -> f32 {
        let progress = (step - 1) as f64 / self.steps as f64;
        match self.decay {
            Decay::None => self.learning_rate,
            Decay::Cosine => {
                self.learning_rate * (0.5 + 0.5 * (std::f64::consts::PI * progress).cos()) as f32
            }
        }
    }

    /// The same, ended after `passes` passes over `n_labelled` trials in batches of at most `batch`, should that be sooner.
    pub fn within_passes(self, passes: usize, n_labelled: usize, batch: usize) -> Self {
        let a_pass = n_labelled.div_ceil(batch_of(batch, n_labelled));
        let steps = self.steps.min(passes.saturating_mul(a_pass)).max(1);
        Self { steps, ..self }
    }
}

/// The size of a network and how it is trained, for the learners that have one network for everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Training<'a> {
    /// Hidden layers.
    pub hidden: &'a [usize],
    /// Adam's alpha.
    pub learning_rate: f32,
    /// Labelled designs in a step.
    pub batch: usize,
    /// Steps.
    pub steps: usize,
    /// At most so many passes over the labelled designs.
    pub passes: usize,
    /// Steps from one look at the validation trials to the next.
    pub check_every: usize,
    /// Looks without a better order after which training ends.
    pub patience: usize,
}

impl Training<'_> {
    /// Holds each hyperparameter to its range.
    ///
    /// # Errors
    /// [`ConfigError`] naming the first that is outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        check("hidden", self.hidden.len(), 1..=16)?;
        self.hidden.iter().try_for_each(|&width| check("hidden", width, 1..=8_192))?;
        check("learning_rate", self.learning_rate, (Excluded(0.0), Included(1.0)))?;
        check("batch", self.batch, 1..=1 << 16)?;
        check("steps", self.steps, 1..=10_000_000)?;
        check("passes", self.passes, 1..)?;
        check("check_every", self.check_every, 1..=self.steps)?;
        check("patience", self.patience, 1..)
    }

    /// A network for rows of `examples`, not trained yet.
    pub fn network(&self, examples: &Examples, n_outputs: usize, rng: &mut Stream) -> Mlp {
        let widths = [&[examples.width()], self.hidden, &[n_outputs]].concat();
        Mlp::new(&widths, Activation::Relu, rng)
    }

    /// Trains it, and leaves it with the weights that best order the validation trials of `examples`; `add_gradient` as in
    /// [`train`].
    pub fn run(
        &self,
        network: &mut Mlp,
        examples: &Examples,
        rng: &mut Stream,
        add_gradient: impl FnMut(&Mlp, &mut [f32], &mut Stream),
    ) {
        let schedule = Schedule {
            steps: self.steps,
            learning_rate: self.learning_rate,
            decay: Decay::None,
            check_every: self.check_every,
            patience: self.patience,
        };
        let schedule = schedule.within_passes(self.passes, examples.n_labelled(), self.batch);
        train(network, schedule, rng, add_gradient, |network| examples.score(network));
    }
}

/// Trains `network` and leaves it with the weights of the best score, or the last ones if nothing can be scored.
///
/// `add_gradient`: adds the gradient of one step's loss, shape `[weights]`, to zeros. `score`: what to make large, on trials
/// that are not learned from; none if there are none.
pub(crate) fn train(
    network: &mut Mlp,
    schedule: Schedule,
    rng: &mut Stream,
    mut add_gradient: impl FnMut(&Mlp, &mut [f32], &mut Stream),
    score: impl Fn(&Mlp) -> Option<f64>,
) {
    let mut adam = Adam::new(network.n_weights(), schedule.learning_rate);
    let mut gradient = vec![0.0; network.n_weights()];
    let mut best: Option<(f64, Vec<f32>)> = None;
    let mut n_worse = 0;
    for step in 1..=schedule.steps {
        gradient.fill(0.0);
        add_gradient(network, &mut gradient, rng);
        adam.set_learning_rate(schedule.rate(step));
        adam.step(network.weights_mut(), &gradient);
        if step % schedule.check_every != 0 && step != schedule.steps {
            continue;
        }
        let Some(score) = score(network) else { continue };
        if best.as_ref().is_none_or(|(best, _)| score > *best) {
            best = Some((score, network.weights().to_vec()));
            n_worse = 0;
        } else {
            n_worse += 1;
            if n_worse >= schedule.patience {
                break;
            }
        }
    }
    if let Some((_, weights)) = best {
        network.weights_mut().copy_from_slice(&weights);
    }
}
