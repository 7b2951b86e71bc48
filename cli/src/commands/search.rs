//! `tapeout search`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::{Observer, RunOptions, run};

use crate::answer::Answer;
use crate::arguments::SpecFlags;
use crate::board::Screen;
use crate::failure::Failure;
use crate::run_path::free_folder;
use crate::watched_run::{RunFlags, WatchedRun};

/// What to search, and where to keep it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    spec: SpecFlags,
    /// The folder of the run [default: runs/<env>-<agent>-<seed>, numbered if that is there]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Show front and hypervolume as they grow, where the standard error is a terminal
    #[arg(long)]
    watch: bool,
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
        let search = |options: &RunOptions<'_>, observer: &mut dyn Observer| {
            run(&experiment, &folder, options, observer)
        };
        let screen = (self.watch && !self.flags.is_quiet()).then(|| Screen::open(&experiment)).flatten();
        let finished = match screen {
            Some(mut screen) => {
                let finished = watched.ask(|options| search(options, &mut screen));
                screen.draw();
                finished?
            }
            None => watched.watch(search)?,
        };
        watched.report(&finished)
    }
}
