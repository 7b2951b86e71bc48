//! `tapeout search`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::run;

use crate::answer::Answer;
use crate::arguments::SpecFlags;
use crate::failure::Failure;
use crate::run_path::free_folder;
use crate::watched_run::{RunFlags, ScreenFlag, WatchedRun};

/// What to search, and where to keep it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    spec: SpecFlags,
    /// The folder of the run [default: runs/<env>-<agent>-<seed>, numbered if that is there]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    screen: ScreenFlag,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Searches, draws, and reports.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let experiment = self.spec.prepare(catalog)?;
        if let Some(missing) = experiment.env().missing() {
            return Err(Failure::bad_input(anyhow::anyhow!("`{}`: {missing}", experiment.spec().env.id)));
        }
        let folder = self.out.clone().unwrap_or_else(|| free_folder(experiment.spec()));
        let mut watched = WatchedRun::begin(&self.flags, &folder)?;
        let screen = self.screen.open(&self.flags, &experiment);
        let finished =
            watched.watch_on(screen, |options, observer| run(&experiment, &folder, options, observer))?;
        watched.report(&finished)
    }
}
