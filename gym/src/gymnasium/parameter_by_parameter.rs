//! Episodes of one parameter a step.

use tapeout_core::{Episode, Seed, Stream};

use super::environment::{Beginning, Environment, EnvironmentError, Info, ResetOptions, Step};
use super::spaces::{Discrete, Mask, Space, SpaceElement};
use super::task::{DesignTask, MASKED_ACTION};

/// Episodes that decide one parameter a step, in the decision order of the space, and are rewarded at the last.
///
/// The action is the level of the parameter at hand. [`Info::action_mask`] says which levels it has that still lead to
/// a legal design; any other ends the episode with the reward for what is infeasible and the rule [`MASKED_ACTION`].
/// Observed is which parameters are decided and how, [`Episode::observe`](tapeout_core::Episode::observe).
pub struct ParameterByParameter {
    task: DesignTask,
    action_space: Space,
    observation_space: Space,
    n_actions: usize,
    /// The levels chosen so far, in decision order; none outside an episode.
    decided: Option<Vec<u32>>,
    was_reset: bool,
    np_random: Stream,
}

impl ParameterByParameter {
    /// The task in episodes of one parameter a step.
    pub fn new(task: DesignTask) -> Self {
        let n_levels = task.space().parameters().iter().map(|parameter| parameter.n_levels());
        let n_actions = n_levels.max().expect("a space has a parameter");
        Self {
            action_space: Discrete::new(u64::from(n_actions)).into(),
            observation_space: task.observation_space(),
            n_actions: n_actions as usize,
            decided: None,
            was_reset: false,
            np_random: np_random(0),
            task,
        }
    }

    /// The task.
    pub fn task(&self) -> &DesignTask {
        &self.task
    }

    fn info(&self, episode: &Episode<'_>) -> Info {
        let mut allowed = vec![false; self.n_actions];
        for level in episode.allowed() {
            allowed[level as usize] = true;
        }
        Info { action_mask: Some(Mask::Discrete(allowed)), ..Info::default() }
    }
}

/// The generator of an environment, under the name it has in Gymnasium.
fn np_random(seed: u64) -> Stream {
    Seed::new(seed).stream("np_random")
}

/// An episode borrows its space and so cannot be kept beside it; the decisions are kept, and made again.
fn replay<'a>(task: &'a DesignTask, decided: &[u32]) -> Episode<'a> {
    let mut episode = Episode::new(task.space());
    for &level in decided {
        episode.choose(level);
    }
    episode
}

impl Environment for ParameterByParameter {
    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        let n_parameters = self.task.space().n_parameters();
        if options.exploring_start >= n_parameters {
            return Err(EnvironmentError::Option {
                option: "exploring_start",
                got: options.exploring_start.to_string(),
                expected: format!("less than {n_parameters}, the number of parameters"),
            });
        }
        if let Some(seed) = seed {
            self.np_random = np_random(seed);
        }
        let mut decided = Vec::with_capacity(n_parameters);
        if options.exploring_start > 0 {
            let drawn = self.task.space().sample(&mut self.np_random);
            let mut episode = Episode::new(self.task.space());
            while let Some(parameter) =
                episode.parameter().filter(|_| decided.len() < options.exploring_start)
            {
                decided.push(drawn.levels()[parameter]);
                episode.choose(drawn.levels()[parameter]);
            }
        }
        let episode = replay(&self.task, &decided);
        let (observation, info) = (self.task.observe(&episode), self.info(&episode));
        (self.decided, self.was_reset) = (Some(decided), true);
        Ok((observation, info))
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        let Some(decided) = &mut self.decided else {
            return Err(EnvironmentError::reset_needed(self.was_reset));
        };
        let level = match action {
            SpaceElement::Discrete(number) if self.action_space.contains(action) => *number as u32,
            _ => return Err(EnvironmentError::action_outside(action, &self.action_space)),
        };
        let mut episode = replay(&self.task, decided);
        if !episode.allows(level) {
            let step = self.task.refuse(MASKED_ACTION, 1.0, self.task.observe(&episode));
            self.decided = None;
            return Ok(step);
        }
        episode.choose(level);
        let observation = self.task.observe(&episode);
        if let Some(design) = episode.design() {
            let step = self.task.evaluate(design, observation)?;
            self.decided = None;
            return Ok(step);
        }
        decided.push(level);
        let info = self.info(&episode);
        Ok(Step { observation, reward: 0.0, terminated: false, truncated: false, info })
    }

    fn is_parallel(&self) -> bool {
        self.task.is_parallel()
    }
}
