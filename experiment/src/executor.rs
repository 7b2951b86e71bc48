//! Evaluating designs elsewhere: in other processes, on other machines.

use tapeout_core::{Design, EvalError, Outcome};

/// Whoever is asked about the designs of a run in place of its environment: other processes, other machines.
///
/// The loop stays what it is: it alone proposes, logs and looks up what is known, and takes answers by the places of their designs, so the
/// log does not depend on who answers first. [`RunOptions::threads`](crate::RunOptions::threads) is how many questions are open at once.
pub trait Executor: Send + Sync {
    /// What the environment of the run says of `designs`, in their order; called on several threads at once. A design whose evaluation fails
    /// is [`Outcome::Failed`].
    ///
    /// # Errors
    /// [`EvalError`] if there is no answer to be had, which ends the run. What was answered before is in its log.
    fn evaluate(&self, designs: &[Design]) -> Result<Vec<Outcome>, EvalError>;
}
