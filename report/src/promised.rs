//! What was expected of proposals, and what was measured.

use serde::Serialize;

/// A metric of proposals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromisedMetric {
    /// Its name.
    pub name: String,
    /// Its unit in SI.
    pub unit: String,
    /// The value of the best design that was learned from, if it is known.
    pub logged: Option<f64>,
}

/// A design that was proposed. Shapes `[k]`, by metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromisedDesign {
    /// What it is, as `name=value` each.
    pub values: Vec<String>,
    /// What was expected of each metric.
    pub expected: Vec<Option<f64>>,
    /// Between which values each was to lie.
    pub intervals: Vec<Option<[f64; 2]>>,
    /// What was measured of each.
    pub measured: Vec<Option<f64>>,
    /// What became of it, in words.
    pub verdict: String,
}

/// All proposals.
#[derive(Debug, Serialize)]
pub(crate) struct PromisedPart {
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) metrics: Vec<PromisedMetric>,
    pub(crate) designs: Vec<PromisedDesign>,
}
