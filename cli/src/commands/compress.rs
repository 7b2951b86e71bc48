//! `tapeout compress`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::compress;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::number::{count, usize_count};

/// Whose logs to pack.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// A line for each: how large it was, and how large it is.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let packed = self.runs.iter().map(|folder| Ok((folder, compress(catalog, folder)?)));
        let packed = packed.collect::<Result<Vec<_>, Failure>>()?;
        if self.json {
            return Ok(Answer::json(&packed.iter().map(|(_, packed)| packed).collect::<Vec<_>>()));
        }
        let line = |(folder, it): &(&PathBuf, _)| {
            let tapeout::experiment::Compressed { trials, bytes, packed_bytes } = it;
            let (trials, before, after) = (usize_count(*trials), count(*bytes), count(*packed_bytes));
            format!("{}: {trials} trials, {before} bytes packed into {after}\n", folder.display())
        };
        Ok(Answer::text(packed.iter().map(line).collect::<String>()))
    }
}
