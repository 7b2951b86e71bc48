//! How long a run may go on, and why it stopped.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// How long a run may go on: until the first of these is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// How many distinct designs are evaluated (evaluations, if the environment is noisy).
    pub trials: NonZeroUsize,
    /// Wall time, added up over all parts of a run that was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// What is good enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<BudgetTarget>,
}

impl Budget {
    /// So many trials, whatever time they take.
    pub fn trials(trials: NonZeroUsize) -> Self {
        Self { trials, wall_s: None, target: None }
    }
}

/// A value of an objective that is good enough: the run stops after the batch in which an acceptable design reaches it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetTarget {
    /// The metric of one of the objectives.
    pub metric: String,
    /// The value, in the metric's unit: reached at or below it if the metric is minimised, at or above if maximised.
    pub value: f64,
}

/// Why a run ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All the trials of the budget are done.
    TrialsSpent,
    /// The wall time of the budget is over.
    WallTime,
    /// An acceptable design reached the target.
    Target,
    /// The agent proposed nothing more.
    AgentFinished,
    /// Every legal design is evaluated.
    SpaceExhausted,
    /// The agent went on proposing designs that are evaluated already.
    Stalled,
    /// Somebody asked for it.
    Interrupted,
}

impl fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TrialsSpent => "all trials of the budget are done",
            Self::WallTime => "the wall time of the budget is over",
            Self::Target => "the target is reached",
            Self::AgentFinished => "the agent has nothing more to propose",
            Self::SpaceExhausted => "every legal design is evaluated",
            Self::Stalled => "the agent proposes only designs that are evaluated already",
            Self::Interrupted => "interrupted",
        })
    }
}
