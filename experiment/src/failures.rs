//! When evaluations that fail are no longer the fault of their designs.

use std::mem;

use tapeout_core::Outcome;

use crate::error::RunError;
use crate::experiment::Experiment;
use crate::log::{Log, Record};

/// Failures in a row that end a run. Ours: where four of five designs fail, one row of so many in 1,300 is chance; and an evaluator that
/// cannot work at all is found out within a batch.
pub(crate) const FAILURES_IN_A_ROW: usize = 32;

/// The failures since the last result, in the order of the run, of designs that were evaluated and not found in the log.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    /// Whether the run has a result at all.
    pub(crate) has_result: bool,
    /// Failures before the first result of the run. They are logged with it: a log without a result would say nothing of the designs, and
    /// who has mended the evaluator can go on as if it had never been broken.
    pub(crate) withheld: Vec<Record>,
    /// The first of the row, and which trial it is.
    first: Option<(usize, Record)>,
    in_a_row: usize,
}

impl Failures {
    /// Takes note of what became of a trial.
    pub(crate) fn see(&mut self, trial: usize, record: &Record) {
        if record.outcome.is_failed() {
            self.first.get_or_insert_with(|| (trial, record.clone()));
            self.in_a_row += 1;
        } else {
            (self.has_result, self.first, self.in_a_row) = (true, None, 0);
        }
    }

    /// Logs what was withheld, if anything was.
    pub(crate) fn release(&mut self, log: &mut dyn Log) -> Result<(), RunError> {
        match mem::take(&mut self.withheld) {
            withheld if withheld.is_empty() => Ok(()),
            withheld => log.append(&withheld),
        }
    }

    /// Whether something was evaluated, and the run has no result.
    pub(crate) fn are_all_there_is(&self) -> bool {
        !self.has_result && self.in_a_row > 0
    }

    /// Whether it is the evaluator rather than the designs.
    pub(crate) fn are_too_many(&self) -> bool {
        self.in_a_row >= FAILURES_IN_A_ROW
    }

    /// The error of a run that ends by them.
    pub(crate) fn error(&self, experiment: &Experiment) -> RunError {
        let (trial, record) = self.first.as_ref().expect("invariant: something has failed");
        let Outcome::Failed { cause } = &record.outcome else { unreachable!("invariant: it has failed") };
        let name = &experiment.spec().env.id;
        let failed = RunError::failed(experiment.env(), name, (*trial, &record.design), cause);
        failed.with_others(self.in_a_row - 1, self.has_result)
    }
}
