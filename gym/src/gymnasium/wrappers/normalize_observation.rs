//! Observations of mean 0 and variance 1.

use crate::gymnasium::spaces::{self, Space, SpaceElement};
use crate::gymnasium::{Beginning, Environment, EnvironmentError, ResetOptions, Step};

/// Added to the variance before its root is divided by.
/// Source: Gymnasium 1.x, `gymnasium/wrappers/stateful_observation.py`, `NormalizeObservation`, default of `epsilon`.
const EPSILON: f64 = 1e-8;

/// Shifts and scales every number of the observation by the mean and the variance of what was seen so far.
///
/// Learning the moments can be [switched off](NormalizeObservation::set_update_running_mean), as for an evaluation.
/// Source: Gymnasium 1.x, `gymnasium/wrappers/stateful_observation.py`, `NormalizeObservation`.
pub struct NormalizeObservation<E> {
    env: E,
    observation_space: Space,
    moments: RunningMeanStd,
    update_running_mean: bool,
}

impl<E: Environment> NormalizeObservation<E> {
    /// `env` with normalized observations.
    ///
    /// # Errors
    /// [`NotABox`] if observations are not arrays of numbers.
    pub fn new(env: E) -> Result<Self, NotABox> {
        let Space::Box(seen) = env.observation_space() else {
            return Err(NotABox { got: env.observation_space().to_string() });
        };
        let size = seen.low().len();
        let unbounded =
            spaces::Box::new(vec![f32::NEG_INFINITY; size], vec![f32::INFINITY; size], seen.shape().to_vec());
        let moments = RunningMeanStd::new(size);
        Ok(Self { env, observation_space: unbounded.into(), moments, update_running_mean: true })
    }

    /// Whether the moments go on being learned.
    pub fn set_update_running_mean(&mut self, enabled: bool) {
        self.update_running_mean = enabled;
    }

    /// The moments learned so far.
    pub fn moments(&self) -> &RunningMeanStd {
        &self.moments
    }

    fn normalize(&mut self, observation: SpaceElement) -> SpaceElement {
        let SpaceElement::Box(mut values) = observation else { return observation };
        if self.update_running_mean {
            self.moments.update(&values);
        }
        let moments = self.moments.mean.iter().zip(&self.moments.variance);
        for (value, (mean, variance)) in values.iter_mut().zip(moments) {
            *value = ((f64::from(*value) - mean) / (variance + EPSILON).sqrt()) as f32;
        }
        SpaceElement::Box(values)
    }
}

impl<E: Environment> Environment for NormalizeObservation<E> {
    fn action_space(&self) -> &Space {
        self.env.action_space()
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        let (observation, info) = self.env.reset(seed, options)?;
        Ok((self.normalize(observation), info))
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        let step = self.env.step(action)?;
        Ok(Step { observation: self.normalize(step.observation), ..step })
    }

    fn is_parallel(&self) -> bool {
        self.env.is_parallel()
    }
}

/// The mean and variance of a stream of vectors of length `d`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningMeanStd {
    /// The mean so far, shape `[d]`.
    pub mean: Vec<f64>,
    /// The variance so far, shape `[d]`.
    pub variance: Vec<f64>,
    /// How many vectors were seen, and a little more: the weight of the mean 0 and the variance 1 from the beginning.
    pub count: f64,
}

impl RunningMeanStd {
    /// The weight of the beginning.
    /// Source: Gymnasium 1.x, `gymnasium/wrappers/utils.py`, `RunningMeanStd`, default of `epsilon`.
    const PRIOR_COUNT: f64 = 1e-4;

    fn new(size: usize) -> Self {
        Self { mean: vec![0.0; size], variance: vec![1.0; size], count: Self::PRIOR_COUNT }
    }

    /// Takes in one vector.
    /// Source: Chan, Golub & LeVeque (1983), doi:10.1080/00031305.1983.10483115, the pairwise update, with a
    /// second set of one.
    fn update(&mut self, values: &[f32]) {
        let total = self.count + 1.0;
        for ((mean, variance), &value) in self.mean.iter_mut().zip(&mut self.variance).zip(values) {
            let delta = f64::from(value) - *mean;
            *mean += delta / total;
            *variance = (*variance * self.count + delta * delta * self.count / total) / total;
        }
        self.count = total;
    }
}

/// Only arrays of numbers can be normalized.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("observations in {got} cannot be normalized; expected a Box")]
pub struct NotABox {
    /// The observation space.
    pub got: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2, 3, 4: mean 2.5, variance 1.25. The beginning weighs 1e-4 of 4, and with it the moments lie at most
    /// 1e-4 / 4 * 2.5 and about 1e-4 / 4 * (1 + 2.5^2) away: both below 2e-4.
    #[test]
    fn moments_by_hand() {
        let mut moments = RunningMeanStd::new(1);
        for value in [1.0, 2.0, 3.0, 4.0] {
            moments.update(&[value]);
        }
        assert!((moments.mean[0] - 2.5).abs() < 2e-4, "{moments:?}");
        assert!((moments.variance[0] - 1.25).abs() < 2e-4, "{moments:?}");
    }
}
