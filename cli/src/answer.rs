//! What a command comes back with: what to print, and the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::failure::Failure;

/// How the program ends. The numbers are part of the interface: `docs/guide/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something failed on the way: a disk, an evaluator, an agent.
    Failed = 1,
    /// The command line, a file or a folder that was named cannot be used.
    BadInput = 2,
    /// A check or a replay found a difference.
    Difference = 3,
    /// Somebody pressed Ctrl-C: 128 and the number of SIGINT, as shells report it.
    /// Source: POSIX.1-2024, Shell Command Language, 2.8.2 "Exit Status for Commands".
    Interrupted = 130,
}

impl Exit {
    /// The exit codes, for `--help`.
    pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    something failed on the way: a disk, an evaluator, an agent
  2    the command line, a file or a folder that was named cannot be used
  3    a check or a replay found a difference
  130  interrupted; `tapeout resume` goes on";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The version of the forms of answers and errors in JSON, one for all commands: raised where a key goes or means something else. A key that
/// comes raises nothing.
pub(crate) const SCHEMA: u32 = 1;

/// What a command has to say.
#[derive(Debug)]
pub(crate) struct Answer {
    data: Vec<u8>,
    exit: Exit,
}

impl Answer {
    /// Text, and all is well.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Self { data: text.into_bytes(), exit: Exit::Done }
    }

    /// Data as JSON, indented: its keys behind that of the version, so it is a struct or a map.
    pub(crate) fn json(data: &impl Serialize) -> Self {
        #[derive(Serialize)]
        struct Versioned<'a, T> {
            schema: u32,
            #[serde(flatten)]
            data: &'a T,
        }
        let json = serde_json::to_string_pretty(&Versioned { schema: SCHEMA, data });
        Self::text(json.expect("invariant: what is printed has text keys and no failing parts"))
    }

    /// The same with another exit code.
    pub(crate) fn with_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// What it prints, and how the program ends.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Exit) {
        (self.data, self.exit)
    }

    /// Writes it to the standard output. A reader that closed its end has seen enough, which is no failure.
    pub(crate) fn print(&self) -> Result<Exit, Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(&self.data).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::failed(error).context("cannot write to the standard output"))
            }
            _ => Ok(self.exit),
        }
    }
}
