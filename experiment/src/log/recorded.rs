//! The trials of a log, to be proposed again one after another.

use std::path::PathBuf;

use tapeout_core::{Design, DesignSpace};

use super::{Log, LogReader, Record, design_text};
use crate::error::RunError;

/// The trials of a log that is read as they are proposed again, so that a long one is never in memory as a whole. Nothing is added to it: a run that goes no further
/// than its log is a replay.
pub(crate) struct Recorded {
    path: PathBuf,
    space: DesignSpace,
    agent: String,
    log: LogReader,
    /// The trial that is to be proposed next, if it was looked at.
    next: Option<Record>,
    extent: Extent,
    n_taken: usize,
}

/// How far a log that was read from end to end goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    /// Trials in it.
    pub(crate) trials: usize,
    /// The bytes up to the end of its last whole line, those of the header included.
    pub(crate) bytes: u64,
    /// Wall time of the run when the last was logged.
    pub(crate) elapsed_s: f64,
}

impl Recorded {
    /// `log`: the log at `path`, behind its header, which goes so far; its designs of `space` proposed by `agent`.
    pub(crate) fn new(
        path: PathBuf,
        space: DesignSpace,
        agent: &str,
        log: LogReader,
        extent: Extent,
    ) -> Self {
        Self { path, space, agent: agent.to_owned(), log, next: None, extent, n_taken: 0 }
    }

    /// The next trial, which stays the next; none behind the last that was there at first.
    fn peek(&mut self) -> Result<Option<&Record>, RunError> {
        if self.next.is_none() && self.n_taken < self.extent.trials {
            let record = self.log.next().transpose()?;
            self.next = Some(record.ok_or_else(|| RunError::Shrunk { path: self.path.clone() })?);
        }
        Ok(self.next.as_ref())
    }

    fn diverged(&self, logged: &Design, proposed: String) -> RunError {
        RunError::Diverged {
            path: self.path.clone(),
            trial: self.n_taken,
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
            match self.peek()? {
                Some(record) if record.design != *design => {
                    let logged = record.design.clone();
                    return Err(self.diverged(&logged, design_text(&self.space, design)));
                }
                record => {
                    let is_there = record.is_some();
                    records.push(self.next.take());
                    self.n_taken += usize::from(is_there);
                }
            }
        }
        Ok(records)
    }

    fn append(&mut self, _: &[Record]) -> Result<(), RunError> {
        Ok(())
    }

    /// Fails if the log goes on where the agent does not.
    fn finish(&mut self) -> Result<(), RunError> {
        let logged = self.peek()?.map(|record| record.design.clone());
        logged.map_or(Ok(()), |logged| Err(self.diverged(&logged, "nothing new".to_owned())))
    }

    fn ahead(&self) -> usize {
        self.extent.trials - self.n_taken
    }

    fn elapsed_s(&self) -> f64 {
        self.extent.elapsed_s
    }
}
