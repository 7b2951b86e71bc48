//! `tapeout resume`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::folder::{experiment, spec_path};
use tapeout::experiment::{Budget, Experiment, RunError, Spec, resume, retry_failed};

use crate::answer::{Answer, Exit};
use crate::arguments::BudgetFlags;
use crate::failure::Failure;
use crate::number::usize_count;
use crate::watched_run::{RunFlags, ScreenFlag, WatchedRun};

/// Which run to go on with, and how far.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a run
    run: PathBuf,
    /// Evaluate again first what failed; the agent goes on as it would have without
    #[arg(long)]
    retry_failed: bool,
    #[command(flatten)]
    budget: BudgetFlags,
    #[command(flatten)]
    screen: ScreenFlag,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Goes on, draws, and reports.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let budget = self.new_budget()?;
        let mut watched = WatchedRun::begin(&self.flags, &self.run)?;
        if self.retry_failed {
            let retried = watched.retry(|options, watch| retry_failed(catalog, &self.run, options, watch))?;
            let [asked, mended, failed] = [retried.asked, retried.mended, retried.failed].map(usize_count);
            if retried.is_interrupted() {
                watched.note(&format!(
                    "interrupted: {asked} of {failed} failed trials were evaluated again, {mended} have a result now\n\
                     hint: `tapeout resume {} --retry-failed` goes on",
                    self.run.display()
                ));
                return Ok(Answer::text("").with_exit(Exit::Interrupted));
            }
            watched.note(&format!("{mended} of {failed} failed trials have a result now"));
        }
        // What is shown, also of trials that are replayed, is of the run as it will be.
        let experiment =
            self.screen.is_asked().then(|| self.experiment(catalog, budget.as_ref())).transpose()?;
        let screen = experiment.as_ref().and_then(|experiment| self.screen.open(&self.flags, experiment));
        let finished = watched
            .watch_on(screen, |options, observer| resume(catalog, &self.run, budget, options, observer))?;
        watched.report(&finished)
    }

    fn experiment(&self, catalog: &Catalog, budget: Option<&Budget>) -> Result<Experiment, Failure> {
        let experiment = experiment(catalog, &self.run)?;
        match budget {
            Some(budget) => Ok(experiment.with_budget(budget.clone()).map_err(RunError::from)?),
            None => Ok(experiment),
        }
    }

    /// The budget of the run with the flags over it; none if there are no flags, or no run, which `resume` reports.
    fn new_budget(&self) -> Result<Option<Budget>, Failure> {
        let path = spec_path(&self.run);
        if !path.is_file() {
            return Ok(None);
        }
        let mut budget = Spec::read(&path)?.budget;
        Ok(self.budget.apply(&mut budget).then_some(budget))
    }
}
