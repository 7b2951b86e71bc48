//! Figures of every episode.

use std::collections::VecDeque;

use crate::gymnasium::spaces::{Space, SpaceElement};
use crate::gymnasium::{Beginning, Environment, EnvironmentError, EpisodeStatistics, ResetOptions, Step};

/// How many episodes are kept.
/// Source: Gymnasium 1.x, `gymnasium/wrappers/common.py`, `RecordEpisodeStatistics`, default of `buffer_length`.
const BUFFER_LENGTH: usize = 100;

/// Adds up the rewards and counts the steps of each episode, and reports both in [`Info::episode`](crate::gymnasium::Info::episode) at its end.
///
/// Source: Gymnasium 1.x, `gymnasium/wrappers/common.py`, `RecordEpisodeStatistics`. Departs from it: the time an episode
/// took (`t`) is left out, because nothing here reads a clock.
pub struct RecordEpisodeStatistics<E> {
    env: E,
    current: EpisodeStatistics,
    recent: VecDeque<EpisodeStatistics>,
    n_episodes: u64,
}

impl<E: Environment> RecordEpisodeStatistics<E> {
    /// `env` with figures of every episode.
    pub fn new(env: E) -> Self {
        Self {
            env,
            current: EpisodeStatistics::default(),
            recent: VecDeque::with_capacity(BUFFER_LENGTH),
            n_episodes: 0,
        }
    }

    /// How many episodes came to an end.
    pub fn n_episodes(&self) -> u64 {
        self.n_episodes
    }

    /// The last 100 of those, oldest first.
    pub fn recent(&self) -> impl ExactSizeIterator<Item = &EpisodeStatistics> {
        self.recent.iter()
    }
}

impl<E: Environment> Environment for RecordEpisodeStatistics<E> {
    fn action_space(&self) -> &Space {
        self.env.action_space()
    }

    fn observation_space(&self) -> &Space {
        self.env.observation_space()
    }

    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        let begun = self.env.reset(seed, options)?;
        self.current = EpisodeStatistics::default();
        Ok(begun)
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        let mut step = self.env.step(action)?;
        self.current.total_reward += step.reward;
        self.current.length += 1;
        if step.terminated || step.truncated {
            step.info.episode = Some(self.current);
            self.n_episodes += 1;
            if self.recent.len() == BUFFER_LENGTH {
                self.recent.pop_front();
            }
            self.recent.push_back(self.current);
        }
        Ok(step)
    }

    fn is_parallel(&self) -> bool {
        self.env.is_parallel()
    }
}
