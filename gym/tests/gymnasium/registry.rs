//! Ids and making environments.

use serde_json::json;
use tapeout::gymnasium::spaces::SpaceElement;
use tapeout::gymnasium::{
    AutoresetMode, EpisodeStyle, MakeOptions, RewardPolicy, VectorError, ids, make, make_vec,
};
use tapeout::prelude::*;

use super::toys::{begin, catalog};

fn refusal(id: &str, options: &MakeOptions) -> String {
    make(&catalog(), id, options).err().expect("it is refused").to_string()
}

#[test]
fn ids_are_made_from_the_catalog() {
    assert_eq!(ids(&catalog()), ["tapeout/DeepBowl-v2", "tapeout/TiedSizes4d-v0"]);
}

#[test]
fn every_environment_is_made_by_its_id_in_both_styles() {
    for id in ids(&catalog()) {
        for episode in [EpisodeStyle::WholeDesign, EpisodeStyle::ParameterByParameter] {
            let mut env = make(&catalog(), &id, &MakeOptions { episode, ..MakeOptions::default() }).unwrap();
            let is_whole = env.action_space().to_string().starts_with("MultiDiscrete");
            assert_eq!(is_whole, episode == EpisodeStyle::WholeDesign);
            begin(env.as_mut(), Some(1));
        }
    }
}

#[test]
fn without_a_version_there_is_the_version_there_is() {
    let env = make(&catalog(), "tapeout/DeepBowl", &MakeOptions::default()).unwrap();
    assert_eq!(env.action_space().to_string(), "MultiDiscrete([16 16 16 16 16 3])");
}

#[test]
fn another_version_is_not_taken_for_an_unknown_name() {
    let expected =
        "environment `tapeout/DeepBowl-v3` does not exist; the version there is: `tapeout/DeepBowl-v2`";
    assert_eq!(refusal("tapeout/DeepBowl-v3", &MakeOptions::default()), expected);
}

#[test]
fn an_unknown_id_suggests_the_nearest() {
    for near in ["tapeout/DeepBowel-v2", "DeepBowl-v2", "gym/DeepBowl-v2", "tapeout/deep-bowl-v2"] {
        let expected = format!("unknown environment `{near}`; did you mean `tapeout/DeepBowl-v2`?");
        assert_eq!(refusal(near, &MakeOptions::default()), expected);
    }
    let far = refusal("CartPole", &MakeOptions::default());
    assert_eq!(far, "unknown environment `CartPole`; there are tapeout/DeepBowl-v2, tapeout/TiedSizes4d-v0");
}

#[test]
fn options_that_do_not_suit_are_refused_by_name() {
    let id = "tapeout/DeepBowl-v2";
    let config = MakeOptions { config: json!({ "depth": 3 }), ..MakeOptions::default() };
    assert!(refusal(id, &config).contains("`depth`"), "{}", refusal(id, &config));
    let goal = Goal { objectives: vec![Objective::minimize("distanse")], constraints: Vec::new() };
    let goal = MakeOptions { goal: Some(goal), ..MakeOptions::default() };
    assert!(refusal(id, &goal).contains("did you mean `distance`?"), "{}", refusal(id, &goal));
    let reward = MakeOptions { reward: Some(RewardPolicy::target(vec![1.0, 2.0])), ..MakeOptions::default() };
    assert!(refusal(id, &reward).contains("`targets`"), "{}", refusal(id, &reward));
}

/// Maximised, the distance 0 of the best design still is worth 0, and any other is worth more.
#[test]
fn a_goal_takes_the_place_of_the_environments_own() {
    let goal = Goal { objectives: vec![Objective::maximize("distance")], constraints: Vec::new() };
    let reward = Some(RewardPolicy::weighted_sum());
    let options = MakeOptions { goal: Some(goal), reward, ..MakeOptions::default() };
    let mut env = make(&catalog(), "tapeout/DeepBowl-v2", &options).unwrap();
    begin(env.as_mut(), None);
    assert_eq!(env.step(&SpaceElement::MultiDiscrete(vec![13, 3, 7, 12, 5, 2])).unwrap().reward, 4.0);
}

#[test]
fn a_vector_is_made_by_id_too() {
    let made = |n| {
        make_vec(&catalog(), "tapeout/TiedSizes4d-v0", n, &MakeOptions::default(), AutoresetMode::default())
    };
    assert_eq!(made(3).unwrap().n_envs(), 3);
    assert_eq!(made(0).err().unwrap().to_string(), VectorError::Empty.to_string());
}
