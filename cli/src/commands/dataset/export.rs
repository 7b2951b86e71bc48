//! `tapeout dataset export`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::dataset::{Dataset, TableFormat};

use crate::answer::Answer;
use crate::failure::Failure;

/// What to write, how, and where to.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("format").required(true))]
pub(crate) struct Args {
    /// The folder of a data set
    dataset: PathBuf,
    /// As text: `table.csv`
    #[arg(long, group = "format")]
    csv: bool,
    /// Small, with types: `table.parquet`
    #[arg(long, group = "format")]
    parquet: bool,
    /// The folder of the new data set
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl Args {
    /// The path of the new table.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let format = if self.csv { TableFormat::Csv } else { TableFormat::Parquet };
        Dataset::read(catalog, &self.dataset)?.write(&self.out, format)?;
        Ok(Answer::text(self.out.join(format.file_name()).display().to_string()))
    }
}
