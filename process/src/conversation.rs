//! Talking to a program: a line there, a line back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, id};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use crate::ending::{FAREWELL, end, in_words, wait};
use crate::program::{Program, StartError};
use crate::reading::Reading;

/// The longest line of a child, in byte. Ours: ten thousand designs of many parameters have less.
const LINE: usize = 64 << 20;

/// How many lines wait to be heard; a child that says more waits itself. Ours: it has one to say for each question.
const LINES: usize = 16;

/// A child that is talked to.
#[derive(Debug)]
pub struct Conversation {
    child: Child,
    /// The process that began it: one that is forked from it has its memory, and neither its threads nor its child.
    owner: u32,
    /// What it is still to be told; closed to let the child end.
    input: Option<Sender<String>>,
    lines: Receiver<Result<String, Silence>>,
    complaint: Option<Reading>,
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
    /// It said this before it was asked, so that nobody knows which answer belongs to which question, and was ended.
    #[error("it said more than it was asked: `{0}`")]
    Unasked(String),
    /// It began a line that has more than so many bytes, and was ended.
    #[error("a line of it has more than {0} bytes")]
    TooLong(usize),
}

impl Program {
    /// Starts it, to be talked to.
    ///
    /// # Errors
    /// [`StartError`] if it cannot be started.
    pub fn talk(&self) -> Result<Conversation, StartError> {
        let mut child = self.start()?;
        let output = child.stdout.take().expect("invariant: the output is a pipe");
        let complaint =
            Reading::complaint(child.stderr.take().expect("invariant: the error output is a pipe"));
        let to_child = child.stdin.take().expect("invariant: the input is a pipe");
        let (input, questions) = channel();
        let (sender, lines) = sync_channel(LINES);
        // Both end with the child's streams, or when nobody asks or listens any more.
        thread::spawn(move || write_lines(to_child, &questions));
        thread::spawn(move || read_lines(output, &sender));
        Ok(Conversation { child, owner: id(), input: Some(input), lines, complaint: Some(complaint) })
    }
}

fn write_lines(mut input: ChildStdin, questions: &Receiver<String>) {
    for line in questions {
        if input.write_all([line.as_bytes(), b"\n"].concat().as_slice()).and_then(|()| input.flush()).is_err()
        {
            break;
        }
    }
}

fn read_lines(output: ChildStdout, heard: &SyncSender<Result<String, Silence>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = output.by_ref().take(LINE as u64).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            break;
        }
        let is_whole = line.last() == Some(&b'\n');
        let said = if !is_whole && line.len() == LINE {
            Err(Silence::TooLong(LINE))
        } else {
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            Ok(String::from_utf8_lossy(line).into_owned())
        };
        let is_last = said.is_err();
        if heard.send(said).is_err() || is_last {
            break;
        }
    }
}

impl Conversation {
    /// Says a line, which must have no line break in it, without waiting until it is taken. A child that does not take it is out of
    /// time or has died, and the next [`hear`](Self::hear) says how.
    pub fn say(&mut self, line: &str) {
        let input = self.input.as_ref().expect("invariant: the input is closed on dropping only");
        // Nobody takes lines for a child that has died.
        let _ = input.send(line.to_owned());
    }

    /// The next line of the child, for which it may take `limit`.
    ///
    /// # Errors
    /// [`Silence`], after which the child is of no use.
    pub fn hear(&mut self, limit: Duration) -> Result<String, Silence> {
        match self.lines.recv_timeout(limit) {
            Ok(said) => said.inspect_err(|_| end(&mut self.child)),
            Err(RecvTimeoutError::Timeout) => {
                end(&mut self.child);
                Err(Silence::TimeLimit(limit))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = wait(&mut self.child, FAREWELL);
                let complaint = self.complaint.take().map(|complaint| complaint.finish(FAREWELL));
                Err(Silence::Died(in_words(status, &complaint.unwrap_or_default())))
            }
        }
    }

    /// Says a line and hears the answer.
    ///
    /// # Errors
    /// As [`hear`](Self::hear); [`Silence::Unasked`] if the child has said more than its last answer.
    pub fn ask(&mut self, line: &str, limit: Duration) -> Result<String, Silence> {
        if let Ok(said) = self.lines.try_recv() {
            end(&mut self.child);
            return Err(said.map_or_else(|silence| silence, Silence::Unasked));
        }
        self.say(line);
        self.hear(limit)
    }

    /// Whether this process began it. To one that is forked from that process it is of no use.
    pub fn is_ours(&self) -> bool {
        self.owner == id()
    }

    /// The number of the child among the processes of the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Conversation {
    /// Lets the child end by itself, which closes its files in order, and ends it if it does not.
    fn drop(&mut self) {
        // The child of a parent is not ours to end.
        if !self.is_ours() {
            return;
        }
        drop(self.input.take());
        // How it ends is of no interest.
        let _ = wait(&mut self.child, FAREWELL);
    }
}
