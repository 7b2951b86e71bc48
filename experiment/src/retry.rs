//! Asking again about the designs of a run whose evaluation failed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use tapeout_core::{Catalog, Outcome};

use crate::clock::Clock;
use crate::durable_file::put_whole_by;
use crate::error::RunError;
use crate::evaluate::Evaluator;
use crate::folder::{experiment, open_log};
use crate::log::{LogReader, Record, TrialTiming, open_locked};
use crate::packing::open_unpacked;
use crate::run::RunOptions;
use crate::run_files::log_path;

/// How many are asked about before the first results are in the log. Ours: a piece of work for each thread of a large machine.
const FIRST_SLICE: usize = 32;

/// Time up to which the next slice may be twice as long. Ours: what somebody loses who kills it, and many times what writing a log anew
/// takes.
const SLICE_S: f64 = 1.0;

/// How far asking again has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// How many trials of the log had failed.
    pub failed: usize,
    /// How many of them were evaluated again.
    pub asked: usize,
    /// How many of those have a result now.
    pub mended: usize,
}

impl Retried {
    /// Whether somebody interrupted before all were evaluated again.
    pub fn is_interrupted(&self) -> bool {
        self.asked < self.failed
    }
}

/// Evaluates the failed trials of the run in `folder` again, and puts those that have a result now into the log in their places. They are
/// taken in slices, and `watch` is told after each, when its results are in the log. However many fail again, the others are asked about
/// too: that one does says little of the next, since all had failed before.
///
/// The agent is not told, neither now nor when the run is gone on with or replayed: it has chosen its later proposals without. All else
/// that is made of the log has the result.
///
/// # Errors
/// [`RunError`] if there is no run in the folder, another process is at it, or its log cannot be read or written. The log then has the
/// results of the slices before.
pub fn retry_failed(
    catalog: &Catalog,
    folder: &Path,
    options: &RunOptions<'_>,
    watch: &mut dyn FnMut(Retried),
) -> Result<Retried, RunError> {
    let experiment = experiment(catalog, folder)?;
    let mut lock = open_unpacked(&experiment, folder)?;
    let path = log_path(folder);
    let mut failed: Vec<(usize, Record)> = Vec::new();
    for (trial, record) in open_log(&experiment, folder)?.enumerate() {
        let record = record?;
        if record.outcome.is_failed() {
            failed.push((trial, record));
        }
    }
    let format = LogReader::header(&path)?.record_format(experiment.problem());
    let evaluator = Evaluator::new(experiment.env(), options.threads)?;
    let is_over = || options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed));
    let mut retried = Retried { failed: failed.len(), asked: 0, mended: 0 };
    let (mut rest, mut length) = (failed.as_slice(), FIRST_SLICE);
    while !rest.is_empty() && !is_over() {
        let clock = Clock::start();
        let slice;
        (slice, rest) = rest.split_at(length.min(rest.len()));
        let (asked, mended) = ask_again(&evaluator, slice, &is_over)?;
        if !mended.is_empty() {
            let lines = mended.iter().map(|(trial, record)| {
                let mut line = Vec::new();
                format.write(record, &mut line);
                (trial + 1, line) // behind the header
            });
            let lines: Vec<(usize, Vec<u8>)> = lines.collect();
            put_whole_by(&path, None, &mut |file| copy_with(&path, &lines, file))
                .map_err(|source| RunError::Folder { path: path.clone(), action: "write", source })?;
            // The lock was on the file that was replaced; it is kept until the new one is locked.
            lock = open_locked(&path)?;
        }
        retried = Retried { asked: retried.asked + asked, mended: retried.mended + mended.len(), ..retried };
        watch(retried);
        length = if clock.elapsed_s() < SLICE_S { 2 * length } else { length };
    }
    drop(lock); // until here nobody else could add to a log that is replaced
    Ok(retried)
}

/// How many of `failed` were evaluated again, and those that have a result now, in their order.
fn ask_again(
    evaluator: &Evaluator<'_>,
    failed: &[(usize, Record)],
    is_over: &(dyn Fn() -> bool + Sync),
) -> Result<(usize, Vec<(usize, Record)>), RunError> {
    let designs: Vec<_> = failed.iter().map(|(_, record)| record.design.clone()).collect();
    let (mut asked, mut mended) = (0, Vec::new());
    evaluator.evaluate::<RunError>(&designs, is_over, &mut |first, done| {
        asked += done.len();
        let results = failed[first..].iter().zip(done).filter(|(_, (outcome, _))| !outcome.is_failed());
        mended.extend(results.map(|((trial, record), (outcome, evaluation_s))| {
            let Outcome::Failed { cause } = &record.outcome else { unreachable!("invariant: it has failed") };
            let timing = TrialTiming { evaluation_s, ..record.timing };
            (*trial, Record { outcome, retried: Some(cause.clone()), timing, ..record.clone() })
        }));
        Ok(())
    })?;
    mended.sort_by_key(|(trial, _)| *trial);
    Ok((asked, mended))
}

/// Writes the file at `path` to `out`, with other lines in the places of some; `lines` by their number, from 0, in order.
fn copy_with(path: &Path, lines: &[(usize, Vec<u8>)], out: &mut dyn Write) -> io::Result<()> {
    let mut there = BufReader::new(File::open(path)?);
    let mut others = lines.iter().peekable();
    let mut line = Vec::new();
    for number in 0.. {
        line.clear();
        if there.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let other = others.next_if(|(place, _)| *place == number);
        out.write_all(other.map_or(&line, |(_, line)| line))?;
    }
    Ok(())
}
