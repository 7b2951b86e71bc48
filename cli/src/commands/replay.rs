//! `tapeout replay`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::replay;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::number::usize_count;

/// What to replay.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a run
    run: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// How much was compared; a difference is a failure with an exit code of its own.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let report = replay(catalog, &self.run)?;
        if self.json {
            return Ok(Answer::json(&report));
        }
        Ok(Answer::text(format!(
            "{} trials replayed, {} duplicates: no difference",
            usize_count(report.trials),
            usize_count(report.duplicates)
        )))
    }
}
