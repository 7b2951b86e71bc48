//! How far a run has come, as people are told: counts, pace, time left, the best so far; and when a log is due a line.
//!
//! Where it is shown is left to who asks; nothing here writes.

use std::fmt;

use tapeout_core::{Metric, Problem, Trial};

use crate::observer::{Event, Observer, Progress};
use crate::plot::{Axis, count, quantity};

/// A line at least after so many seconds. Ours: often enough to see that something moves.
const LINE_AFTER_S: f64 = 10.0;
/// A line at each of so many equal parts of the budget. Ours: a log of a run stays within a screen.
const LINES: usize = 10;

impl Progress {
    /// Trials for each second so far, earlier parts of the run included; none before any time has passed.
    pub fn trials_per_s(&self) -> Option<f64> {
        (self.elapsed_s > 0.0).then(|| self.trials as f64 / self.elapsed_s)
    }

    /// Seconds until the budget of trials is spent at the pace so far; none while there is no pace. The run may end earlier.
    pub fn remaining_s(&self) -> Option<f64> {
        let pace = self.trials_per_s().filter(|&pace| pace > 0.0)?;
        Some(self.budget_trials.saturating_sub(self.trials) as f64 / pace)
    }

    /// What became of the trials, and the time it took: `12 acceptable, 80 infeasible, 5 on the front, 1.2 s`, and
    /// `, 3 s to go` unless that is none; with `2 failed` if there are such.
    pub fn state(&self) -> String {
        let [acceptable, infeasible, front] =
            [self.acceptable, self.infeasible, self.front].map(|number| count(number as u128));
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(" {} failed,", count(failed as u128)),
        };
        let mut state = format!(
            "{acceptable} acceptable, {infeasible} infeasible,{failed} {front} on the front, {:.1} s",
            self.elapsed_s
        );
        // Less than half a second is not worth a word.
        if let Some(remaining_s) = self.remaining_s().filter(|&remaining_s| remaining_s >= 0.5) {
            state.push_str(&format!(", {remaining_s:.0} s to go"));
        }
        state
    }
}

/// `64 of 1,000 trials`, and the [`state`](Progress::state).
impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [trials, budget] = [self.trials, self.budget_trials].map(|number| count(number as u128));
        write!(formatter, "{trials} of {budget} trials, {}", self.state())
    }
}

/// When a log is due another line: at each tenth of what is to be done, and after ten seconds of silence.
///
/// ```
/// use tapeout_experiment::LinePace;
/// let mut pace = LinePace::default();
/// assert!(!pace.is_due(9, 100, 0.1));
/// assert!(pace.is_due(10, 100, 0.2));
/// assert!(!pace.is_due(11, 100, 0.3));
/// assert!(pace.is_due(12, 100, 10.2), "ten seconds after the last line");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LinePace {
    /// Tenths that there was a line for.
    parts: usize,
    /// When the last line was due.
    elapsed_s: f64,
}

impl LinePace {
    /// Whether a line is due when `done` of `total` are done after `elapsed_s` seconds; if so, it counts as written.
    pub fn is_due(&mut self, done: usize, total: usize, elapsed_s: f64) -> bool {
        let part = done * LINES / total.max(1);
        let is_due = part > self.parts || elapsed_s - self.elapsed_s >= LINE_AFTER_S;
        if is_due {
            *self = Self { parts: part, elapsed_s };
        }
        is_due
    }
}

/// The best acceptable value of each objective so far, each perhaps of another design. Watches a run, or is told of trials.
///
/// ```
/// use tapeout_core::check::toy::Toy;
/// use tapeout_core::{Env, Outcome};
/// use tapeout_experiment::BestSoFar;
///
/// let env = Toy::bowl();
/// let problem = env.problem();
/// let mut best = BestSoFar::new(&problem);
/// assert_eq!(best.to_string(), "nothing acceptable");
/// for design in problem.space().iter().take(3) {
///     let outcome = env.evaluate(&design)?;
///     best.see(&problem.trial(design, outcome));
/// }
/// assert!(best.to_string().starts_with("best "));
/// # Ok::<(), tapeout_core::EvalError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BestSoFar<'a> {
    problem: &'a Problem,
    /// Infinite while nothing is acceptable; shape `[m]`.
    losses: Vec<f64>,
}

impl<'a> BestSoFar<'a> {
    /// Before the first trial.
    pub fn new(problem: &'a Problem) -> Self {
        Self { problem, losses: vec![f64::INFINITY; problem.n_objectives()] }
    }

    /// Takes in a trial.
    pub fn see(&mut self, trial: &Trial) {
        for (best, &loss) in self.losses.iter_mut().zip(trial.judgement.accepted().unwrap_or_default()) {
            *best = best.min(loss);
        }
    }

    /// Metric and best value of each objective; none while nothing is acceptable. Values are in the unit of the metric.
    pub fn values(&self) -> Option<Vec<(&'a Metric, f64)>> {
        let value = |(index, &loss): (usize, &f64)| {
            let value = self.problem.objective_value(index, loss);
            loss.is_finite().then(|| (self.problem.objective_metric(index), value))
        };
        self.losses.iter().enumerate().map(value).collect()
    }
}

impl Observer for BestSoFar<'_> {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trial { trial, .. } = event {
            self.see(trial);
        }
    }
}

/// `best latency 1.76 ms, best energy 4.4 mJ`.
impl fmt::Display for BestSoFar<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(values) = self.values() else { return formatter.write_str("nothing acceptable") };
        let text = |(metric, value): (&Metric, f64)| {
            let axis = Axis::of(metric);
            format!("best {} {}", axis.label, quantity(value, &axis.unit))
        };
        let texts: Vec<String> = values.into_iter().map(text).collect();
        formatter.write_str(&texts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use tapeout_core::{DesignSpace, Goal, Objective, Outcome, Parameter};

    use super::*;

    fn progress(trials: usize, elapsed_s: f64) -> Progress {
        Progress {
            trials,
            budget_trials: 1000,
            acceptable: 12,
            infeasible: 2,
            failed: 0,
            duplicates: 0,
            front: 5,
            elapsed_s,
        }
    }

    // By hand: 64 trials in 1.6 s are 40 a second; the other 936 take 23.4 s.
    #[test]
    fn the_pace_so_far_says_what_remains() {
        let under_way = progress(64, 1.6);
        assert_eq!(under_way.trials_per_s(), Some(40.0));
        assert_eq!(under_way.remaining_s(), Some(23.4));
        assert_eq!(
            under_way.to_string(),
            "64 of 1,000 trials, 12 acceptable, 2 infeasible, 5 on the front, 1.6 s, 23 s to go"
        );
        let failing = Progress { failed: 1200, ..under_way };
        assert!(failing.state().starts_with("12 acceptable, 2 infeasible, 1,200 failed, 5 on the front"));
    }

    #[test]
    fn nothing_is_said_of_what_remains_before_the_first_trial_and_after_the_last() {
        assert_eq!(progress(0, 0.0).remaining_s(), None);
        assert_eq!(progress(0, 3.0).remaining_s(), None);
        assert_eq!(progress(1000, 25.0).remaining_s(), Some(0.0));
        assert!(progress(1000, 25.0).to_string().ends_with("25.0 s"));
    }

    // By hand: small latency and large throughput are wanted, each from another design; an infeasible one has neither.
    #[test]
    fn the_best_of_each_objective_may_be_of_another_design() {
        let space = DesignSpace::new(vec![Parameter::integer("lanes", 1, 8)], Vec::new()).unwrap();
        let metrics = vec![Metric::new("latency_s", "s", ""), Metric::new("throughput_op_per_s", "op/s", "")];
        let goal = Goal {
            objectives: vec![Objective::minimize("latency_s"), Objective::maximize("throughput_op_per_s")],
            constraints: Vec::new(),
        };
        let problem = Problem::new(space, metrics, goal).unwrap();
        let mut best = BestSoFar::new(&problem);
        let outcomes = [
            Outcome::infeasible("area", 0.5),
            Outcome::Measured(vec![2e-3, 5e9]),
            Outcome::Measured(vec![1e-3, 4e9]),
        ];
        for (design, outcome) in problem.space().iter().zip(outcomes) {
            best.see(&problem.trial(design, outcome));
        }
        assert_eq!(best.to_string(), "best latency 1 ms, best throughput 5 Gop/s");
    }
}
