//! `summary.json`: what came of a run. Everything in it follows from the log and the spec.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapeout_core::parameter::Value;

use crate::budget::StopReason;

/// The version of the summary's format.
pub const SUMMARY_VERSION: u32 = 1;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of this format.
    pub version: u32,
    /// The environment's name.
    pub env: String,
    /// The environment's version.
    pub env_version: u32,
    /// The agent's name.
    pub agent: String,
    /// The seed.
    pub seed: u64,
    /// The objectives, as they are written in a spec.
    pub objectives: Vec<String>,
    /// The constraints, as they are written in a spec.
    pub constraints: Vec<String>,
    /// Why the run ended.
    pub stop: StopReason,
    /// How many designs were evaluated.
    pub trials: usize,
    /// How many of them are acceptable: measured, and within every constraint.
    pub acceptable: usize,
    /// How many were measured but lie outside some constraint.
    pub unacceptable: usize,
    /// How many cannot be built or run, by the rule they break.
    pub infeasible: BTreeMap<String, usize>,
    /// How many proposals were answered from the log.
    pub duplicates: usize,
    /// The acceptable designs that no other dominates, ordered by the first objective; of equal ones the first found.
    pub front: Vec<Standout>,
    /// For each objective, the best acceptable design (the first found, of equals); empty if nothing is acceptable.
    pub best: Vec<Best>,
    /// How much the front dominates; none if nothing is acceptable.
    pub hypervolume: Option<Hypervolume>,
    /// The one part that differs between two runs of the same spec.
    pub timing: SummaryTiming,
}

impl Summary {
    /// How many designs cannot be built or run.
    pub fn n_infeasible(&self) -> usize {
        self.infeasible.values().sum()
    }
}

/// A design worth naming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standout {
    /// Its place in the log, from 0.
    pub trial: usize,
    /// Its value for each parameter.
    pub design: BTreeMap<String, Value>,
    /// What was measured, in the metrics' units.
    pub metrics: BTreeMap<String, f64>,
}

/// The best design by one objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The objective, as it is written in a spec.
    pub objective: String,
    /// Its value, in the metric's unit.
    pub value: f64,
    /// The design.
    #[serde(flatten)]
    pub standout: Standout,
}

/// How much a front dominates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypervolume {
    /// The volume, in the product of the objectives' units.
    pub value: f64,
    /// Up to where it is measured: for each objective's metric the worst value among the acceptable designs of this
    /// run. Volumes of runs with other references do not compare.
    pub reference: BTreeMap<String, f64>,
}

/// Where the time went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SummaryTiming {
    /// Wall time of all parts of the run.
    pub wall_s: f64,
    /// Time spent in the environment, added up over trials; more than the wall time where threads work side by side.
    pub evaluation_s: f64,
}
