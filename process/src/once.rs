//! Running a program to its end.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use crate::ending::{FAREWELL, in_words, wait};
use crate::program::{Program, StartError};
use crate::reading::Reading;

/// A program that has come to its end.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// How it ended, in words, with the last line of its error output.
    pub how: String,
    /// What it wrote to its output.
    pub output: String,
}

/// A program that has not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFault {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It took longer than it was given, and was ended.
    #[error("not done within {} s", .limit.as_secs_f64())]
    TimeLimit {
        /// What it was given.
        limit: Duration,
    },
}

impl Program {
    /// Runs it on `input`, for no longer than `limit`. What it has started and left running is ended with it, whether or not it is out
    /// of time.
    ///
    /// # Errors
    /// [`RunFault`] if it could not be started, or is out of time. One that fails by its own account is [`Ended`].
    pub fn run(&self, input: &[u8], limit: Duration) -> Result<Ended, RunFault> {
        let mut child = self.start()?;
        let output = Reading::output(child.stdout.take().expect("invariant: the output is a pipe"));
        let complaint =
            Reading::complaint(child.stderr.take().expect("invariant: the error output is a pipe"));
        let mut to_child = child.stdin.take().expect("invariant: the input is a pipe");
        let input = input.to_vec();
        // A child that does not read its input has no need of it.
        thread::spawn(move || {
            let _ = to_child.write_all(&input);
        });
        // The end of its output is not its own: it may work on with its output closed.
        let status = wait(&mut child, limit).ok_or(RunFault::TimeLimit { limit })?;
        Ok(Ended {
            code: status.code(),
            how: in_words(Some(status), &complaint.finish(FAREWELL)),
            output: String::from_utf8_lossy(&output.finish(FAREWELL)).into_owned(),
        })
    }
}
