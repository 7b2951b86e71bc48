//! Wrappers.

use std::num::NonZeroU64;

use tapeout::core::check::toy::Toy;
use tapeout::gymnasium::spaces::{Discrete, Space, SpaceElement};
use tapeout::gymnasium::wrappers::{NormalizeObservation, RecordEpisodeStatistics, TimeLimit};
use tapeout::gymnasium::{
    Beginning, Environment, EnvironmentError, EpisodeStatistics, Info, ParameterByParameter, ResetOptions,
    Step, WholeDesign, check_environment,
};

use super::toys::{begin, play, task};

fn limited(max_episode_steps: u64) -> TimeLimit<ParameterByParameter> {
    let limit = NonZeroU64::new(max_episode_steps).unwrap();
    TimeLimit::new(ParameterByParameter::new(task(Toy::tied())), limit)
}

/// An episode of the tied toy takes five steps.
#[test]
fn a_time_limit_truncates_and_does_not_terminate() {
    let ends = |limit: u64| -> Vec<(bool, bool)> {
        play(&mut limited(limit), 0).iter().map(|step| (step.terminated, step.truncated)).collect()
    };
    assert_eq!(ends(3), [(false, false), (false, false), (false, true)]);
    assert_eq!(ends(5).last(), Some(&(true, true)));
    assert_eq!(ends(6).last(), Some(&(true, false)));
}

#[test]
fn after_truncation_a_reset_is_needed_and_gives_all_steps_again() {
    let mut env = limited(3);
    for seed in 0..3 {
        assert_eq!(play(&mut env, seed).len(), 3);
        let again = env.step(&SpaceElement::Discrete(0));
        assert!(matches!(again, Err(EnvironmentError::ResetNeeded { .. })));
    }
}

#[test]
fn statistics_add_up_each_episode_and_keep_the_last_hundred() {
    let mut env = RecordEpisodeStatistics::new(ParameterByParameter::new(task(Toy::tied())));
    for seed in 0..120 {
        let steps = play(&mut env, seed);
        let total_reward = steps.iter().map(|step| step.reward).sum();
        let expected = EpisodeStatistics { total_reward, length: 5 };
        assert_eq!(steps.last().unwrap().info.episode, Some(expected));
        assert!(steps[..4].iter().all(|step| step.info.episode.is_none()));
        assert_eq!(env.recent().last(), Some(&expected));
    }
    assert_eq!((env.n_episodes(), env.recent().len()), (120, 100));
}

#[test]
fn an_episode_that_was_given_up_is_not_counted() {
    let mut env = RecordEpisodeStatistics::new(limited(3));
    begin(&mut env, Some(0));
    let action = env.action_space().sample(&mut tapeout::core::Seed::new(0).stream("test"), None);
    let _ = env.step(&action);
    assert_eq!(play(&mut env, 1).last().unwrap().info.episode.unwrap().length, 3);
}

/// Sees the numbers 0, 1, 2, ... one a step, in episodes of four.
struct Counter {
    seen: f32,
    actions: Space,
    observations: Space,
}

impl Counter {
    fn new() -> Self {
        let observations = tapeout::gymnasium::spaces::Box::bounded(0.0, 1e6, 1).into();
        Self { seen: -1.0, actions: Discrete::new(1).into(), observations }
    }

    fn see(&mut self) -> SpaceElement {
        self.seen += 1.0;
        SpaceElement::Box(vec![self.seen])
    }
}

impl Environment for Counter {
    fn action_space(&self) -> &Space {
        &self.actions
    }
    fn observation_space(&self) -> &Space {
        &self.observations
    }
    fn reset(&mut self, _: Option<u64>, _: &ResetOptions) -> Result<Beginning, EnvironmentError> {
        Ok((self.see(), Info::default()))
    }
    fn step(&mut self, _: &SpaceElement) -> Result<Step, EnvironmentError> {
        let terminated = self.seen as u32 % 4 == 3;
        let observation = self.see();
        Ok(Step { observation, reward: 1.0, terminated, truncated: false, info: Info::default() })
    }
}

fn value(observation: &SpaceElement) -> f64 {
    let SpaceElement::Box(values) = observation else { panic!("observations are boxes") };
    f64::from(values[0])
}

/// After 0, 1, ..., n the mean is n / 2 and the variance n (n + 2) / 12, so n is seen as
/// (n / 2) / sqrt(n (n + 2) / 12), but for the weight 1e-4 of the beginning.
#[test]
fn observations_are_normalized_by_what_was_seen_so_far() {
    let mut env = NormalizeObservation::new(Counter::new()).unwrap();
    begin(&mut env, None);
    for n in 1..50 {
        let seen = value(&env.step(&SpaceElement::Discrete(0)).unwrap().observation);
        let n = f64::from(n);
        let expected = (n / 2.0) / (n * (n + 2.0) / 12.0).sqrt();
        assert!((seen - expected).abs() < 1e-3, "{seen} is not {expected} after {n}");
    }
}

#[test]
fn moments_stay_as_they_are_once_learning_is_off() {
    let mut env = NormalizeObservation::new(Counter::new()).unwrap();
    begin(&mut env, None);
    env.step(&SpaceElement::Discrete(0)).unwrap();
    let learned = env.moments().clone();
    env.set_update_running_mean(false);
    let first = value(&env.step(&SpaceElement::Discrete(0)).unwrap().observation);
    let second = value(&env.step(&SpaceElement::Discrete(0)).unwrap().observation);
    assert_eq!(*env.moments(), learned);
    // One more seen is one standard deviation further: 1 / sqrt(0.25).
    assert!((second - first - 2.0).abs() < 1e-3, "{first}, {second}");
}

#[test]
fn only_boxes_are_normalized() {
    let mut counter = Counter::new();
    counter.observations = Discrete::new(3).into();
    let error = NormalizeObservation::new(counter).err().unwrap();
    assert_eq!(error.to_string(), "observations in Discrete(3) cannot be normalized; expected a Box");
}

#[test]
fn wrapped_environments_keep_the_contract() {
    assert_eq!(check_environment(&mut limited(3)), Ok(()));
    let inner = WholeDesign::new(task(Toy::bowl()));
    assert_eq!(check_environment(&mut RecordEpisodeStatistics::new(inner)), Ok(()));
    let mut frozen = NormalizeObservation::new(WholeDesign::new(task(Toy::bowl()))).unwrap();
    frozen.set_update_running_mean(false);
    assert_eq!(check_environment(&mut frozen), Ok(()));
}
