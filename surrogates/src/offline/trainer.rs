//! The loop in which a network learns, and the choice among what it was along the way.

use tapeout_core::Stream;

use crate::models::network::{Adam, Mlp};

/// How long and how fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Steps of the optimizer.
    pub max_steps: usize,
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
        let progress = (step - 1) as f64 / self.max_steps as f64;
        match self.decay {
            Decay::None => self.learning_rate,
            Decay::Cosine => {
                self.learning_rate * (0.5 + 0.5 * (std::f64::consts::PI * progress).cos()) as f32
            }
        }
    }

    /// The same, ended after `max_epochs` passes over `n_labelled` trials in batches of at most `batch_size`, should that be sooner.
    pub fn within_epochs(self, max_epochs: usize, n_labelled: usize, batch_size: usize) -> Self {
        let a_pass = n_labelled.div_ceil(batch_of(batch_size, n_labelled));
        let max_steps = self.max_steps.min(max_epochs.saturating_mul(a_pass)).max(1);
        Self { max_steps, ..self }
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
    for step in 1..=schedule.max_steps {
        gradient.fill(0.0);
        add_gradient(network, &mut gradient, rng);
        adam.set_learning_rate(schedule.rate(step));
        adam.step(network.weights_mut(), &gradient);
        if step % schedule.check_every != 0 && step != schedule.max_steps {
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
