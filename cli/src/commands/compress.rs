//! `tapeout compress`.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;
use tapeout::core::Catalog;
use tapeout::experiment::{Compressed, compress};

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

/// A run and what packing its log did.
#[derive(Serialize)]
struct PackedRun {
    run: String,
    #[serde(flatten)]
    log: Compressed,
}

impl PackedRun {
    /// A line: how large it was, and how large it is.
    fn line(&self) -> String {
        let Compressed { trials, bytes, packed_bytes } = self.log;
        let (trials, before, after) = (usize_count(trials), count(bytes), count(packed_bytes));
        format!("{}: {trials} trials, {before} bytes packed into {after}\n", self.run)
    }
}

impl Args {
    /// A line for each; if one cannot be packed, the error says which were before it.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let mut runs: Vec<PackedRun> = Vec::new();
        for folder in &self.runs {
            match compress(catalog, folder) {
                Ok(log) => runs.push(PackedRun { run: folder.display().to_string(), log }),
                Err(error) if runs.is_empty() => return Err(error.into()),
                Err(error) => {
                    let done: Vec<&str> = runs.iter().map(|packed| packed.run.as_str()).collect();
                    let message = format!(
                        "{} cannot be packed; packed before it: {}",
                        folder.display(),
                        done.join(", ")
                    );
                    return Err(Failure::from(error).context(message));
                }
            }
        }
        Ok(if self.json {
            Answer::json(&json!({ "runs": runs }))
        } else {
            Answer::text(runs.iter().map(PackedRun::line).collect::<String>())
        })
    }
}
