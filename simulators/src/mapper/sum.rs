//! Weighted sums of metrics, whose least value bounds an objective.
//!
//! Cycles are the longest of several metrics, so that no less than any average of them. The least of a sum of energy and such an
//! average is found at once, and bounds their product: with `e >= E`, `c >= C` and `a e + b c >= g`, `e c` is least at an end of
//! what is left of the line.

use super::options::Objective;
use super::prices::{ENERGY, MAX_METRICS, Metrics, Prices, ROUNDING, WORK};

/// Most metrics that have tables of their own: energy, work, and the outermost ports, which limit most often. Ours: bounds the time of
/// tables.
const MOST_METRICS: usize = 5;

/// Weights of the single metrics that bounds of `objective` need.
pub(super) fn singles(objective: Objective, prices: &Prices) -> Vec<Metrics> {
    let n_metrics = match objective {
        Objective::Energy => 1,
        // Energy decides among mappings that are as fast.
        Objective::Latency | Objective::EnergyDelay => prices.n_metrics.min(MOST_METRICS),
    };
    let single = |metric: usize| std::array::from_fn(|other| f64::from(u8::from(other == metric)));
    (0..n_metrics).map(single).collect()
}

/// What a sum is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Both,
    Energy,
    Cycles,
}

/// A sum for one objective with one unrolling.
pub(super) struct Sum {
    objective: Objective,
    leak_j_per_cycle: f64,
    n_metrics: usize,
    /// No mapping has less of either.
    least_j: f64,
    least_cycles: f64,
    /// Shares of the metrics in the average that stands for cycles.
    shares: Metrics,
    /// Weights of energy and cycles so far, and their least sums.
    lines: Vec<(f64, f64, f64)>,
    /// What is weighed now.
    turn: Turn,
}

impl Sum {
    /// The first one; `outline` are the least metrics.
    pub(super) fn new(objective: Objective, prices: &Prices, outline: &Metrics) -> Self {
        let (least_j, least_cycles) = prices.total(outline);
        let mut sum = Self {
            objective,
            leak_j_per_cycle: prices.leak_j_per_cycle(),
            n_metrics: prices.n_metrics,
            least_j,
            least_cycles,
            shares: [0.0; MAX_METRICS],
            lines: Vec::new(),
            turn: if objective == Objective::Energy { Turn::Energy } else { Turn::Both },
        };
        sum.shares[sum.longest(outline)] = 1.0;
        sum
    }

    fn longest(&self, metrics: &Metrics) -> usize {
        let longest = (WORK..self.n_metrics).rev().max_by(|&a, &b| metrics[a].total_cmp(&metrics[b]));
        longest.unwrap_or(WORK)
    }

    /// What no mapping scores less than, without a sum.
    pub(super) fn floor(&self) -> f64 {
        self.objective.score(self.least_j, self.least_cycles).0
    }

    /// By metric.
    pub(super) fn weights(&self) -> Metrics {
        let (per_joule, per_cycle) = self.rates();
        let mut weights = self.shares.map(|share| share * (per_cycle + per_joule * self.leak_j_per_cycle));
        weights[ENERGY] = per_joule;
        weights
    }

    /// Weights of energy, leakage included, and of the average. Of both, such that the least sum that rules all better mappings out is
    /// the same at either end: the line through what is left at the least energy and what is left at the least cycles.
    fn rates(&self) -> (f64, f64) {
        let (per_joule, per_cycle) =
            (1.0 / self.least_j.max(f64::MIN_POSITIVE), 1.0 / self.least_cycles.max(1.0));
        match (self.turn, self.objective) {
            (Turn::Energy, _) => (per_joule, 0.0),
            (Turn::Cycles, _) => (0.0, per_cycle),
            // Energy decides among mappings that are as fast; ours: a ten-thousandth, no bound rests on it.
            (Turn::Both, Objective::Latency) => (1e-4 * per_joule, per_cycle),
            (Turn::Both, _) => (per_joule, per_cycle),
        }
    }

    /// What no mapping scores less than if none has a lesser sum than `least`.
    pub(super) fn bound(&mut self, least: f64) -> f64 {
        let (per_joule, per_cycle) = self.rates();
        match self.turn {
            Turn::Energy => self.least_j = self.least_j.max(least / per_joule),
            Turn::Cycles => self.least_cycles = self.least_cycles.max(whole(least / per_cycle)),
            Turn::Both => {}
        }
        if self.objective != Objective::EnergyDelay {
            return self.floor();
        }
        if self.turn == Turn::Both {
            self.lines.push((per_joule, per_cycle, least));
        }
        self.lines.iter().map(|&line| self.below(line)).fold(self.floor(), f64::max)
    }

    /// The least product of what is on or above a line and no less than the least of either.
    fn below(&self, (per_joule, per_cycle, least): (f64, f64, f64)) -> f64 {
        let cycles = ((least - per_joule * self.least_j) / per_cycle).max(self.least_cycles);
        let energy_j = ((least - per_cycle * self.least_cycles) / per_joule).max(self.least_j);
        (self.least_j * whole(cycles)).min(energy_j * self.least_cycles)
    }

    /// Takes what limited a mapping of `metrics` into the average; `false` if it was there alone.
    pub(super) fn turn_to_limit(&mut self, metrics: &Metrics) -> bool {
        let longest = self.longest(metrics);
        if self.shares[longest] == 1.0 {
            return false;
        }
        self.shares = self.shares.map(|share| share / 2.0);
        self.shares[longest] += 0.5;
        true
    }

    /// Takes other weights, after those so far led to a mapping of `metrics`; `false` if there is no reason to.
    pub(super) fn turn(&mut self, metrics: &Metrics) -> bool {
        // The energy of a mapping that is not fast tells nothing of what limits those that are.
        let is_new = self.turn != Turn::Energy && self.turn_to_limit(metrics);
        let next = match (self.objective, self.turn) {
            (Objective::Latency, Turn::Both) => Some(Turn::Cycles),
            (Objective::EnergyDelay, Turn::Both) => Some(Turn::Energy),
            (Objective::EnergyDelay, Turn::Energy) => Some(Turn::Both),
            (_, turn) => is_new.then_some(turn),
        };
        self.turn = next.unwrap_or(self.turn);
        next.is_some()
    }
}

/// Cycles are whole; the floating-point error of a sum must not make one of nothing.
fn whole(cycles: f64) -> f64 {
    (cycles * (1.0 - ROUNDING)).ceil()
}
