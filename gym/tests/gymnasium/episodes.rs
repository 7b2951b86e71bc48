//! Both episode styles.

use std::collections::BTreeSet;
use std::sync::Arc;

use tapeout::core::check::toy::Toy;
use tapeout::gymnasium::spaces::{Space, SpaceElement};
use tapeout::gymnasium::{
    DesignTask, Environment, EnvironmentError, Failures, Infeasibility, MASKED_ACTION, ParameterByParameter,
    ResetOptions, RewardPolicy, WholeDesign,
};
use tapeout::prelude::*;

use super::toys::{Device, allowed, begin, goal_of, play, task};

fn whole(levels: &[i64]) -> SpaceElement {
    SpaceElement::MultiDiscrete(levels.to_vec())
}

/// One level beside the optimum in the first parameter: distance 1, so reward -1.
#[test]
fn a_whole_design_is_measured_rewarded_and_terminated_in_one_step() {
    let mut env = WholeDesign::new(task(Toy::bowl()));
    let (observation, _) = begin(&mut env, None);
    let mut nothing_decided = vec![0.0; 18];
    nothing_decided[2] = 1.0; // the first parameter is to be decided now
    assert_eq!(observation, SpaceElement::Box(nothing_decided));
    let step = env.step(&whole(&[12, 3, 7, 12, 5, 2])).unwrap();
    assert!(step.terminated && !step.truncated);
    assert_eq!(step.reward, -1.0);
    assert_eq!(step.info.metrics["distance"], 1.0);
    assert_eq!(step.info.constraint_violation, Some(0.0));
    assert_eq!(step.info.design.unwrap().levels(), [12, 3, 7, 12, 5, 2]);
    let SpaceElement::Box(seen) = step.observation else { panic!("observations are boxes") };
    assert_eq!(seen[..3], [12.0 / 15.0, 1.0, 0.0]);
}

/// Levels 15 and 15 add up to 30, which is 11 beyond the 19 that fit.
#[test]
fn an_infeasible_design_carries_its_rule_and_no_metrics() {
    let mut env = WholeDesign::new(task(Toy::bowl()));
    begin(&mut env, None);
    let step = env.step(&whole(&[15, 15, 0, 0, 0, 0])).unwrap();
    assert!(step.terminated);
    assert_eq!(step.reward, -1.0);
    assert_eq!(step.info.infeasible, Some(Infeasibility { rule: "too_wide".to_owned(), violation: 11.0 }));
    assert!(step.info.metrics.is_empty() && step.info.constraint_violation.is_none());
}

/// Sizes 1, 2, 1, 1: 2 does not divide 1.
#[test]
fn levels_that_break_a_rule_of_the_space_end_the_episode_with_that_rule() {
    let mut env = WholeDesign::new(task(Toy::tied()));
    begin(&mut env, None);
    let step = env.step(&whole(&[0, 1, 0, 0, 0])).unwrap();
    assert!(step.terminated && step.info.design.is_none());
    assert_eq!(step.info.infeasible.unwrap().rule, "b_in_a");
    assert_eq!(step.reward, -1.0);
}

/// Distance 4 against a limit of 2 is once the limit beyond it: reward -4 - 1.
#[test]
fn a_constraint_of_the_goal_shows_in_reward_and_info() {
    let toy = Toy::bowl();
    let mut goal = goal_of(&toy);
    goal.constraints.push(Constraint::at_most("distance", 2.0));
    let task = DesignTask::new(Arc::new(toy), goal, RewardPolicy::weighted_sum()).unwrap();
    let mut env = WholeDesign::new(task);
    begin(&mut env, None);
    let step = env.step(&whole(&[13, 3, 7, 12, 5, 2])).unwrap();
    assert_eq!((step.reward, step.info.constraint_violation), (-5.0, Some(1.0)));
    assert!(step.info.infeasible.is_none());
}

#[test]
fn stepping_without_an_episode_is_an_error_until_reset() {
    let whole: Box<dyn Environment> = Box::new(WholeDesign::new(task(Toy::tied())));
    let by_parameter: Box<dyn Environment> = Box::new(ParameterByParameter::new(task(Toy::tied())));
    for mut env in [whole, by_parameter] {
        let action = env.action_space().sample(&mut Seed::new(0).stream("test"), None);
        let error = env.step(&action).unwrap_err();
        assert_eq!(error.to_string(), "step was called before the first reset; call reset first");
        play(env.as_mut(), 0);
        let error = env.step(&action).unwrap_err();
        assert_eq!(error.to_string(), "step was called after the episode ended; call reset first");
        begin(env.as_mut(), None);
        assert!(env.step(&action).is_ok());
    }
}

#[test]
fn an_action_outside_the_space_is_an_error_and_changes_nothing() {
    let mut env = ParameterByParameter::new(task(Toy::bowl()));
    begin(&mut env, None);
    let error = env.step(&SpaceElement::Discrete(16)).unwrap_err();
    assert_eq!(error.to_string(), "action Discrete(16) is not in the action space Discrete(16)");
    assert_eq!(env.step(&SpaceElement::Discrete(15)).unwrap().reward, 0.0);
}

#[test]
fn a_step_whose_evaluation_failed_can_be_tried_again() {
    let mut env = WholeDesign::new(Device::task());
    begin(&mut env, None);
    let action = whole(&[0; 5]);
    let error = env.step(&action).unwrap_err();
    assert!(
        matches!(&error, EnvironmentError::Evaluation(cause) if cause.to_string() == "the device does not answer")
    );
    assert!(env.step(&action).unwrap().terminated);
    let mut env = ParameterByParameter::new(Device::task());
    begin(&mut env, None);
    for _ in 0..4 {
        env.step(&SpaceElement::Discrete(0)).unwrap();
    }
    assert!(env.step(&SpaceElement::Discrete(0)).is_err());
    assert!(env.step(&SpaceElement::Discrete(0)).unwrap().terminated);
}

/// Claim: where failures are to end an episode, they have the reward of what cannot be built, and their cause.
#[test]
fn an_episode_ends_with_the_cause_of_a_failed_evaluation_if_it_is_to() {
    let task = Device::task().with_failures(Failures::End);
    let reward = task.reward().infeasible;
    let mut env = WholeDesign::new(task);
    begin(&mut env, None);
    let step = env.step(&whole(&[0; 5])).unwrap();
    assert_eq!((step.reward, step.terminated), (reward, true));
    assert_eq!(step.info.failed.as_deref(), Some("the device does not answer"));
    assert!(step.info.infeasible.is_none() && step.info.metrics.is_empty());
}

/// Follows every action that the masks allow, to every end.
fn reach_all(env: &mut ParameterByParameter, taken: &mut Vec<i64>, reached: &mut BTreeSet<Vec<u32>>) {
    let (_, mut info) = begin(env, None);
    for &action in taken.iter() {
        let step = env.step(&SpaceElement::Discrete(action)).unwrap();
        assert!(step.info.infeasible.is_none(), "an allowed action was refused: {step:?}");
        if let Some(design) = &step.info.design {
            reached.insert(design.levels().to_vec());
            return;
        }
        info = step.info;
    }
    for action in allowed(&info) {
        taken.push(action);
        reach_all(env, taken, reached);
        taken.pop();
    }
}

/// Law, on a space in which rules leave 37 of 7,203 combinations.
#[test]
fn the_masks_lead_to_every_legal_design_and_to_no_other() {
    let toy = Toy::tied();
    let legal: BTreeSet<Vec<u32>> = toy.space().iter().map(|design| design.levels().to_vec()).collect();
    let mut reached = BTreeSet::new();
    reach_all(&mut ParameterByParameter::new(task(toy)), &mut Vec::new(), &mut reached);
    assert_eq!(reached, legal);
}

/// Without rules a mask allows exactly the levels of the parameter at hand: 16 each, and 3 for the last.
#[test]
fn every_level_of_every_parameter_can_be_chosen() {
    let toy = Toy::bowl();
    let n_levels: Vec<u32> = toy.space().parameters().iter().map(Parameter::n_levels).collect();
    let mut env = ParameterByParameter::new(task(toy));
    let (_, mut info) = begin(&mut env, None);
    for n in n_levels {
        assert_eq!(allowed(&info), (0..i64::from(n)).collect::<Vec<_>>());
        info = env.step(&SpaceElement::Discrete(0)).unwrap().info;
    }
    assert!(info.action_mask.is_none() && info.design.is_some());
}

#[test]
fn a_masked_action_ends_the_episode_as_infeasible() {
    let mut env = ParameterByParameter::new(task(Toy::tied()));
    let (before, info) = begin(&mut env, None);
    let Space::Discrete(actions) = env.action_space().clone() else { panic!("actions are discrete") };
    let masked = (0..actions.n() as i64).find(|action| !allowed(&info).contains(action)).unwrap();
    let step = env.step(&SpaceElement::Discrete(masked)).unwrap();
    assert!(step.terminated);
    assert_eq!((step.reward, step.observation), (-1.0, before));
    assert_eq!(step.info.infeasible.unwrap().rule, MASKED_ACTION);
}

/// Only the last step is rewarded, as the one-step episode rewards the same design.
#[test]
fn both_styles_agree_on_what_a_design_is_worth() {
    let mut whole = WholeDesign::new(task(Toy::tied()));
    let mut by_parameter = ParameterByParameter::new(task(Toy::tied()));
    for seed in 0..20 {
        let mut steps = play(&mut by_parameter, seed);
        let last = steps.pop().unwrap();
        assert!(steps.iter().all(|step| step.reward == 0.0 && !step.terminated && !step.truncated));
        let levels =
            last.info.design.clone().unwrap().levels().iter().map(|&level| i64::from(level)).collect();
        begin(&mut whole, None);
        assert_eq!(whole.step(&SpaceElement::MultiDiscrete(levels)).unwrap(), last);
    }
}

fn exploring(env: &mut ParameterByParameter, seed: Option<u64>) -> SpaceElement {
    env.reset(seed, &ResetOptions { exploring_start: 4 }).unwrap().0
}

/// Four of 16 levels each: two draws are alike with odds of 16^-4, ten with 10^-48.
#[test]
fn a_seed_begins_the_randomness_anew_and_no_seed_goes_on_with_it() {
    let mut env = ParameterByParameter::new(task(Toy::bowl()));
    let unseeded: Vec<SpaceElement> = (0..10).map(|_| exploring(&mut env, None)).collect();
    let mut run = |seed: u64| -> Vec<SpaceElement> {
        (0..10).map(|index| exploring(&mut env, (index == 0).then_some(seed))).collect()
    };
    let seeded = run(7);
    assert_eq!(run(7), seeded);
    assert_ne!(run(8), seeded);
    assert_eq!(run(0), unseeded, "an environment that was never seeded begins from seed 0");
    assert!(seeded[1..].iter().any(|start| *start != seeded[0]), "reset(None) does not seed again");
}

#[test]
fn an_exploring_start_leaves_the_rest_to_the_learner_and_every_end_legal() {
    let mut env = ParameterByParameter::new(task(Toy::tied()));
    for seed in 0..50 {
        let (_, mut info) = env.reset(Some(seed), &ResetOptions { exploring_start: 3 }).unwrap();
        for is_last in [false, true] {
            let step = env.step(&SpaceElement::Discrete(allowed(&info)[0])).unwrap();
            assert_eq!((step.terminated, step.info.design.is_some()), (is_last, is_last));
            info = step.info;
        }
    }
}

#[test]
fn an_option_that_cannot_be_used_is_named() {
    let options = ResetOptions { exploring_start: 5 };
    let error = ParameterByParameter::new(task(Toy::tied())).reset(None, &options).unwrap_err();
    let text = "reset option `exploring_start`: got 5, expected less than 5, the number of parameters";
    assert_eq!(error.to_string(), text);
    assert!(WholeDesign::new(task(Toy::tied())).reset(None, &options).is_err());
}
