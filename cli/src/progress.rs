//! What people see while a search runs: a bar on a terminal, plain lines elsewhere, nothing if they asked for quiet.

use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressStyle};
use tapeout::experiment::{Event, LinePace, Observer};

use crate::number::usize_count;

/// Who watches a run.
pub(crate) enum Watcher {
    /// Nobody.
    Quiet,
    /// Somebody at a terminal.
    Bar(ProgressBar),
    /// A log.
    Lines(LinePace),
}

impl Watcher {
    /// Nobody if `quiet`; otherwise what suits the standard error.
    pub(crate) fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !stderr().is_terminal() {
            return Self::Lines(LinePace::default());
        }
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
        Self::Bar(ProgressBar::new(0).with_style(style.expect("invariant: the template is well formed")))
    }

    /// Says something beside the progress.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.suspend(|| write_line(text)),
            Self::Lines(_) => write_line(text),
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
            // No time is kept here, so nothing but a tenth of the designs is due a line.
            Self::Lines(pace) => {
                if pace.is_due(done, total, 0.0) {
                    let (done, total) = (usize_count(done), usize_count(total));
                    write_line(&format!("{done} of {total} designs, {at_hand}"));
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
                bar.set_message(progress.state());
            }
            Self::Lines(pace) => {
                if pace.is_due(progress.trials, progress.budget_trials, progress.elapsed_s) {
                    write_line(&progress.to_string());
                }
            }
        }
    }
}

/// A line on the standard error; whoever closed it does not want it.
pub(crate) fn write_line(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
