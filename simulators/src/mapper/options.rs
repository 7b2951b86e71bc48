//! What is asked of a search.

use crate::loop_nest::{Quirks, Report};

/// What is to be least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Objective {
    /// Cycles; among equals, energy.
    Latency,
    /// Energy; among equals, cycles.
    Energy,
    /// Energy times cycles.
    #[default]
    EnergyDelay,
}

impl Objective {
    /// What is compared, and what decides among equals.
    pub fn of(self, report: &Report) -> (f64, f64) {
        self.score(report.energy_j, report.cycles as f64)
    }

    /// The same from the two figures alone.
    pub(super) fn score(self, energy_j: f64, cycles: f64) -> (f64, f64) {
        match self {
            Self::Latency => (cycles, energy_j),
            Self::Energy => (energy_j, cycles),
            Self::EnergyDelay => (energy_j * cycles, cycles),
        }
    }
}

/// How thoroughly to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Search {
    /// A bounded number of trials from a few well-chosen starts: a millisecond or two.
    #[default]
    Fast,
    /// The same with a fraction of the trials: for a search over many designs.
    Quick,
    /// All mappings of the space but those that a lower bound rules out: the result is the optimum. For small cases.
    Exhaustive {
        /// Evaluations after which to give up with [`super::NoMapping::TooLarge`].
        max_evaluations: u64,
    },
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How thoroughly to look.
    pub search: Search,
    /// Where the model follows Timeloop against physics; by default nowhere.
    pub quirks: Quirks,
}

/// The better first.
pub(super) fn compare(a: (f64, f64), b: (f64, f64)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
}

/// Whether `a` is better than `b`.
pub(super) fn is_better(a: (f64, f64), b: (f64, f64)) -> bool {
    compare(a, b).is_lt()
}
