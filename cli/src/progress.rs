//! What people see while a search runs: a bar on a terminal, plain lines elsewhere, nothing if they asked for quiet.

use std::io::{IsTerminal, Write, stderr};
use std::mem;

use indicatif::{ProgressBar, ProgressStyle};
use tapeout::core::Outcome;
use tapeout::experiment::{Event, LinePace, Observer};

use crate::number::usize_count;

/// Who watches a run.
pub(crate) struct Watcher {
    view: View,
    /// Whether the first failed trial was told of, by its cause.
    has_told_failure: bool,
}

/// What there is to be seen.
enum View {
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
        let view = if quiet {
            View::Quiet
        } else if !stderr().is_terminal() {
            View::Lines(LinePace::default())
        } else {
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
            let style = style.expect("invariant: the template is well formed");
            View::Bar(ProgressBar::new(0).with_style(style))
        };
        Self { view, has_told_failure: false }
    }

    /// Says something beside the progress.
    pub(crate) fn note(&self, text: &str) {
        match &self.view {
            View::Quiet => {}
            View::Bar(bar) => bar.suspend(|| write_line(text)),
            View::Lines(_) => write_line(text),
        }
    }

    /// Says how many designs are done that no run is made of, and which are at hand.
    pub(crate) fn advance(&mut self, done: usize, total: usize, at_hand: &str) {
        match &mut self.view {
            View::Quiet => {}
            View::Bar(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(at_hand.to_owned());
            }
            // No time is kept here, so nothing but a tenth of the designs is due a line.
            View::Lines(pace) => {
                if pace.is_due(done, total, 0.0) {
                    let (done, total) = (usize_count(done), usize_count(total));
                    write_line(&format!("{done} of {total} designs, {at_hand}"));
                }
            }
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn finish(&self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trial { index, trial, is_from_log: false, .. } = event
            && let Outcome::Failed { cause } = &trial.outcome
            && !mem::replace(&mut self.has_told_failure, true)
        {
            self.note(&format!("trial {index} failed: {cause}; further failures are only counted"));
        }
        let Event::Batch(progress) = event else { return };
        match &mut self.view {
            View::Quiet => {}
            View::Bar(bar) => {
                bar.set_length(progress.budget_trials as u64);
                bar.set_position(progress.trials as u64);
                bar.set_message(progress.state());
            }
            View::Lines(pace) => {
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
