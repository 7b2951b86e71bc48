//! Episodes of one step: the whole design is the action.

use tapeout_core::Episode;

use super::environment::{Beginning, Environment, EnvironmentError, Info, ResetOptions, Step};
use super::spaces::{MultiDiscrete, Space, SpaceElement};
use super::task::{DesignTask, MASKED_ACTION};

/// One-step episodes. The action is a level for every parameter, in the order of the space.
///
/// Observed is which parameters are decided and how, [`Episode::observe`](tapeout_core::Episode::observe): nothing at
/// first, all at the end. Levels that break a rule of the space make no design: the episode ends with the reward for
/// what is infeasible, the rule in [`Info::infeasible`], and nothing decided.
pub struct WholeDesign {
    task: DesignTask,
    action_space: Space,
    observation_space: Space,
    is_open: bool,
    was_reset: bool,
}

impl WholeDesign {
    /// The task in episodes of one step.
    pub fn new(task: DesignTask) -> Self {
        let n_levels = task.space().parameters().iter().map(|parameter| u64::from(parameter.n_levels()));
        let action_space = MultiDiscrete::new(n_levels.collect()).into();
        let observation_space = task.observation_space();
        Self { task, action_space, observation_space, is_open: false, was_reset: false }
    }

    /// The task.
    pub fn task(&self) -> &DesignTask {
        &self.task
    }

    fn nothing_decided(&self) -> SpaceElement {
        self.task.observe(&Episode::new(self.task.space()))
    }

    fn step_open(&self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        let levels: Vec<u32> = match action {
            SpaceElement::MultiDiscrete(numbers) if self.action_space.contains(action) => {
                numbers.iter().map(|&number| number as u32).collect()
            }
            _ => return Err(EnvironmentError::action_outside(action, &self.action_space)),
        };
        let space = self.task.space();
        let Ok(design) = space.design(&levels) else {
            let broken = space.broken_rules(&levels);
            // A space made of listed rows has no rules: what it does not list is masked, so to speak.
            let (rule, violation) =
                broken.first().map_or((MASKED_ACTION, 1.0), |&(rule, violation)| (rule.name(), violation));
            return Ok(self.task.refuse(rule, violation, self.nothing_decided()));
        };
        let mut episode = Episode::new(space);
        while let Some(parameter) = episode.parameter() {
            episode.choose(levels[parameter]);
        }
        self.task.evaluate(design, self.task.observe(&episode))
    }
}

impl Environment for WholeDesign {
    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    /// Begins an episode. Nothing is random, so the seed changes nothing.
    fn reset(&mut self, _: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        if options.exploring_start != 0 {
            return Err(EnvironmentError::Option {
                option: "exploring_start",
                got: options.exploring_start.to_string(),
                expected: "0, because the whole design is one decision".to_owned(),
            });
        }
        (self.is_open, self.was_reset) = (true, true);
        Ok((self.nothing_decided(), Info::default()))
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        if !self.is_open {
            return Err(EnvironmentError::reset_needed(self.was_reset));
        }
        let step = self.step_open(action)?;
        self.is_open = false;
        Ok(step)
    }

    fn is_parallel(&self) -> bool {
        self.task.is_parallel()
    }
}
