//! What parent and child say to each other, a line of JSON each.

use serde::{Deserialize, Serialize};

use super::measurer::Halt;
use crate::measurement::{Fault, Job, Measured, Session};

/// What the parent asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Request {
    /// Compile this.
    Prepare {
        /// The kernel and the product.
        job: Job,
        /// The seed of its operands.
        inputs: u64,
    },
    /// Check and time what was prepared last.
    Run,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Reply {
    /// The first line: there is a device.
    Ready(Session),
    /// The first line: there is none, and why.
    Unavailable(String),
    /// What was asked for is compiled.
    Prepared,
    /// It ran and was right.
    Measured(Measured),
    /// It cannot be used.
    Fault(Fault),
    /// It cannot be used, and this process ends.
    Lost(Fault),
    /// It could not be measured.
    Failed(String),
}

impl From<Halt> for Reply {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Fault(fault) => Self::Fault(fault),
            Halt::Lost(fault) => Self::Lost(fault),
            Halt::Failed(message) => Self::Failed(message),
        }
    }
}
