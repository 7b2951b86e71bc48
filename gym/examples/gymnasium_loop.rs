//! A reinforcement learner's loop: four environments, one parameter a step, random actions under the mask.

use std::sync::Arc;

use tapeout::core::check::toy::Toy;
use tapeout::gymnasium::wrappers::RecordEpisodeStatistics;
use tapeout::gymnasium::{
    AutoresetMode, DesignTask, ParameterByParameter, ResetOptions, RewardPolicy, VectorEnvironment,
};
use tapeout::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // For an environment of the catalog: `make_vec(&tapeout::builtin(), "tapeout/EdgeAccelerator-v4", ..)`.
    let goal = Goal { objectives: vec![Objective::minimize("spread")], constraints: Vec::new() };
    let task = DesignTask::new(Arc::new(Toy::tied()), goal, RewardPolicy::weighted_sum())?;
    let envs =
        (0..4).map(|_| RecordEpisodeStatistics::new(ParameterByParameter::new(task.clone()))).collect();
    let mut envs = VectorEnvironment::new(envs, AutoresetMode::SameStep)?;

    let mut rng = Seed::new(0).stream("actions");
    let mut best = f64::NEG_INFINITY;
    let mut n_episodes = 0;
    let (_, mut infos) = envs.reset(Some(1), &ResetOptions::default())?;
    for _ in 0..500 {
        let space = envs.single_action_space();
        let actions: Vec<_> =
            infos.iter().map(|info| space.sample(&mut rng, info.action_mask.as_ref())).collect();
        let step = envs.step(&actions)?;
        for (_, last) in step.infos.iter().filter_map(|info| info.last.as_deref()) {
            let episode = last.episode.expect("statistics come with the end of an episode");
            best = best.max(episode.total_reward);
            n_episodes += 1;
        }
        infos = step.infos;
    }
    // 4 environments, 5 steps an episode, 500 steps.
    assert_eq!(n_episodes, 400);
    // The best of the 37 legal designs spreads over 14.
    assert_eq!(best, -14.0);
    Ok(())
}
