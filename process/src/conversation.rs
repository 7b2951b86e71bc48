//! Talking to a program: a line there, a line back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::ending::{end, in_words, tail, wait};
use crate::program::{Program, StartError};

/// How much of the error output is kept, in byte. Ours: more than a trace of calls has.
const COMPLAINT: usize = 16 * 1024;

/// A child that is talked to.
#[derive(Debug)]
pub struct Conversation {
    child: Child,
    /// Closed to let the child end.
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaint: Option<JoinHandle<String>>,
}

/// Why no line came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// It took longer than it was given, and was ended.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimeLimit(Duration),
    /// It died; how, and the last it complained of.
    #[error("it died: {0}")]
    Died(String),
}

impl Program {
    /// Starts it, to be talked to.
    ///
    /// # Errors
    /// [`StartError`] if it cannot be started.
    pub fn talk(&self) -> Result<Conversation, StartError> {
        let mut child = self.start()?;
        let output = child.stdout.take().expect("invariant: the output is a pipe");
        let complaint = child.stderr.take().expect("invariant: the error output is a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || {
            // Ends with the child's output, or when nobody listens any more.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let complaint = Some(thread::spawn(move || tail(complaint, COMPLAINT)));
        let input = child.stdin.take();
        Ok(Conversation { child, input, lines, complaint })
    }
}

impl Conversation {
    /// Says a line, which must have no line break in it. A child that does not take it has died, and the next
    /// [`hear`](Self::hear) says how.
    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("invariant: the input is closed on dropping only");
        let _ = input.write_all([line.as_bytes(), b"\n"].concat().as_slice()).and_then(|()| input.flush());
    }

    /// The next line of the child, for which it may take `limit`.
    ///
    /// # Errors
    /// [`Silence`], after which the child is of no use.
    pub fn hear(&mut self, limit: Duration) -> Result<String, Silence> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                end(&mut self.child);
                Err(Silence::TimeLimit(limit))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = wait(&mut self.child);
                let complaint =
                    self.complaint.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
                Err(Silence::Died(in_words(status, &complaint)))
            }
        }
    }

    /// Says a line and hears the answer.
    ///
    /// # Errors
    /// As [`hear`](Self::hear).
    pub fn ask(&mut self, line: &str, limit: Duration) -> Result<String, Silence> {
        self.say(line);
        self.hear(limit)
    }

    /// The number of the child among the processes of the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Conversation {
    /// Lets the child end by itself, which closes its files in order, and ends it if it does not.
    fn drop(&mut self) {
        /// How long a child may take to end: it has little to do, and whoever drops it waits.
        const FAREWELL: Duration = Duration::from_secs(2);
        drop(self.input.take());
        let _ = self.lines.recv_timeout(FAREWELL);
        end(&mut self.child);
    }
}
