//! The contract between an environment and whoever acts in it.

use std::collections::BTreeMap;

use tapeout_core::{Design, EvalError};

use super::spaces::{Mask, Space, SpaceElement};

/// A Markov decision process: `reset` begins an episode, `step` acts in it until it is terminated or truncated.
///
/// An episode is *terminated* when the task itself has come to an end, and *truncated* when something outside the task
/// ends it, such as a limit on steps; only after the former is there nothing left to gain.
pub trait Environment: Send {
    /// What can be done. The same for as long as the environment lives.
    fn action_space(&self) -> &Space;

    /// What can be seen. The same for as long as the environment lives.
    fn observation_space(&self) -> &Space;

    /// Begins an episode.
    ///
    /// `seed`: seeds all randomness of the environment anew; without one, randomness goes on where it stopped. An
    /// environment that was never seeded begins as if seeded with 0.
    ///
    /// # Errors
    /// [`EnvironmentError::Option`] if an option cannot be used.
    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError>;

    /// Acts once. Any element of the action space can be given, masked or not.
    ///
    /// # Errors
    /// [`EnvironmentError::ResetNeeded`] before the first reset and after the end of an episode;
    /// [`EnvironmentError::ActionOutside`] for what is not in the action space; [`EnvironmentError::Evaluation`] if the
    /// evaluator failed, and then nothing has happened: the same step can be tried again.
    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError>;

    /// Whether several of this kind may be stepped on several threads at once; no for one physical device.
    fn is_parallel(&self) -> bool {
        true
    }
}

impl<E: Environment + ?Sized> Environment for Box<E> {
    fn action_space(&self) -> &Space {
        (**self).action_space()
    }

    fn observation_space(&self) -> &Space {
        (**self).observation_space()
    }

    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        (**self).reset(seed, options)
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        (**self).step(action)
    }

    fn is_parallel(&self) -> bool {
        (**self).is_parallel()
    }
}

/// The first observation of an episode, and what else is known then.
pub type Beginning = (SpaceElement, Info);

/// How an episode begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResetOptions {
    /// How many of the first decisions are drawn by the environment, from a design drawn uniformly, instead of being
    /// left to the learner; 0 by default. Only [`ParameterByParameter`](super::ParameterByParameter) episodes have any.
    /// Source: exploring starts, Sutton & Barto (2018), "Reinforcement Learning", 2nd edition, section 5.3.
    pub exploring_start: usize,
}

/// What comes of an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is seen now.
    pub observation: SpaceElement,
    /// What the action was worth.
    pub reward: f64,
    /// Whether the task has come to its end.
    pub terminated: bool,
    /// Whether something outside the task ended the episode.
    pub truncated: bool,
    /// What else is known.
    pub info: Info,
}

/// What is known besides the observation. Whatever does not apply is empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    /// Which actions lead on to a legal design; none if all do, or the episode is over.
    pub action_mask: Option<Mask>,
    /// The design that was evaluated.
    pub design: Option<Design>,
    /// What was measured, by the name of the metric, in its unit.
    pub metrics: BTreeMap<String, f64>,
    /// Why the design cannot be built or run.
    pub infeasible: Option<Infeasibility>,
    /// Why nothing is known of the design, if its evaluation failed and the task goes on then.
    pub failed: Option<String>,
    /// By how much the design that was measured lies outside the goal's constraints, relative and added up; 0 within.
    pub constraint_violation: Option<f64>,
    /// The episode in figures, at its end, from [`RecordEpisodeStatistics`](super::wrappers::RecordEpisodeStatistics).
    pub episode: Option<EpisodeStatistics>,
    /// The last step's observation and info, where a vector began the next episode in the same step.
    pub last: Option<Box<(SpaceElement, Info)>>,
    /// Whatever else an environment has to say.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// Why a design cannot be built or run.
#[derive(Debug, Clone, PartialEq)]
pub struct Infeasibility {
    /// The rule it breaks: one of the space's, or one that showed on evaluation.
    pub rule: String,
    /// By how much, in the rule's own measure.
    pub violation: f64,
}

/// An episode in figures.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EpisodeStatistics {
    /// The sum of its rewards; `r` in Gymnasium.
    pub total_reward: f64,
    /// How many steps it took; `l` in Gymnasium.
    pub length: u64,
}

/// Why an environment could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// There is no episode to act in.
    #[error("step was called {when}; call reset first")]
    ResetNeeded {
        /// `before the first reset` or `after the episode ended`.
        when: &'static str,
    },
    /// The action is not in the action space.
    #[error("action {got:?} is not in the action space {space}")]
    ActionOutside {
        /// The action.
        got: SpaceElement,
        /// The action space.
        space: String,
    },
    /// A reset option cannot be used.
    #[error("reset option `{option}`: got {got}, expected {expected}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What it was.
        got: String,
        /// What it can be.
        expected: String,
    },
    /// The evaluator failed.
    #[error("the evaluation failed")]
    Evaluation(#[from] EvalError),
}

impl EnvironmentError {
    /// `got` is not in `space`.
    pub(super) fn action_outside(got: &SpaceElement, space: &Space) -> Self {
        Self::ActionOutside { got: got.clone(), space: space.to_string() }
    }

    /// A step without an episode to act in; `was_reset`: whether there ever was one.
    pub(super) fn reset_needed(was_reset: bool) -> Self {
        Self::ResetNeeded {
            when: if was_reset { "after the episode ended" } else { "before the first reset" },
        }
    }
}
