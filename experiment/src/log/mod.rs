//! What was evaluated: the contract of whoever keeps it, [`Log`], and `trials.jsonl`, where runs on disk do, a line each.
//!
//! The first line is the [`Header`]: format and version, environment, metrics, parameters, and what was asked for. Each
//! further line is one trial (here broken for reading):
//!
//! ```text
//! {"design":{"pe_rows":16,"dataflow":"output"},
//!  "outcome":{"measured":{"latency_s":0.00125}},          or {"infeasible":{"rule":"l2_capacity","violation":2.5}}
//!                                                         or {"failed":"exit code 139"}
//!  "check":"5a0c3f1e",
//!  "timing":{"evaluation_s":1.2e-5,"elapsed_s":0.31}}
//! ```
//!
//! `check` is the CRC-32 of the bytes before it, so that a trial that was edited is noticed. Logs of version 1 have none, and are read and
//! gone on with as they are; so are those of version 2, in which no trial had failed. A failure that one of them gains then is a line like those
//! of version 3.
//!
//! An evaluation that failed is a trial like any other, of which nothing is known. One that was retried has its result in the place of the
//! failure, and beside it `"retried":"exit code 139"`: the failure, which is what the agent was told, so that it proposes the same again.
//! Failures before the first result of a run are not logged until there is one: an evaluator that never worked leaves the log empty.
//!
//! Designs stand as values, not as levels, and nothing is judged, so a log outlives its objective. Numbers are written so
//! that reading gives the same bits. All but `timing` is a function of the spec.
//!
//! `tapeout compress` puts `trials.jsonl.gz` in the place of a log: the same lines, packed by gzip. Every reader takes either, and whoever adds
//! to a packed log unpacks it first. If both are there, somebody was stopped on the way: they hold the same then, and the unpacked one
//! counts; if it has fewer trials than the packed one, nothing is written or removed, and somebody has to say which is the run's.
//!
//! # What survives what
//!
//! - A trial is in the log before the agent learns of it. The beginning of a batch is written as it is done, unless it takes
//!   less than a write is worth; so a process that is killed at any instant loses what it is evaluating, and what was done out
//!   of order behind it.
//! - When data are forced to the disk is up to [`SyncPolicy`](crate::SyncPolicy); a power cut loses what came after.
//! - Header, spec and summary are written beside their place, forced to the disk, and moved there, so each is
//!   whole or absent.
//! - A write that fails (disk full) is undone up to the last whole line, and the run stops.
//! - A last line without its newline is torn: readers leave it out, and resuming cuts it off. Anything else that is
//!   malformed is an error with its line.

mod error;
mod header;
mod keeping;
mod memory;
mod reader;
mod record;
mod recorded;
mod writer;
mod written;

pub use error::{LogError, LogFault};
pub use header::{Header, LOG_VERSION, LoggedMetric, LoggedSearch, LoggedWorkload};
pub use keeping::Log;
pub use memory::MemoryLog;
pub use reader::LogReader;
pub use record::{Record, TrialTiming};
pub(crate) use record::{RecordFormat, design_text};
pub(crate) use recorded::{Extent, Recorded};
pub(crate) use writer::{LogWriter, is_still_at, is_written_to, open_locked, open_locked_alone};
