//! What an evaluation says about a design.

use serde::{Deserialize, Serialize};

/// A quantity that an environment measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, ending in the unit where there is one: `latency_s`.
    pub name: String,
    /// Its unit in SI; empty for a ratio or a count.
    pub unit: String,
    /// What is measured.
    pub summary: String,
}

impl Metric {
    /// A metric with this name, unit and summary.
    pub fn new(name: &str, unit: &str, summary: &str) -> Self {
        Self { name: name.to_owned(), unit: unit.to_owned(), summary: summary.to_owned() }
    }
}

/// What came of an evaluation: what was measured, why the design cannot be built or run, or nothing.
///
/// Environments return the first two. An evaluator that fails says nothing about the design: it is an
/// [`EvalError`](crate::EvalError), of which the loop makes the third.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// One finite number for each metric of the environment, in its order.
    Measured(Vec<f64>),
    /// The design cannot be built or run.
    Infeasible {
        /// The rule it breaks, a short stable name: `l2_capacity`.
        rule: String,
        /// By how much, in the rule's own measure; positive, and comparable within one rule.
        violation: f64,
    },
    /// The evaluator failed. Nothing is known of the design, neither good nor bad.
    Failed {
        /// Why, for people; not empty. It may differ from one time to the next.
        cause: String,
    },
}

impl Outcome {
    /// An infeasible outcome.
    pub fn infeasible(rule: &str, violation: f64) -> Self {
        Self::Infeasible { rule: rule.to_owned(), violation }
    }

    /// An outcome of an evaluator that failed.
    pub fn failed(cause: &str) -> Self {
        Self::Failed { cause: cause.to_owned() }
    }

    /// What was measured, shape `[k]`; none if infeasible or failed.
    pub fn metrics(&self) -> Option<&[f64]> {
        match self {
            Self::Measured(metrics) => Some(metrics),
            Self::Infeasible { .. } | Self::Failed { .. } => None,
        }
    }

    /// Whether the evaluator failed, so that nothing is known of the design.
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }
}
