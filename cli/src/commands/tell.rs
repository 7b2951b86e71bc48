//! `tapeout tell`.

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::json;
use tapeout::core::Catalog;
use tapeout::experiment::{AskTell, Run};
use tapeout::input::{Bounded, MOST_STREAM_BYTES};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::held_run::{Told, tell};

/// Which run, and what became of its designs.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the run
    run: PathBuf,
    /// What became of the designs of `ask`, in its order: a list in JSON of `{"metrics": {...}}` or `{"infeasible": "rule"}`; the standard
    /// input if no file is named
    file: Option<PathBuf>,
}

impl Args {
    /// How many trials there are now.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let name =
            self.file.as_ref().map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
        let text = match &self.file {
            Some(file) => tapeout::input::read_text(file),
            None => {
                let mut text = String::new();
                Bounded::new(std::io::stdin(), MOST_STREAM_BYTES).read_to_string(&mut text).map(|_| text)
            }
        };
        let text =
            text.map_err(|error| Failure::bad_input(error).context(format!("{name}: cannot be read")))?;
        let told: Vec<Told> = serde_json::from_str(&text).map_err(|error| {
            let hint = "expected a list such as `[{\"metrics\": {\"latency_s\": 0.5}}, {\"infeasible\": \"too_large\"}]`";
            Failure::bad_input(error).context(format!("{name}: no answers")).hint(hint)
        })?;
        let experiment = Run::open(catalog, &self.run)?.experiment().clone();
        let mut run = AskTell::open(&experiment, &self.run)?;
        tell(&mut run, experiment.env(), told)?;
        Ok(Answer::json(&json!({ "trials": run.n_trials() })))
    }
}
