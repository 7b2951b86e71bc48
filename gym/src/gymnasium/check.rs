//! The conformance check of Gymnasium environments.

use tapeout_core::Seed;
use tapeout_core::check::Findings;

use super::environment::{Beginning, Environment, EnvironmentError, Info, ResetOptions, Step};
use super::spaces::{Space, SpaceElement};
use super::task::MASKED_ACTION;

/// How many episodes are played, each of them twice.
const EPISODES: u64 = 8;
/// After how many steps an episode counts as endless.
const ENDLESS: usize = 10_000;

/// Checks that a freshly made environment keeps the contract of [`Environment`], on a few random episodes.
///
/// # Errors
/// [`Findings`]: every departure, with how to mend it.
///
/// ```
/// # use std::sync::Arc;
/// # use tapeout::core::{check::toy::Toy, Goal, Objective};
/// use tapeout::gymnasium::{DesignTask, RewardPolicy, WholeDesign, check_environment};
///
/// let goal = Goal { objectives: vec![Objective::minimize("distance")], constraints: Vec::new() };
/// let task = DesignTask::new(Arc::new(Toy::bowl()), goal, RewardPolicy::weighted_sum())?;
/// assert_eq!(check_environment(&mut WholeDesign::new(task)), Ok(()));
/// # Ok::<(), tapeout::gymnasium::TaskError>(())
/// ```
pub fn check_environment(env: &mut dyn Environment) -> Result<(), Findings> {
    let mut findings = Findings::default();
    let action = env.action_space().sample(&mut Seed::new(0).stream("check_environment"), None);
    findings.require(
        matches!(env.step(&action), Err(EnvironmentError::ResetNeeded { .. })),
        || "step works before the first reset".to_owned(),
        "return EnvironmentError::ResetNeeded until reset was called",
    );
    for seed in 0..EPISODES {
        let Some(first) = play(env, Some(seed), &mut findings) else { break };
        let Some(second) = play(env, Some(seed), &mut findings) else { break };
        findings.require(
            first.0 == second.0,
            || format!("two resets with seed {seed} begin differently"),
            "seed all randomness in reset(Some(seed)), and carry nothing over from the episode before",
        );
        findings.require(
            first.1 == second.1,
            || format!("with seed {seed}, the same actions lead to different steps"),
            "draw all randomness from the generator that reset(Some(seed)) seeds",
        );
    }
    play(env, None, &mut findings);
    findings.into_result()
}

/// The beginning of an episode, and its steps.
type Played = (Beginning, Vec<Step>);

/// Plays an episode to its end with random actions under the mask; none if it could not be played.
fn play(env: &mut dyn Environment, seed: Option<u64>, findings: &mut Findings) -> Option<Played> {
    let (action_space, observation_space) = (env.action_space().clone(), env.observation_space().clone());
    let begun = match env.reset(seed, &ResetOptions::default()) {
        Ok(begun) => begun,
        Err(error) => {
            let seen = || format!("reset failed: {error}");
            findings.require(false, seen, "accept any seed, or none, with the default options");
            return None;
        }
    };
    check_observation(&begun.0, &observation_space, "reset", findings);
    findings.require(
        env.step(&outside(&action_space)).is_err(),
        || "an action that is not in the action space is accepted".to_owned(),
        "return EnvironmentError::ActionOutside unless action_space().contains(action)",
    );
    let mut rng = Seed::new(seed.unwrap_or(EPISODES)).stream("check_environment actions");
    let mut steps: Vec<Step> = Vec::new();
    loop {
        let info = steps.last().map_or(&begun.1, |step| &step.info);
        check_mask(info, &action_space, findings)?;
        let action = action_space.sample(&mut rng, info.action_mask.as_ref());
        let step = match env.step(&action) {
            Ok(step) => step,
            Err(error) => {
                let seen = || format!("step failed on {action:?}: {error}");
                findings.require(false, seen, "accept every action of the action space");
                return None;
            }
        };
        let was_masked = info.action_mask.is_some();
        check_step(&step, &action, was_masked, findings);
        check_observation(&step.observation, &observation_space, "step", findings);
        let is_over = step.terminated || step.truncated;
        steps.push(step);
        if is_over {
            break;
        }
        let seen = || format!("an episode is not over after {ENDLESS} steps");
        let remedy = "end it with terminated, or wrap the environment in TimeLimit";
        if !findings.require(steps.len() < ENDLESS, seen, remedy) {
            return None;
        }
    }
    let action = action_space.sample(&mut rng, None);
    findings.require(
        matches!(env.step(&action), Err(EnvironmentError::ResetNeeded { .. })),
        || "step works after the end of an episode".to_owned(),
        "return EnvironmentError::ResetNeeded from the end of an episode until reset is called",
    );
    findings.require(
        *env.action_space() == action_space && *env.observation_space() == observation_space,
        || "the spaces changed during an episode".to_owned(),
        "keep the spaces as they are, and mask actions that are not possible now",
    );
    Some((begun, steps))
}

fn check_observation(observation: &SpaceElement, space: &Space, from: &str, findings: &mut Findings) {
    findings.require(
        space.contains(observation),
        || format!("the observation of {from}, {observation:?}, is not in the observation space {space}"),
        "widen the observation space, or return what it says",
    );
}

/// None if no action can be drawn under the mask.
fn check_mask(info: &Info, space: &Space, findings: &mut Findings) -> Option<()> {
    let Some(mask) = &info.action_mask else { return Some(()) };
    let is_shaped = findings.require(
        space.fits(mask),
        || format!("the action mask {mask:?} is not of the shape of {space}"),
        "give one entry for each action",
    );
    let allows = findings.require(
        mask.allows_any(),
        || "an action mask allows nothing although the episode goes on".to_owned(),
        "terminate the episode when nothing is left to do",
    );
    (is_shaped && allows).then_some(())
}

fn check_step(step: &Step, action: &SpaceElement, was_masked: bool, findings: &mut Findings) {
    findings.require(
        step.reward.is_finite(),
        || format!("the reward of {action:?} is {}", step.reward),
        "reward what is infeasible with a finite number of its own",
    );
    let is_refused = step.info.infeasible.as_ref().is_some_and(|infeasible| infeasible.rule == MASKED_ACTION);
    findings.require(
        !(was_masked && is_refused),
        || format!("the action {action:?}, which the mask allows, is refused as masked"),
        "allow exactly what the next step accepts",
    );
}

/// An element that is not in the space.
fn outside(space: &Space) -> SpaceElement {
    match space {
        Space::Discrete(space) => SpaceElement::Discrete(space.start().wrapping_sub(1)),
        Space::MultiDiscrete(space) => SpaceElement::MultiDiscrete(vec![0; space.nvec().len() + 1]),
        Space::Box(space) => SpaceElement::Box(vec![0.0; space.low().len() + 1]),
        Space::Dict(_) => SpaceElement::Discrete(0),
    }
}
