//! `tapeout spec`.

use tapeout::core::Catalog;

use crate::answer::Answer;
use crate::arguments::SpecFlags;
use crate::failure::Failure;

/// What to resolve.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    spec: SpecFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The spec as it would be run.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let experiment = self.spec.prepare(catalog)?;
        if self.json {
            Ok(Answer::json(experiment.spec()))
        } else {
            Ok(Answer::text(experiment.spec().to_toml()?))
        }
    }
}
