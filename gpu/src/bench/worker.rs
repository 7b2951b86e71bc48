//! The parent's side of one child process.

use std::env::current_exe;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::protocol::{Reply, Request};
use crate::measurement::Session;

/// How a child is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl WorkerCommand {
    /// The worker that `program`, with the first of its arguments behind it, has; this program's if none is named.
    ///
    /// # Errors
    /// If `program` is empty, or this program cannot be found.
    pub fn of(program: Option<&[String]>, arguments: Vec<String>) -> io::Result<Self> {
        let Some(program) = program else {
            return Ok(Self { program: current_exe()?, arguments });
        };
        let (program, first) = program.split_first().ok_or_else(|| io::Error::other("names no program"))?;
        Ok(Self { program: PathBuf::from(program), arguments: [first, &arguments].concat() })
    }
}

/// Nothing could be measured, which says nothing about any design.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// There is no device to measure on, or something that it needs is missing.
    #[error("nothing can be measured here: {0}")]
    Unavailable(String),
    /// The child could not be started.
    #[error("measuring process `{program}`: {message}")]
    NotStarted {
        /// Its program.
        program: String,
        /// What went wrong.
        message: String,
    },
    /// The child does not speak the protocol.
    #[error("measuring process: expected {expected}, got `{got}`")]
    Protocol {
        /// What should have come.
        expected: &'static str,
        /// The line that came.
        got: String,
    },
    /// The child could not do what it was asked.
    #[error("measuring process: {0}")]
    Failed(String),
}

/// Why a child gave no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It took longer than it was given.
    TimeLimit,
    /// It died; how, and the last it said.
    Died(String),
    /// It said something that is no answer.
    Garbage(String),
}

/// A child process.
pub(super) struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    complaint: Option<JoinHandle<String>>,
    session: Option<Session>,
}

impl Worker {
    /// Starts a child and waits until it has said that it is ready.
    pub(super) fn start(command: &WorkerCommand, limit: Duration) -> Result<Self, BenchError> {
        let program = command.program.display().to_string();
        let not_started = |message: String| BenchError::NotStarted { program: program.clone(), message };
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| not_started(error.to_string()))?;
        let output = child.stdout.take().expect("invariant: the output is a pipe");
        let complaints = child.stderr.take().expect("invariant: the error output is a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || {
            // Ends with the child's output, or when nobody listens any more.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let complaint = Some(thread::spawn(move || last_of(complaints)));
        let input = child.stdin.take();
        let mut worker = Self { child, input, lines, complaint, session: None };
        match worker.hear(limit) {
            Ok(Reply::Ready(session)) => {
                worker.session = Some(session);
                Ok(worker)
            }
            Ok(Reply::Unavailable(message)) => Err(BenchError::Unavailable(message)),
            Ok(other) => {
                Err(BenchError::Protocol { expected: "that it is ready", got: format!("{other:?}") })
            }
            Err(Silence::Garbage(got)) => Err(BenchError::Protocol { expected: "that it is ready", got }),
            Err(Silence::TimeLimit) => {
                Err(not_started(format!("not ready within {} s", limit.as_secs_f64())))
            }
            Err(Silence::Died(how)) => Err(not_started(how)),
        }
    }

    /// What the child measures with.
    pub(super) const fn session(&self) -> &Session {
        self.session.as_ref().expect("invariant: a child that was started has said that it is ready")
    }

    /// Asks, and waits for the answer, but no longer than `limit`. After a silence the child is of no use.
    pub(super) fn ask(&mut self, request: &Request, limit: Duration) -> Result<Reply, Silence> {
        let mut line =
            serde_json::to_string(request).expect("invariant: a station is asked for tiles that have names");
        line.push('\n');
        let input = self.input.as_mut().expect("invariant: the input is closed on dropping only");
        // A child that does not take the question has died; what comes, or does not come, from it says how.
        let _ = input.write_all(line.as_bytes()).and_then(|()| input.flush());
        self.hear(limit)
    }

    fn hear(&mut self, limit: Duration) -> Result<Reply, Silence> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => serde_json::from_str(&line).map_err(|_| Silence::Garbage(line)),
            Err(RecvTimeoutError::Timeout) => {
                // It is of no use any more, and may hold the device.
                let _ = self.child.kill();
                Err(Silence::TimeLimit)
            }
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Died(self.last_words())),
        }
    }

    /// How a child ended whose output has ended.
    fn last_words(&mut self) -> String {
        // One that has closed its output without ending would be waited for in vain.
        let _ = self.child.kill();
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let complaint = self.complaint.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        match complaint.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(line) => format!("{status}: {line}"),
            None => status,
        }
    }
}

impl Drop for Worker {
    /// Lets the child end by itself, which gives memory and device back in order, and ends it if it does not.
    fn drop(&mut self) {
        /// How long a child may take to end: it has little to do, and whoever drops it waits.
        const FAREWELL: Duration = Duration::from_secs(2);
        drop(self.input.take());
        let _ = self.lines.recv_timeout(FAREWELL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of what a child complains of, once it is done.
fn last_of(mut complaints: impl Read) -> String {
    /// Of a long complaint the end says most; this is a screen of it.
    const KEPT_BYTE: usize = 4096;
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = [0; KEPT_BYTE];
    while let Ok(n_read) = complaints.read(&mut buffer) {
        if n_read == 0 {
            break;
        }
        kept.extend_from_slice(&buffer[..n_read]);
        kept.drain(..kept.len().saturating_sub(KEPT_BYTE));
    }
    String::from_utf8_lossy(&kept).into_owned()
}
