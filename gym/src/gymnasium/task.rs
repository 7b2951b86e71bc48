//! What both episode styles share: an environment, a goal, a reward, and how an episode looks and ends.

use std::sync::Arc;

use tapeout_core::{Design, DesignSpace, Env, Episode, EvalError, Goal, Outcome, Problem, ProblemError};

use super::environment::{EnvironmentError, Infeasibility, Info, Step};
use super::reward::{RewardError, RewardPolicy};
use super::spaces::{self, Space, SpaceElement};

/// The name under which [`Info::infeasible`] reports an action that the action mask rules out.
pub const MASKED_ACTION: &str = "masked_action";

/// An environment to be designed for, with what is wanted and how it is rewarded. Cheap to clone.
#[derive(Clone)]
pub struct DesignTask {
    env: Arc<dyn Env>,
    problem: Problem,
    reward: RewardPolicy,
    failures: Failures,
}

/// What becomes of an episode whose design cannot be evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Failures {
    /// The step is an error, and can be tried again.
    #[default]
    Raise,
    /// The episode ends, rewarded as one whose design cannot be built, with the cause in [`Info::failed`].
    End,
}

impl DesignTask {
    /// The task of reaching `goal` in `env`.
    ///
    /// # Errors
    /// [`TaskError`] if the goal names what the environment does not measure, or the reward does not suit the goal.
    pub fn new(env: Arc<dyn Env>, goal: Goal, reward: RewardPolicy) -> Result<Self, TaskError> {
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal)?;
        reward.check(&problem)?;
        Ok(Self { env, problem, reward, failures: Failures::Raise })
    }

    /// The same, rewarded by [`RewardPolicy::relative`].
    ///
    /// # Errors
    /// [`TaskError`] if the goal names what the environment does not measure, or nothing is usual there.
    pub fn relative(env: Arc<dyn Env>, goal: Goal) -> Result<Self, TaskError> {
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal)?;
        let reward = RewardPolicy::relative(env.as_ref(), &problem)?;
        Ok(Self { env, problem, reward, failures: Failures::Raise })
    }

    /// The same, with episodes that end so if their design cannot be evaluated.
    #[must_use]
    pub fn with_failures(self, failures: Failures) -> Self {
        Self { failures, ..self }
    }

    /// The environment that is asked.
    pub fn env(&self) -> &dyn Env {
        self.env.as_ref()
    }

    /// How that is rewarded.
    pub fn reward(&self) -> &RewardPolicy {
        &self.reward
    }

    /// The problem that is solved.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn space(&self) -> &DesignSpace {
        self.problem.space()
    }

    pub(super) fn is_parallel(&self) -> bool {
        self.env.is_parallel()
    }

    /// All that can be seen: [`Episode::observe`], three numbers in [0, 1] for each parameter.
    pub(super) fn observation_space(&self) -> Space {
        spaces::Box::bounded(0.0, 1.0, Episode::observation_len(self.space())).into()
    }

    pub(super) fn observe(&self, episode: &Episode<'_>) -> SpaceElement {
        let mut row = vec![0.0; Episode::observation_len(self.space())];
        episode.observe(&mut row);
        SpaceElement::Box(row)
    }

    /// The last step of an episode that ends in a design.
    pub(super) fn evaluate(
        &self,
        design: Design,
        observation: SpaceElement,
    ) -> Result<Step, EnvironmentError> {
        let outcome = match (self.env.evaluate(&design), self.failures) {
            (Err(error), Failures::End) => Outcome::failed(&error.chain()),
            (outcome, _) => outcome?,
        };
        let judgement = self.problem.judge(&outcome);
        let reward = self.reward.reward(&self.problem, &judgement);
        let mut info = Info { design: Some(design), ..Info::default() };
        match outcome {
            Outcome::Measured(metrics) => {
                let names = self.problem.metrics().iter().map(|metric| metric.name.clone());
                info.metrics = names.zip(metrics).collect();
                info.constraint_violation = Some(judgement.shortfall().1);
            }
            Outcome::Infeasible { rule, violation } => {
                info.infeasible = Some(Infeasibility { rule, violation });
            }
            Outcome::Failed { cause } => match self.failures {
                Failures::Raise => return Err(EvalError::new(cause).into()),
                Failures::End => info.failed = Some(cause),
            },
        }
        Ok(Step { observation, reward, terminated: true, truncated: false, info })
    }

    /// The last step of an episode that leads to no legal design.
    pub(super) fn refuse(&self, rule: &str, violation: f64, observation: SpaceElement) -> Step {
        let infeasible = Some(Infeasibility { rule: rule.to_owned(), violation });
        let info = Info { infeasible, ..Info::default() };
        Step { observation, reward: self.reward.infeasible, terminated: true, truncated: false, info }
    }
}

/// Why there is no such task.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The goal cannot be pursued.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// The reward does not suit the goal.
    #[error(transparent)]
    Reward(#[from] RewardError),
}
