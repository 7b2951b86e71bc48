//! `tapeout dataset build`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::dataset::{Dataset, TableFormat};

use super::info;
use crate::answer::Answer;
use crate::failure::Failure;

/// What to gather, and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs, finished or not, of one environment in one version
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder of the data set
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What is in the new data set.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let dataset = Dataset::of_runs(catalog, &self.runs)?;
        dataset.write(&self.out, TableFormat::Parquet)?;
        Ok(info::answer(&dataset, self.json))
    }
}
