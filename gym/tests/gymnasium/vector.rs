//! Vectors of environments.

use std::collections::BTreeSet;

use rayon::ThreadPoolBuilder;
use tapeout::core::check::toy::Toy;
use tapeout::gymnasium::spaces::SpaceElement;
use tapeout::gymnasium::{
    AutoresetMode, Environment, ParameterByParameter, ResetOptions, VectorEnvironment, VectorError,
    VectorStep, WholeDesign,
};
use tapeout::prelude::*;

use super::toys::{Device, begin, task};

const N: usize = 5;
const STARTS: ResetOptions = ResetOptions { exploring_start: 2 };

fn tied_vector(autoreset: AutoresetMode) -> VectorEnvironment<ParameterByParameter> {
    let task = task(Toy::tied());
    let envs = (0..N).map(|_| ParameterByParameter::new(task.clone())).collect();
    VectorEnvironment::new(envs, autoreset).unwrap()
}

/// Random actions under the masks, for 30 steps.
fn run(env: &mut VectorEnvironment<ParameterByParameter>) -> Vec<VectorStep> {
    let mut rng = Seed::new(3).stream("test");
    let (_, mut infos) = env.reset(Some(11), &STARTS).unwrap();
    let mut steps = Vec::new();
    for _ in 0..30 {
        let space = env.single_action_space();
        let actions: Vec<SpaceElement> =
            infos.iter().map(|info| space.sample(&mut rng, info.action_mask.as_ref())).collect();
        let step = env.step(&actions).unwrap();
        infos.clone_from(&step.infos);
        steps.push(step);
    }
    steps
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for autoreset in [AutoresetMode::NextStep, AutoresetMode::SameStep] {
        let on = |n_threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| run(&mut tied_vector(autoreset)))
        };
        assert_eq!(on(1), on(4));
    }
}

/// Environment `i` is seeded with 11 + i, and begins again on its own when its episode is over.
#[test]
fn a_vector_does_what_its_environments_do_one_by_one() {
    let mut vector = tied_vector(AutoresetMode::SameStep);
    let together = run(&mut vector);
    let mut rng = Seed::new(3).stream("test");
    let task = task(Toy::tied());
    let mut envs: Vec<_> = (0..N).map(|_| ParameterByParameter::new(task.clone())).collect();
    let mut infos: Vec<_> =
        envs.iter_mut().zip(11..).map(|(env, seed)| env.reset(Some(seed), &STARTS).unwrap().1).collect();
    let mut starts = BTreeSet::new();
    for step in together {
        for (index, env) in envs.iter_mut().enumerate() {
            let action = env.action_space().sample(&mut rng, infos[index].action_mask.as_ref());
            let alone = env.step(&action).unwrap();
            assert_eq!(step.rewards[index], alone.reward);
            assert_eq!(step.terminations[index], alone.terminated);
            assert_eq!(step.truncations[index], alone.truncated);
            if alone.terminated {
                let last = step.infos[index].last.as_ref().unwrap();
                assert_eq!(**last, (alone.observation, alone.info));
                let (observation, info) = env.reset(None, &STARTS).unwrap();
                assert_eq!(step.observations[index], observation);
                starts.insert(format!("{observation:?}"));
                infos[index] = info;
            } else {
                assert_eq!(step.observations[index], alone.observation);
                infos[index] = alone.info;
            }
        }
    }
    assert!(starts.len() > 1, "the vector begins every episode alike");
}

/// One-step episodes: every other step is a reset whose action is ignored.
#[test]
fn by_default_an_episode_begins_in_the_step_after_the_last() {
    let envs = vec![WholeDesign::new(task(Toy::bowl()))];
    let mut vector = VectorEnvironment::new(envs, AutoresetMode::default()).unwrap();
    let (first, _) = vector.reset(None, &ResetOptions::default()).unwrap();
    let best = [SpaceElement::MultiDiscrete(vec![13, 3, 7, 12, 5, 2])];
    for _ in 0..3 {
        let step = vector.step(&best).unwrap();
        assert_eq!((step.rewards[0], step.terminations[0]), (-4.0, true));
        assert_ne!(step.observations, first);
        let step = vector.step(&best).unwrap();
        assert_eq!((step.rewards[0], step.terminations[0], step.truncations[0]), (0.0, false, false));
        assert_eq!(step.observations, first);
        assert!(step.infos[0].last.is_none());
    }
}

#[test]
fn one_device_is_never_asked_twice_at_once() {
    let task = Device::task();
    let mut first = WholeDesign::new(task.clone());
    begin(&mut first, None);
    assert!(first.step(&SpaceElement::MultiDiscrete(vec![0; 5])).is_err(), "the device fails the first time");
    let envs = (0..16).map(|_| WholeDesign::new(task.clone())).collect();
    let mut vector = VectorEnvironment::new(envs, AutoresetMode::SameStep).unwrap();
    vector.reset(None, &ResetOptions::default()).unwrap();
    let actions = vec![SpaceElement::MultiDiscrete(vec![1; 5]); 16];
    let pool = ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    pool.install(|| (0..20).for_each(|_| assert_eq!(vector.step(&actions).unwrap().rewards.len(), 16)));
}

#[test]
fn a_failure_names_its_environment() {
    let envs = vec![WholeDesign::new(task(Toy::tradeoff())), WholeDesign::new(Device::task())];
    let mut vector = VectorEnvironment::new(envs, AutoresetMode::default()).unwrap();
    vector.reset(None, &ResetOptions::default()).unwrap();
    let actions = vec![SpaceElement::MultiDiscrete(vec![0; 5]); 2];
    assert!(matches!(vector.step(&actions), Err(VectorError::Member { index: 1, .. })));
}

#[test]
fn what_makes_no_vector_is_refused() {
    let other = vec![WholeDesign::new(task(Toy::bowl())), WholeDesign::new(task(Toy::tied()))];
    let error = VectorEnvironment::new(other, AutoresetMode::default()).err().unwrap();
    assert_eq!(error.to_string(), "environment 1 of the vector has other spaces than environment 0");
    let none: Vec<WholeDesign> = Vec::new();
    assert!(matches!(VectorEnvironment::new(none, AutoresetMode::default()), Err(VectorError::Empty)));
    let mut vector = tied_vector(AutoresetMode::default());
    let error = vector.step(&[SpaceElement::Discrete(0)]).unwrap_err();
    assert_eq!(error.to_string(), "got 1 actions for 5 environments");
}
