//! The built-in catalog.

use tapeout_core::{Catalog, EnvEntry};
use tapeout_experiment::dataset::{Logged, RecordedDesigns};

use crate::proxy::PROXY;

/// The environments over what was logged.
const OVER_LOGS: [EnvEntry; 3] = [EnvEntry::of::<Logged>(), EnvEntry::of::<RecordedDesigns>(), PROXY];

/// Every environment, agent and learner of Tapeout's own tables, and the environments over what was logged: `logged`, `recorded`, and
/// `proxy`, which needs all of them.
///
/// Extend it with [`Catalog::with_env`], [`Catalog::with_agent`] and [`Catalog::with_learner`].
///
/// ```
/// let catalog = tapeout::builtin();
/// let ids: Vec<&str> = catalog.agents().iter().map(|entry| entry.id).collect();
/// assert_eq!(ids.len(), tapeout::agents::AGENTS.len());
/// ```
pub fn builtin() -> Catalog {
    let catalog = tapeout_envs::ENVS.iter().cloned().fold(Catalog::new(), Catalog::with_env);
    let catalog = OVER_LOGS.iter().cloned().fold(catalog, Catalog::with_env);
    let catalog = tapeout_agents::AGENTS.iter().cloned().fold(catalog, Catalog::with_agent);
    tapeout_surrogates::LEARNERS.iter().cloned().fold(catalog, Catalog::with_learner)
}
