//! Child processes with limits on time and memory: run once, or talked to in lines.
//!
//! | module | holds |
//! |---|---|
//! | `program` | what is started: a program, its arguments, where, with how much memory |
//! | `once` | running it to its end |
//! | `conversation` | talking to it: a line there, a line back |
//! | `reading` | reading what it writes, beside |
//! | `python` | classes in Python as such programs, by an adapter that is embedded |
//! | `ending` | ending it with all that it has started |
//!
//! A child that has ended or is out of time is ended with every process that it has started. Nothing here looks at a clock: what waits is
//! given a limit.

mod conversation;
mod ending;
mod once;
mod program;
mod python;
mod reading;

pub use conversation::{Conversation, Silence};
pub use once::{Ended, RunFault};
pub use program::{Program, StartError};
pub use python::{FindClassError, PYTHON, PythonRole, find_python_class};
