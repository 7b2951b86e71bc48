//! Several environments that step together, on as many threads as rayon is given.

use rayon::prelude::*;

use super::environment::{Environment, EnvironmentError, Info, ResetOptions, Step};
use super::spaces::{Space, SpaceElement};

/// When an environment of a vector begins its next episode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoresetMode {
    /// In the step after the one that ended the last episode: that step's action is ignored, its reward is 0, and its
    /// observation is the first of the new episode. What Gymnasium 1.x does unless told otherwise.
    #[default]
    NextStep,
    /// In the same step: it has the reward and the end of the old episode, the observation of the new one, and the last
    /// observation and info of the old one in [`Info::last`].
    SameStep,
}

/// Several environments with the same spaces that step together.
///
/// Each has randomness of its own and results come in the order of the environments, so they are the same for any
/// number of threads. Environments that are not [parallel](Environment::is_parallel) are stepped one after another.
pub struct VectorEnvironment<E> {
    members: Vec<Member<E>>,
    autoreset: AutoresetMode,
    options: ResetOptions,
}

struct Member<E> {
    env: E,
    has_ended: bool,
}

/// What comes of one action in each of `n` environments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VectorStep {
    /// What is seen now, shape `[n]`.
    pub observations: Vec<SpaceElement>,
    /// What the actions were worth, shape `[n]`.
    pub rewards: Vec<f64>,
    /// Which tasks have come to their end, shape `[n]`.
    pub terminations: Vec<bool>,
    /// Which episodes were ended from outside, shape `[n]`.
    pub truncations: Vec<bool>,
    /// What else is known, shape `[n]`.
    pub infos: Vec<Info>,
}

impl<E: Environment> VectorEnvironment<E> {
    /// A vector of these environments.
    ///
    /// # Errors
    /// [`VectorError`] if there are none or their spaces differ.
    pub fn new(envs: Vec<E>, autoreset: AutoresetMode) -> Result<Self, VectorError> {
        let first = envs.first().ok_or(VectorError::Empty)?;
        let spaces = |env: &E| (env.action_space().clone(), env.observation_space().clone());
        let expected = spaces(first);
        if let Some(index) = envs.iter().position(|env| spaces(env) != expected) {
            return Err(VectorError::Uneven { index });
        }
        let members = envs.into_iter().map(|env| Member { env, has_ended: false }).collect();
        Ok(Self { members, autoreset, options: ResetOptions::default() })
    }

    /// How many environments there are, `n`.
    pub fn n_envs(&self) -> usize {
        self.members.len()
    }

    /// What can be done in each environment.
    pub fn single_action_space(&self) -> &Space {
        self.members[0].env.action_space()
    }

    /// What can be seen in each environment.
    pub fn single_observation_space(&self) -> &Space {
        self.members[0].env.observation_space()
    }

    /// Begins an episode in every environment; shape `[n]`.
    ///
    /// Environment `i` is seeded with `seed + i`. The options hold for the episodes that follow by themselves, too
    /// (Gymnasium begins those without options).
    ///
    /// # Errors
    /// [`VectorError::Member`] if an environment refuses.
    pub fn reset(
        &mut self,
        seed: Option<u64>,
        options: &ResetOptions,
    ) -> Result<(Vec<SpaceElement>, Vec<Info>), VectorError> {
        self.options = options.clone();
        let each = (0u64..).map(|index| seed.map(|seed| seed.wrapping_add(index)));
        let begun = self.members.iter_mut().zip(each).enumerate().map(|(index, (member, seed))| {
            member.has_ended = false;
            member.env.reset(seed, options).map_err(|source| VectorError::Member { index, source })
        });
        Ok(begun.collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
    }

    /// Acts once in every environment; `actions`: shape `[n]`.
    ///
    /// # Errors
    /// [`VectorError`] if there are too few or too many actions, or an environment fails: the first that did. The others
    /// have stepped then, so the vector needs a reset.
    pub fn step(&mut self, actions: &[SpaceElement]) -> Result<VectorStep, VectorError> {
        if actions.len() != self.members.len() {
            return Err(VectorError::WrongCount { got: actions.len(), expected: self.members.len() });
        }
        let (autoreset, options) = (self.autoreset, &self.options);
        let act = |member: &mut Member<E>, action: &SpaceElement| member.step(action, autoreset, options);
        let results: Vec<_> = if self.members.iter().all(|member| member.env.is_parallel()) {
            let pairs = self.members.par_iter_mut().zip(actions.par_iter());
            pairs.map(|(member, action)| act(member, action)).collect()
        } else {
            let pairs = self.members.iter_mut().zip(actions);
            pairs.map(|(member, action)| act(member, action)).collect()
        };
        let mut all = VectorStep::default();
        for (index, result) in results.into_iter().enumerate() {
            let step = result.map_err(|source| VectorError::Member { index, source })?;
            all.observations.push(step.observation);
            all.rewards.push(step.reward);
            all.terminations.push(step.terminated);
            all.truncations.push(step.truncated);
            all.infos.push(step.info);
        }
        Ok(all)
    }
}

impl<E: Environment> Member<E> {
    fn step(
        &mut self,
        action: &SpaceElement,
        autoreset: AutoresetMode,
        options: &ResetOptions,
    ) -> Result<Step, EnvironmentError> {
        if self.has_ended {
            let (observation, info) = self.env.reset(None, options)?;
            self.has_ended = false;
            return Ok(Step { observation, reward: 0.0, terminated: false, truncated: false, info });
        }
        let mut step = self.env.step(action)?;
        if step.terminated || step.truncated {
            match autoreset {
                AutoresetMode::NextStep => self.has_ended = true,
                AutoresetMode::SameStep => {
                    let (observation, mut info) = self.env.reset(None, options)?;
                    info.last = Some(Box::new((step.observation, step.info)));
                    (step.observation, step.info) = (observation, info);
                }
            }
        }
        Ok(step)
    }
}

/// Why a vector could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// No environments.
    #[error("a vector has at least one environment, got none")]
    Empty,
    /// An environment with other spaces than the first.
    #[error("environment {index} of the vector has other spaces than environment 0")]
    Uneven {
        /// Its position.
        index: usize,
    },
    /// Not one action for each environment.
    #[error("got {got} actions for {expected} environments")]
    WrongCount {
        /// How many there are.
        got: usize,
        /// How many environments there are.
        expected: usize,
    },
    /// An environment of the vector failed.
    #[error("environment {index} of the vector failed")]
    Member {
        /// Its position.
        index: usize,
        /// How.
        source: EnvironmentError,
    },
}
