//! A memory controller at work, as episodes: a choice for every window of requests.

use tapeout_core::{ConfigError, Seed};
use tapeout_envs::{DramOnline, DramOnlineConfig, N_ONLINE_OBSERVATIONS, ONLINE_LEVELS};

use super::environment::{Beginning, Environment, EnvironmentError, Info, ResetOptions, Step};
use super::spaces::{self, MultiDiscrete, Space, SpaceElement};

/// Episodes over a trace of requests whose steps are windows of it, not designs.
///
/// The action chooses page policy, scheduler, kind and size of the buffer, and active transactions (powers of two) for the next window.
/// Observed is what became of the last: [`DramOnline::observation`]; nothing, all 0, at first. The reward is that of
/// [`DramOnline::reward`]. A seed is a trace: phases of traffic that a controller has to find out about.
///
/// ```
/// use tapeout::gymnasium::{DramOnlineEpisodes, Environment, ResetOptions, check_environment};
/// use tapeout::gymnasium::spaces::SpaceElement;
///
/// let mut env = DramOnlineEpisodes::new(Default::default())?;
/// env.reset(Some(1), &ResetOptions::default())?;
/// let step = env.step(&SpaceElement::MultiDiscrete(vec![1, 1, 2, 5, 7]))?;
/// assert!(step.reward < 0.0 && !step.terminated);
/// assert_eq!(check_environment(&mut DramOnlineEpisodes::new(Default::default())?), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DramOnlineEpisodes {
    online: DramOnline,
    action_space: Space,
    observation_space: Space,
    /// The seed of the episode, and of the next that is given none.
    seed: u64,
    is_open: bool,
    was_reset: bool,
}

impl DramOnlineEpisodes {
    /// Episodes of this traffic on this memory.
    ///
    /// # Errors
    /// [`ConfigError`] if a setting cannot be used.
    pub fn new(config: DramOnlineConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            online: DramOnline::new(config)?,
            action_space: MultiDiscrete::new(ONLINE_LEVELS.map(u64::from).to_vec()).into(),
            observation_space: spaces::Box::bounded(0.0, 1.0, N_ONLINE_OBSERVATIONS).into(),
            seed: 0,
            is_open: false,
            was_reset: false,
        })
    }
}

impl Environment for DramOnlineEpisodes {
    fn action_space(&self) -> &Space {
        &self.action_space
    }

    fn observation_space(&self) -> &Space {
        &self.observation_space
    }

    /// Begins an episode with the traffic of the seed; without one, with that of the number after the last.
    fn reset(&mut self, seed: Option<u64>, options: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        if options.exploring_start != 0 {
            return Err(EnvironmentError::Option {
                option: "exploring_start",
                got: options.exploring_start.to_string(),
                expected: "0, because every window is a decision".to_owned(),
            });
        }
        self.seed = match seed {
            Some(seed) => seed,
            None if self.was_reset => self.seed.wrapping_add(1),
            None => 0,
        };
        self.online.reset(Seed::new(self.seed));
        (self.is_open, self.was_reset) = (true, true);
        Ok((SpaceElement::Box(vec![0.0; N_ONLINE_OBSERVATIONS]), Info::default()))
    }

    fn step(&mut self, action: &SpaceElement) -> Result<Step, EnvironmentError> {
        if !self.is_open {
            return Err(EnvironmentError::reset_needed(self.was_reset));
        }
        let levels = match action {
            SpaceElement::MultiDiscrete(numbers) if self.action_space.contains(action) => {
                std::array::from_fn(|index| numbers[index] as u32)
            }
            _ => return Err(EnvironmentError::action_outside(action, &self.action_space)),
        };
        let window = self.online.act(levels);
        let names = ["time_s", "latency_mean_s", "latency_max_s", "energy_j"];
        let values = [window.time_s, window.latency_mean_s, window.latency_max_s, window.energy_j];
        let metrics = names.map(str::to_owned).into_iter().zip(values).collect();
        let terminated = self.online.is_over();
        self.is_open = !terminated;
        Ok(Step {
            observation: SpaceElement::Box(self.online.observation(&window).to_vec()),
            reward: self.online.reward(&window),
            terminated,
            truncated: false,
            info: Info { metrics, ..Info::default() },
        })
    }
}
