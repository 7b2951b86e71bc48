//! Replaying a log: does the agent still propose what is in it?

use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use serde::Serialize;
use tapeout_core::{Catalog, Design};

use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder;
use crate::log::{Record, RecordFormat};
use crate::search::Search;

/// A replay without a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// How many trials were compared: all there are in the log.
    pub trials: usize,
    /// How many proposals were answered from the log, up to its last trial.
    pub duplicates: usize,
}

/// Runs the same rounds over the log of the run in `folder`, without evaluating anything or writing to the folder.
///
/// # Errors
/// [`RunError::Diverged`] at the first trial that the agent would not propose; others if the run cannot be read.
pub fn replay(catalog: &Catalog, folder: &Path) -> Result<ReplayReport, RunError> {
    let experiment = folder::experiment(catalog, folder)?;
    let (records, _) = folder::read_log(&experiment, folder)?;
    let mut search = Search::new(&experiment)?;
    let mut logged = Logged::new(folder, &experiment, records);
    let limit = logged.len();
    while !logged.is_used_up() {
        let batch = match search.dead_end() {
            Some(_) => None,
            None => search.propose(limit)?,
        };
        let Some(batch) = batch else {
            logged.must_be_used_up()?;
            break;
        };
        let records = logged.answer(&batch.new)?;
        let n_from_log = records.len();
        search.absorb(&batch, records, n_from_log, &mut ())?;
    }
    Ok(ReplayReport { trials: search.trials().len(), duplicates: search.duplicates() })
}

/// The trials of a log, to be proposed again one after another.
pub(crate) struct Logged {
    path: PathBuf,
    format: RecordFormat,
    agent: String,
    records: IntoIter<Record>,
    n_records: usize,
    elapsed_s: f64,
}

impl Logged {
    pub(crate) fn new(folder: &Path, experiment: &Experiment, records: Vec<Record>) -> Self {
        Self {
            path: folder::log_path(folder),
            format: RecordFormat::of(experiment.problem()),
            agent: experiment.spec().agent.id.clone(),
            n_records: records.len(),
            elapsed_s: records.last().map_or(0.0, |record| record.timing.elapsed_s),
            records: records.into_iter(),
        }
    }

    /// How many trials there are in all.
    pub(crate) fn len(&self) -> usize {
        self.n_records
    }

    /// Wall time of the run when the last of them was logged.
    pub(crate) fn elapsed_s(&self) -> f64 {
        self.elapsed_s
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.records.as_slice().is_empty()
    }

    /// The trials of the first of `designs`, as far as the log goes.
    ///
    /// # Errors
    /// [`RunError::Diverged`] if the log has another design in the place of one of them.
    pub(crate) fn answer(&mut self, designs: &[Design]) -> Result<Vec<Record>, RunError> {
        let mut records = Vec::with_capacity(designs.len());
        for design in designs {
            match self.records.as_slice().first() {
                None => break,
                Some(record) if record.design != *design => {
                    return Err(self.diverged(&record.design, self.format.design_text(design)));
                }
                Some(_) => records.extend(self.records.next()),
            }
        }
        Ok(records)
    }

    /// Fails if the log goes on where the agent does not.
    pub(crate) fn must_be_used_up(&self) -> Result<(), RunError> {
        match self.records.as_slice().first() {
            None => Ok(()),
            Some(record) => Err(self.diverged(&record.design, "nothing new".to_owned())),
        }
    }

    fn diverged(&self, logged: &Design, proposed: String) -> RunError {
        RunError::Diverged {
            path: self.path.clone(),
            trial: self.n_records - self.records.len(),
            agent: self.agent.clone(),
            logged: self.format.design_text(logged),
            proposed,
        }
    }
}
