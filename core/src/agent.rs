//! Agents: whoever proposes designs and learns from what becomes of them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::ConfigError;
use crate::problem::Problem;
use crate::seed::Seed;
use crate::space::Design;
use crate::trial::Trial;

/// Searches a problem by asking and being told.
///
/// An agent is a function of its problem, configuration, seed and the calls made to it: the same calls give the same
/// proposals. That is what makes a run resumable without saving the agent.
pub trait Agent: Send {
    /// Proposes up to `count` designs, at least one unless the search is finished. Empty means finished.
    ///
    /// # Errors
    /// [`AgentError`] if the agent cannot go on; the run stops, and what is logged stays.
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError>;

    /// Learns from trials: the answers to its proposals, in the order proposed, and before the first proposal perhaps
    /// the trials of an earlier log, which it did not propose.
    ///
    /// A batch may hold fewer trials than were proposed when a run ends, and a design may come more than once. A trial whose
    /// evaluation failed has no result ([`Outcome::Failed`](crate::Outcome::Failed)): nothing is known of its design, and asking again
    /// gives the same answer. Who ranks trials ranks it behind all others; who learns from them leaves it out.
    ///
    /// # Errors
    /// [`AgentError`] if the agent cannot go on.
    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError>;
}

/// How many objectives an agent can handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectiveSupport {
    /// One loss; several are reduced to one, as the agent's page says.
    One,
    /// Any number, searched as a front.
    Any,
}

/// How the catalog makes an agent.
pub trait BuildAgent: Agent + Sized + 'static {
    /// Its name on the command line: `nsga2`.
    const ID: &'static str;
    /// One line for a list.
    const SUMMARY: &'static str;
    /// Its page in Markdown: idea, hyperparameters with the paper's values, departures, measured result.
    const DESCRIPTION: &'static str;
    /// How many objectives it handles.
    const OBJECTIVES: ObjectiveSupport;
    /// Its hyperparameters; `deny_unknown_fields`, and the defaults are the paper's values.
    type Config: Serialize + DeserializeOwned + Default;

    /// Hyperparameters that have no default: without them there is no agent.
    const REQUIRED: &'static [&'static str] = &[];
    /// Hyperparameters that may name files which decide what it proposes, as [`BuildEnv::FILES`](crate::BuildEnv::FILES).
    const FILES: &'static [&'static str] = &[];
    /// Hyperparameters that may name programs: a resolved spec has their full paths, so that a run goes on from any folder.
    const PROGRAMS: &'static [&'static str] = &[];

    /// The hyperparameters with what they name found, such as the file of a module, before files are looked for.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not found.
    fn found(config: Self::Config) -> Result<Self::Config, ConfigError> {
        Ok(config)
    }

    /// Makes the agent.
    ///
    /// # Errors
    /// [`ConfigError`] if a hyperparameter is out of range.
    fn build(problem: &Problem, config: Self::Config, seed: Seed) -> Result<Self, ConfigError>;
}

/// The agent cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct AgentError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AgentError {
    /// A failure described by a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// A failure with what caused it.
    pub fn caused_by(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { message: message.into(), source: Some(source.into()) }
    }
}
