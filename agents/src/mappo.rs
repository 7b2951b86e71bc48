//! Multi-agent PPO: an actor for each group of parameters, all after the same reward.
//!
//! Sources: Krishnan et al. (2022), "Multi-agent reinforcement learning for microprocessor design space exploration",
//! arXiv:2211.16385, for one agent to a parameter; Yu et al. (2022), "The surprising effectiveness of PPO in cooperative multi-agent
//! games", arXiv:2103.01955, for the critic that all agents share; de Witt et al. (2020), "Is independent learning all you need in the
//! StarCraft multi-agent challenge?", arXiv:2011.09533, for a critic each.
//! Departs from them: actors take turns and see what was decided before theirs, so that each can keep to the rules of the
//! space; they and their critics are trained as in [`crate::ppo`], with its hyperparameters.

use serde::{Deserialize, Serialize};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, DesignSpace, ObjectiveSupport, Problem, Seed, Trial,
};

use crate::ppo::{self, Critics, Proximal};

/// Hyperparameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappoConfig {
    /// The parameters of each agent, by name. Those not named have an agent each.
    pub groups: Vec<Vec<String>>,
    /// One critic for all agents, or one for each.
    pub critics: Critics,
    /// How actors and critics learn.
    pub ppo: ppo::PpoConfig,
}

impl Default for MappoConfig {
    /// An agent to a parameter, as in Krishnan et al. (2022); a shared critic, as in Yu et al. (2022), section 3.
    fn default() -> Self {
        Self { groups: Vec::new(), critics: Critics::Shared, ppo: ppo::PpoConfig::default() }
    }
}

/// Actors that take turns.
pub struct Mappo(Proximal);

/// The parameters of each agent: `names`, then each of the others by itself.
///
/// # Errors
/// [`ConfigError`] if a name is unknown or stands twice, or a group is empty.
fn groups(space: &DesignSpace, names: &[Vec<String>]) -> Result<Vec<Vec<usize>>, ConfigError> {
    let mut is_taken = vec![false; space.n_parameters()];
    let mut groups = Vec::new();
    for (group_index, group) in names.iter().enumerate() {
        if group.is_empty() {
            return Err(ConfigError::new(
                format!("groups[{group_index}]"),
                "got no parameter, expected one or more",
            ));
        }
        let mut members = Vec::new();
        for (name_index, name) in group.iter().enumerate() {
            let at = || format!("groups[{group_index}][{name_index}]");
            let index = space.index_of(name).map_err(|error| ConfigError::new(at(), error.to_string()))?;
            if std::mem::replace(&mut is_taken[index], true) {
                return Err(ConfigError::new(at(), format!("parameter `{name}` already has an agent")));
            }
            members.push(index);
        }
        groups.push(members);
    }
    groups.extend((0..space.n_parameters()).filter(|&index| !is_taken[index]).map(|index| vec![index]));
    Ok(groups)
}

impl Agent for Mappo {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.0.suggest(count)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.0.observe(trials)
    }
}

impl BuildAgent for Mappo {
    const ID: &'static str = "mappo";
    const SUMMARY: &'static str = "Multi-agent PPO: an actor for each group of parameters";
    const DESCRIPTION: &'static str = include_str!("mappo.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::One;
    type Config = MappoConfig;

    fn build(problem: &Problem, config: MappoConfig, seed: Seed) -> Result<Self, ConfigError> {
        let within_ppo = |error: ConfigError| ConfigError::new(format!("ppo.{}", error.field), error.message);
        config.ppo.check().map_err(within_ppo)?;
        let groups = groups(problem.space(), &config.groups)?;
        Ok(Self(Proximal::new(problem, config.ppo, seed, &groups, config.critics)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::Env;
    use tapeout_core::check::toy::Toy;

    fn named(groups: &[&[&str]]) -> Vec<Vec<String>> {
        groups.iter().map(|group| group.iter().map(|&name| name.to_owned()).collect()).collect()
    }

    #[test]
    fn parameters_not_named_have_an_agent_each() {
        let toy = Toy::bowl();
        let found = groups(toy.space(), &named(&[&["e", "b"], &["order"]])).unwrap();
        assert_eq!(found, [vec![4, 1], vec![5], vec![0], vec![2], vec![3]]);
    }

    #[test]
    fn groups_that_make_no_sense_are_refused_by_place() {
        let toy = Toy::bowl();
        for (given, expected) in [
            (named(&[&["a"], &["b", "a"]]), "`groups[1][1]`: parameter `a` already has an agent"),
            (named(&[&["a"], &[]]), "`groups[1]`: got no parameter, expected one or more"),
        ] {
            assert_eq!(groups(toy.space(), &given).unwrap_err().to_string(), expected);
        }
        let error = groups(toy.space(), &named(&[&["ordr"]])).unwrap_err().to_string();
        assert!(error.contains("groups[0][0]") && error.contains("order"), "{error}");
    }

    #[test]
    fn settings_of_ppo_are_refused_by_place() {
        let config = MappoConfig {
            ppo: ppo::PpoConfig { clip_range: 2.0, ..Default::default() },
            ..Default::default()
        };
        let error = Mappo::build(&Toy::bowl().problem(), config, Seed::new(0)).err().map(|error| error.field);
        assert_eq!(error.as_deref(), Some("ppo.clip_range"));
    }
}
