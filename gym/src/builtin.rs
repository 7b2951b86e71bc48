//! The built-in catalog.

use tapeout_core::Catalog;

use crate::proxy::PROXY;

/// Every environment, agent and learner of Tapeout's own tables, and the environment `proxy`, which needs them all.
///
/// Extend it with [`Catalog::with_env`], [`Catalog::with_agent`] and [`Catalog::with_learner`].
///
/// ```
/// let catalog = tapeout::builtin();
/// let ids: Vec<&str> = catalog.agents().iter().map(|entry| entry.id).collect();
/// assert_eq!(ids.len(), tapeout::agents::AGENTS.len());
/// ```
pub fn builtin() -> Catalog {
    let catalog = tapeout_envs::ENVS.iter().cloned().fold(Catalog::new(), Catalog::with_env).with_env(PROXY);
    let catalog = tapeout_agents::AGENTS.iter().cloned().fold(catalog, Catalog::with_agent);
    tapeout_surrogates::LEARNERS.iter().cloned().fold(catalog, Catalog::with_learner)
}
