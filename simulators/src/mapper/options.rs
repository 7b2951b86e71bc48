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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Latency, Self::Energy, Self::EnergyDelay];

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

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Work after which to stop with the gap that is left, counted in the extension of a partial mapping; some four to ten million a
    /// second. A count, so that a result does not depend on the machine that searches. What cannot be left half done may go
    /// beyond it.
    pub effort: u64,
    /// Gap at which to stop: the result over its lower bound, less 1.
    pub gap: f64,
    /// Where the model follows Timeloop against physics; by default nowhere.
    pub quirks: Quirks,
}

impl Default for Options {
    /// About a tenth of a second for one layer at most, to the optimum.
    fn default() -> Self {
        Self { effort: 500_000, gap: 0.0, quirks: Quirks::default() }
    }
}

impl Options {
    /// For a search over a large space of designs: half a millisecond or so for one layer, to a gap of 1 %.
    pub fn quick() -> Self {
        Self { effort: 4_000, gap: 0.01, quirks: Quirks::default() }
    }

    /// For a search over a small space of designs: five times as much.
    pub fn careful() -> Self {
        Self { effort: 20_000, ..Self::quick() }
    }
}

/// The better first.
pub(super) fn compare(a: (f64, f64), b: (f64, f64)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
}
