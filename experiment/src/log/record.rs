//! One line of the log: one trial.

use serde::{Deserialize, Serialize};
use tapeout_core::{Design, Outcome};

/// One trial, as it is logged: not judged, so that a log outlives its objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The design.
    pub design: Design,
    /// What the environment said.
    pub outcome: Outcome,
    /// How long it took.
    pub timing: Timing,
}

/// How long a trial took. The only part of a log that differs between two runs of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Time spent in the environment; the mean over the designs that were evaluated in one call.
    pub evaluation_s: f64,
    /// Wall time of the run, all parts of it, when the trial was logged.
    pub elapsed_s: f64,
}
