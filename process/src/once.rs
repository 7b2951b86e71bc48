//! Running a program to its end.

use std::io::{Read as _, Write as _};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::ending::{end, in_words, tail, wait};
use crate::program::{Program, StartError};

/// How much of the error output is kept, in byte. Ours: more than a trace of calls has.
const COMPLAINT: usize = 16 * 1024;

/// How much a program may write to its output, in byte. Ours: a hundred times what reports have.
const OUTPUT: u64 = 256 << 20;

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
    /// Runs it on `input`, for no longer than `limit`.
    ///
    /// # Errors
    /// [`RunFault`] if it could not be started, or is out of time. One that fails by its own account is [`Ended`].
    pub fn run(&self, input: &[u8], limit: Duration) -> Result<Ended, RunFault> {
        let mut child = self.start()?;
        let (mut output, complaint) = (
            child.stdout.take().expect("invariant: the output is a pipe"),
            child.stderr.take().expect("invariant: the error output is a pipe"),
        );
        let mut to_child = child.stdin.take().expect("invariant: the input is a pipe");
        let input = input.to_vec();
        // A child that does not read its input has no need of it.
        thread::spawn(move || {
            let _ = to_child.write_all(&input);
        });
        let complaint = thread::spawn(move || tail(complaint, COMPLAINT));
        let (sender, done) = channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = output.by_ref().take(OUTPUT).read_to_end(&mut text);
            // Nobody listens to a child that is out of time.
            let _ = sender.send(text);
        });
        let Ok(text) = done.recv_timeout(limit) else {
            end(&mut child);
            return Err(RunFault::TimeLimit { limit });
        };
        let status = wait(&mut child);
        let complaint = complaint.join().unwrap_or_default();
        Ok(Ended {
            code: status.and_then(|status| status.code()),
            how: in_words(status, &complaint),
            output: String::from_utf8_lossy(&text).into_owned(),
        })
    }
}
