//! A limit on the steps of an episode.

use std::num::NonZeroU64;

use crate::gymnasium::spaces::{Space, SpaceElement};
use crate::gymnasium::{Beginning, Environment, EnvironmentError, ResetOptions, Step};

/// Truncates an episode after a number of steps. A last step that also ends the task is terminated and truncated both.
///
/// Source: Gymnasium 1.x, `gymnasium/wrappers/common.py`, `TimeLimit`.
pub struct TimeLimit<E> {
    env: E,
    max_episode_steps: u64,
    n_steps: u64,
    is_cut: bool,
}

impl<E: Environment> TimeLimit<E> {
    /// `env` with episodes of at most this many steps.
    pub fn new(env: E, max_episode_steps: NonZeroU64) -> Self {
        Self { env, max_episode_steps: max_episode_steps.get(), n_steps: 0, is_cut: false }
    }
}

impl<E: Environment> Environment for TimeLimit<E> {
    fn action_space(&self) -> &Space {
        self.env.action_space()
    }

    fn observation_space(&self) -> &Space {
        self.env.observation_space()
    }

    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        let begun = self.env.reset(seed, options)?;
        (self.n_steps, self.is_cut) = (0, false);
        Ok(begun)
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        if self.is_cut {
            return Err(EnvironmentError::reset_needed(true));
        }
        let mut step = self.env.step(action)?;
        self.n_steps += 1;
        if self.n_steps >= self.max_episode_steps {
            step.truncated = true;
            self.is_cut = true;
        }
        Ok(step)
    }

    fn is_parallel(&self) -> bool {
        self.env.is_parallel()
    }
}
