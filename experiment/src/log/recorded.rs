//! The trials of a log, to be proposed again one after another.

use std::path::PathBuf;
use std::vec::IntoIter;

use tapeout_core::{Design, DesignSpace};

use super::{Log, Record, design_text};
use crate::error::RunError;

/// The trials of a log that was read. Nothing is added to it: a run that goes no further than its log is a replay.
pub(crate) struct Recorded {
    path: PathBuf,
    space: DesignSpace,
    agent: String,
    records: IntoIter<Record>,
    n_records: usize,
    elapsed_s: f64,
}

impl Recorded {
    /// `records`: those of the log at `path`, in its order, designs of `space` proposed by `agent`.
    pub(crate) fn new(path: PathBuf, space: DesignSpace, agent: &str, records: Vec<Record>) -> Self {
        Self {
            path,
            space,
            agent: agent.to_owned(),
            n_records: records.len(),
            elapsed_s: records.last().map_or(0.0, |record| record.timing.elapsed_s),
            records: records.into_iter(),
        }
    }

    fn diverged(&self, logged: &Design, proposed: String) -> RunError {
        RunError::Diverged {
            path: self.path.clone(),
            trial: self.n_records - self.records.len(),
            agent: self.agent.clone(),
            logged: design_text(&self.space, logged),
            proposed,
        }
    }
}

impl Log for Recorded {
    fn replay(&mut self, designs: &[Design]) -> Result<Vec<Option<Record>>, RunError> {
        let mut records = Vec::with_capacity(designs.len());
        for design in designs {
            match self.records.as_slice().first() {
                Some(record) if record.design != *design => {
                    return Err(self.diverged(&record.design, design_text(&self.space, design)));
                }
                _ => records.push(self.records.next()),
            }
        }
        Ok(records)
    }

    fn append(&mut self, _: &[Record]) -> Result<(), RunError> {
        Ok(())
    }

    /// Fails if the log goes on where the agent does not.
    fn finish(&mut self) -> Result<(), RunError> {
        match self.records.as_slice().first() {
            None => Ok(()),
            Some(record) => Err(self.diverged(&record.design, "nothing new".to_owned())),
        }
    }

    fn ahead(&self) -> usize {
        self.records.len()
    }

    fn elapsed_s(&self) -> f64 {
        self.elapsed_s
    }
}
