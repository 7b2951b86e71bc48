//! The log as the loop sees it, wherever it is kept.

use tapeout_core::Design;

use super::Record;
use crate::error::RunError;

/// Where the loop finds what was evaluated before, and keeps what it evaluates: the folder of a run, [`MemoryLog`](super::MemoryLog),
/// a table of measurements.
///
/// A log that holds a run answers in the order of the run and fails at the first difference; one that holds answers of
/// whatever origin answers by design.
pub trait Log {
    /// What is there of each of `designs`, in their order; none of those that are to be evaluated. The designs are new to
    /// the run; they stand in the order in which the agent proposes them.
    ///
    /// # Errors
    /// [`RunError::Diverged`] if the log holds the run, and another design in the place of one of these.
    fn replay(&mut self, designs: &[Design]) -> Result<Vec<Option<Record>>, RunError>;

    /// Adds trials, in the order proposed unless the log [takes any order](Log::is_ordered). They stay there, whatever becomes of
    /// this process.
    ///
    /// # Errors
    /// [`RunError`] if that cannot be said of all of them.
    fn append(&mut self, records: &[Record]) -> Result<(), RunError>;

    /// The search has ended, for whatever reason: makes all that was added as durable as it will be.
    ///
    /// # Errors
    /// [`RunError`] if that cannot be done; [`RunError::Diverged`] if the log holds trials of the run that the agent did not
    /// propose again.
    fn finish(&mut self) -> Result<(), RunError>;

    /// How many trials of the run are there that the agent has yet to propose again. As long as there are any, nothing but
    /// the agent ends the search.
    fn ahead(&self) -> usize {
        0
    }

    /// Wall time of the parts of the run that are there already.
    fn elapsed_s(&self) -> f64 {
        0.0
    }

    /// Whether trials are added in the order proposed. If not, each is evaluated by itself and added as soon as it is done, so
    /// that a kill costs no more than what is being evaluated.
    fn is_ordered(&self) -> bool {
        true
    }
}
