//! Ids with versions, and making environments by them.

use std::sync::Arc;

use serde_json::Value;
use tapeout_core::names::nearest_name;
use tapeout_core::{BuildEnvError, Catalog, ConfigError, Env, EnvEntry, Goal, UnknownName};

use super::environment::Environment;
use super::parameter_by_parameter::ParameterByParameter;
use super::reward::RewardPolicy;
use super::task::{DesignTask, TaskError};
use super::vector::{AutoresetMode, VectorEnvironment, VectorError};
use super::whole_design::WholeDesign;

const NAMESPACE: &str = "tapeout";

/// How a design is put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EpisodeStyle {
    /// At once, in one step: [`WholeDesign`].
    #[default]
    WholeDesign,
    /// One parameter a step: [`ParameterByParameter`].
    ParameterByParameter,
}

/// What an environment is made with.
#[derive(Debug, Clone, Default)]
pub struct MakeOptions {
    /// How a design is put together.
    pub episode: EpisodeStyle,
    /// What is wanted; the environment's own goal if nothing is said.
    pub goal: Option<Goal>,
    /// The environment's settings; what is absent keeps its default.
    pub config: Value,
    /// How that is rewarded; if nothing is said, by [`RewardPolicy::relative`], which asks the environment about some designs.
    pub reward: Option<RewardPolicy>,
}

/// The id of an environment of the catalog: `tapeout/EdgeAccelerator-v4` for `edge-accelerator` in version 4.
pub fn id_of(entry: &EnvEntry) -> String {
    let mut name = String::new();
    for word in entry.id.split('-') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    format!("{NAMESPACE}/{name}-v{}", entry.version)
}

/// The ids of all environments of the catalog, in its order.
pub fn ids(catalog: &Catalog) -> Vec<String> {
    catalog.envs().iter().map(id_of).collect()
}

/// Makes the environment with this id. Without `-v0` and the like at its end, in the version there is.
///
/// # Errors
/// [`MakeError`] if there is no such environment, which names the nearest or the version there is; or if an option
/// cannot be used.
pub fn make(catalog: &Catalog, id: &str, options: &MakeOptions) -> Result<Box<dyn Environment>, MakeError> {
    Ok(in_style(task(catalog, id, options)?, options.episode))
}

/// Makes `n` environments with this id that step together and share one evaluator.
///
/// # Errors
/// As [`make`]; and if `n` is 0.
pub fn make_vec(
    catalog: &Catalog,
    id: &str,
    n: usize,
    options: &MakeOptions,
    autoreset: AutoresetMode,
) -> Result<VectorEnvironment<Box<dyn Environment>>, MakeError> {
    let task = task(catalog, id, options)?;
    let envs = (0..n).map(|_| in_style(task.clone(), options.episode)).collect();
    Ok(VectorEnvironment::new(envs, autoreset)?)
}

fn task(catalog: &Catalog, id: &str, options: &MakeOptions) -> Result<DesignTask, MakeError> {
    let (env, default_goal) =
        catalog.build_env(entry(catalog, id)?.id, &options.config).map_err(|error| match error {
            BuildEnvError::UnknownName(error) => MakeError::Unknown(error),
            BuildEnvError::Config(error) => MakeError::Config(error),
        })?;
    let goal = options.goal.clone().unwrap_or(default_goal);
    let env = Arc::<dyn Env>::from(env);
    Ok(match &options.reward {
        Some(reward) => DesignTask::new(env, goal, reward.clone())?,
        None => DesignTask::relative(env, goal)?,
    })
}

fn in_style(task: DesignTask, style: EpisodeStyle) -> Box<dyn Environment> {
    match style {
        EpisodeStyle::WholeDesign => Box::new(WholeDesign::new(task)),
        EpisodeStyle::ParameterByParameter => Box::new(ParameterByParameter::new(task)),
    }
}

fn entry<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a EnvEntry, MakeError> {
    let (name, version) = split_version(id);
    for entry in catalog.envs() {
        let there = id_of(entry);
        if split_version(&there).0 != name {
            continue;
        }
        return match version {
            Some(version) if version != entry.version.to_string() => {
                Err(MakeError::OtherVersion { got: id.to_owned(), there })
            }
            _ => Ok(entry),
        };
    }
    let known = ids(catalog);
    // A forgotten or foreign namespace should not hide the name it goes with.
    let bare = id.rsplit('/').next().unwrap_or(id);
    let nearest = nearest_name(&format!("{NAMESPACE}/{bare}"), known.iter().map(String::as_str));
    Err(MakeError::Unknown(UnknownName { kind: "environment", got: id.to_owned(), nearest, known }))
}

/// `tapeout/EdgeAccelerator-v4` as `tapeout/EdgeAccelerator` and `4`.
fn split_version(id: &str) -> (&str, Option<&str>) {
    match id.rsplit_once("-v") {
        Some((name, digits)) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            (name, Some(digits))
        }
        _ => (id, None),
    }
}

/// Why an environment cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// No environment has this id.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The environment exists in another version.
    #[error("environment `{got}` does not exist; the version there is: `{there}`")]
    OtherVersion {
        /// The id asked for.
        got: String,
        /// The id that exists.
        there: String,
    },
    /// A setting of the environment cannot be used.
    #[error("environment settings: {0}")]
    Config(#[from] ConfigError),
    /// Goal or reward do not suit the environment.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The vector cannot be made.
    #[error(transparent)]
    Vector(#[from] VectorError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_split_off_only_where_there_is_one() {
        assert_eq!(split_version("tapeout/Edge-v12"), ("tapeout/Edge", Some("12")));
        assert_eq!(split_version("tapeout/Edge-vX"), ("tapeout/Edge-vX", None));
        assert_eq!(split_version("tapeout/Edge-v"), ("tapeout/Edge-v", None));
        assert_eq!(split_version("tapeout/Edge"), ("tapeout/Edge", None));
    }
}
