//! What people see while a search runs: a bar on a terminal, plain lines elsewhere, nothing if they asked for quiet.

use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use tapeout::experiment::{Event, Observer, Progress};

use crate::number::usize_count;

/// A plain line at least after so many seconds. Ours: often enough to see that something moves.
const LINE_AFTER_S: f64 = 10.0;
/// A plain line at each of so many equal parts of the budget. Ours: a log of a run stays within a screen.
const LINES: usize = 10;

/// Who watches a run.
pub(crate) enum Watcher {
    /// Nobody.
    Quiet,
    /// Somebody at a terminal.
    Bar(ProgressBar),
    /// A log.
    Lines {
        /// Parts of the budget that a line was written for.
        parts: usize,
        /// When the last line was written.
        elapsed_s: f64,
    },
}

impl Watcher {
    /// Nobody if `quiet`; otherwise what suits the standard error.
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !stderr().is_terminal() {
            return Self::Lines { parts: 0, elapsed_s: 0.0 };
        }
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
        Self::Bar(ProgressBar::new(0).with_style(style.expect("invariant: the template is well formed")))
    }

    /// Says something beside the progress.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.suspend(|| write_line(text)),
            Self::Lines { .. } => write_line(text),
        }
    }

    /// Says how many designs are done that no run is made of, and which are at hand.
    pub(crate) fn advance(&mut self, done: usize, total: usize, at_hand: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(at_hand.to_owned());
            }
            Self::Lines { parts, .. } => {
                let part = done * LINES / total.max(1);
                if part > *parts {
                    *parts = part;
                    write_line(&format!(
                        "{} of {} designs, {at_hand}",
                        usize_count(done),
                        usize_count(total)
                    ));
                }
            }
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: Event<'_>) {
        let Event::Batch(progress) = event else { return };
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.set_length(progress.budget_trials as u64);
                bar.set_position(progress.trials as u64);
                bar.set_message(state(&progress));
            }
            Self::Lines { parts, elapsed_s } => {
                let part = progress.trials * LINES / progress.budget_trials.max(1);
                if part > *parts || progress.elapsed_s - *elapsed_s >= LINE_AFTER_S {
                    (*parts, *elapsed_s) = (part, progress.elapsed_s);
                    let (trials, budget) =
                        (usize_count(progress.trials), usize_count(progress.budget_trials));
                    write_line(&format!("{trials} of {budget} trials, {}", state(&progress)));
                }
            }
        }
    }
}

fn state(progress: &Progress) -> String {
    format!(
        "{} acceptable, {} infeasible, {} on the front, {:.1} s",
        usize_count(progress.acceptable),
        usize_count(progress.infeasible),
        usize_count(progress.front),
        progress.elapsed_s
    )
}

/// A line on the standard error; whoever closed it does not want it.
fn write_line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
