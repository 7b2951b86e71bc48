//! A run on disk: `spec.toml`, `trials.jsonl`, `summary.json`.

use std::path::Path;

use tapeout_core::{Catalog, Trial};

use crate::error::RunError;
use crate::experiment::Experiment;
use crate::log::Record;

/// A run that was read from disk, finished or not.
pub struct RunFolder {
    experiment: Experiment,
    records: Vec<Record>,
}

impl RunFolder {
    /// Reads the run in the folder `path`.
    ///
    /// # Errors
    /// [`RunError`] if there is none, or its spec or log cannot be read.
    pub fn open(catalog: &Catalog, path: &Path) -> Result<Self, RunError> {
        todo!("{} {:?}", catalog.envs().len(), path)
    }

    /// What was run.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The log, line by line.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The log, judged by the run's own problem.
    pub fn trials(&self) -> Vec<Trial> {
        let problem = self.experiment.problem();
        self.records.iter().map(|record| problem.trial(record.design.clone(), record.outcome.clone())).collect()
    }
}
