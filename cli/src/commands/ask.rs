//! `tapeout ask`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::AskTell;

use crate::answer::Answer;
use crate::arguments::SpecFlags;
use crate::failure::Failure;
use crate::held_run::{asked, experiment};

/// Which run, and what it is if it is not there yet.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the run, which begins if it is not there
    run: PathBuf,
    #[command(flatten)]
    spec: SpecFlags,
}

impl Args {
    /// The designs that the agent wants to know of, as JSON; the same until the run is told.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let experiment = experiment(catalog, &self.run, &self.spec)?;
        let mut run = AskTell::open(&experiment, &self.run)?;
        Ok(Answer::json(&asked(&mut run, experiment.problem().space())?))
    }
}
