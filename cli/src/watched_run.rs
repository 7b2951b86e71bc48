//! A search at work, as `search` and `resume` share it: threads, Ctrl-C, progress, pictures, the report.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tapeout::experiment::plot::{DrawnRun, Spacing};
use tapeout::experiment::{Experiment, Finished, Observer, Retried, RunError, RunOptions, StopReason};

use crate::answer::{Answer, Exit};
use crate::board::Screen;
use crate::failure::Failure;
use crate::number::usize_count;
use crate::progress::Watcher;
use crate::report::Report;

/// How to run and what to show; nothing here changes what comes of it.
#[derive(clap::Args)]
pub(crate) struct RunFlags {
    /// Designs, or runs of a comparison, evaluated side by side [default: one for each core]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    threads: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

/// How a search is shown that is one run.
#[derive(clap::Args)]
pub(crate) struct ScreenFlag {
    /// Show front and hypervolume as they grow, where the standard error is a terminal
    #[arg(long)]
    watch: bool,
}

impl ScreenFlag {
    /// The screen, if it is asked for and there is a terminal.
    pub(crate) fn open<'a>(&self, flags: &RunFlags, experiment: &'a Experiment) -> Option<Screen<'a>> {
        (self.watch && !flags.quiet).then(|| Screen::open(experiment)).flatten()
    }

    /// Whether it is asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.watch
    }
}

/// A search that somebody watches and may interrupt.
pub(crate) struct WatchedRun<'a> {
    flags: &'a RunFlags,
    folder: &'a Path,
    watcher: Watcher,
    interrupt: Arc<AtomicBool>,
}

impl RunFlags {
    /// How many threads work side by side.
    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.threads.unwrap_or_else(|| available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// Whether to print JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Who watches.
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher::new(self.quiet)
    }
}

thread_local! {
    /// The flag of a program that listens for signals itself.
    static GIVEN: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Does `work`, in which nobody listens for signals: `interrupt` is the flag that is looked at.
pub(crate) fn interrupted_by<T>(interrupt: &Arc<AtomicBool>, work: impl FnOnce() -> T) -> T {
    GIVEN.set(Some(Arc::clone(interrupt)));
    let done = work();
    GIVEN.set(None);
    done
}

/// Listens for Ctrl-C: the first sets the flag that is returned, the second ends the program.
pub(crate) fn interrupt_on_signal() -> Result<Arc<AtomicBool>, Failure> {
    if let Some(given) = GIVEN.with_borrow(Clone::clone) {
        return Ok(given);
    }
    let interrupt = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: what kills looks at the flag before this very signal sets it.
        flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&interrupt))
            .and_then(|_| flag::register(signal, Arc::clone(&interrupt)))
            .map_err(|error| Failure::failed(error).context("cannot listen for Ctrl-C"))?;
    }
    Ok(interrupt)
}

impl<'a> WatchedRun<'a> {
    /// Begins to watch, and to listen for Ctrl-C.
    pub(crate) fn begin(flags: &'a RunFlags, folder: &'a Path) -> Result<Self, Failure> {
        Ok(Self { flags, folder, watcher: flags.watcher(), interrupt: interrupt_on_signal()? })
    }

    /// Does work that shows itself, or of which there is nothing to see.
    pub(crate) fn ask<T>(
        &self,
        work: impl FnOnce(&RunOptions<'_>) -> Result<T, RunError>,
    ) -> Result<T, Failure> {
        let options = RunOptions {
            threads: self.flags.threads(),
            interrupt: Some(&self.interrupt),
            ..RunOptions::default()
        };
        Ok(work(&options)?)
    }

    /// Asks again about designs that failed, in view of whoever watches.
    pub(crate) fn retry(
        &self,
        work: impl FnOnce(&RunOptions<'_>, &mut dyn FnMut(Retried)) -> Result<Retried, RunError>,
    ) -> Result<Retried, Failure> {
        let options = RunOptions {
            threads: self.flags.threads(),
            interrupt: Some(&self.interrupt),
            ..RunOptions::default()
        };
        // The run that goes on behind it is watched from its beginning.
        let mut watcher = self.flags.watcher();
        let retried = work(&options, &mut |at| {
            let mended = usize_count(at.mended);
            watcher.advance(at.asked, at.failed, &format!("{mended} with a result now"));
        });
        watcher.finish();
        Ok(retried?)
    }

    /// Says something beside the progress.
    pub(crate) fn note(&self, text: &str) {
        self.watcher.note(text);
    }

    /// Does the work, in view of whoever watches.
    pub(crate) fn watch(
        &mut self,
        work: impl FnOnce(&RunOptions<'_>, &mut dyn Observer) -> Result<Finished, RunError>,
    ) -> Result<Finished, Failure> {
        let options = RunOptions {
            threads: self.flags.threads(),
            interrupt: Some(&self.interrupt),
            ..RunOptions::default()
        };
        let finished = work(&options, &mut self.watcher);
        self.watcher.finish();
        Ok(finished?)
    }

    /// The same on a screen, if there is one.
    pub(crate) fn watch_on(
        &mut self,
        screen: Option<Screen<'_>>,
        work: impl FnOnce(&RunOptions<'_>, &mut dyn Observer) -> Result<Finished, RunError>,
    ) -> Result<Finished, Failure> {
        let Some(mut screen) = screen else { return self.watch(work) };
        let finished = self.ask(|options| work(options, &mut screen));
        screen.draw();
        finished
    }

    /// Draws the run and says what came of it.
    pub(crate) fn report(&self, Finished { run, summary }: &Finished) -> Result<Answer, Failure> {
        let plots = if summary.acceptable == 0 {
            Vec::new()
        } else {
            DrawnRun { name: &summary.agent, run }
                .picture([Spacing::Auto; 2])?
                .write_into(self.folder)?
                .into()
        };
        let report = Report { run: self.folder, plots, summary };
        let (trials, wall_s) = (usize_count(summary.trials), summary.timing.wall_s);
        self.watcher.note(&format!("{trials} designs in {wall_s:.1} s: {}", summary.stop));
        let answer = if self.flags.json {
            Answer::json(&report)
        } else {
            Answer::text(report.text(run.experiment().problem()))
        };
        if summary.stop == StopReason::Interrupted {
            self.watcher.note(&format!("hint: `tapeout resume {}` goes on", self.folder.display()));
            return Ok(answer.with_exit(Exit::Interrupted));
        }
        Ok(answer)
    }
}
