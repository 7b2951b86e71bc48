//! Asking again about the designs of a run whose evaluation failed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use tapeout_core::{Catalog, Outcome};

use crate::durable_file::put_whole_by;
use crate::error::RunError;
use crate::evaluate::Evaluator;
use crate::folder::{experiment, open_log};
use crate::log::{LogReader, Record, open_locked};
use crate::run::RunOptions;
use crate::run_files::log_path;

/// What came of asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// How many trials of the log had failed.
    pub failed: usize,
    /// How many of them have a result now.
    pub mended: usize,
}

/// Evaluates the failed trials of the run in `folder` again, and puts those that have a result now into the log in their places.
///
/// The agent is not told, neither now nor when the run is gone on with or replayed: it has chosen its later proposals without. All else
/// that is made of the log has the result.
///
/// # Errors
/// [`RunError`] if there is no run in the folder, another process is at it, or its log cannot be read or written. The log is then as it
/// was.
pub fn retry_failed(catalog: &Catalog, folder: &Path, options: &RunOptions<'_>) -> Result<Retried, RunError> {
    let experiment = experiment(catalog, folder)?;
    let path = log_path(folder);
    let lock = open_locked(&path)?;
    let mut failed: Vec<(usize, Record)> = Vec::new();
    for (trial, record) in open_log(&experiment, folder)?.enumerate() {
        let record = record?;
        if record.outcome.is_failed() {
            failed.push((trial, record));
        }
    }
    let designs: Vec<_> = failed.iter().map(|(_, record)| record.design.clone()).collect();
    let is_over = || options.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed));
    let mut mended: Vec<(usize, Record)> = Vec::new();
    Evaluator::new(experiment.env(), options.threads)?.evaluate::<RunError>(
        &designs,
        &is_over,
        &mut |first, done| {
            let results = failed[first..].iter().zip(done).filter(|(_, (outcome, _))| !outcome.is_failed());
            mended.extend(results.map(|((trial, record), (outcome, evaluation_s))| {
                let mut timing = record.timing;
                timing.evaluation_s = evaluation_s;
                let Outcome::Failed { cause } = &record.outcome else {
                    unreachable!("invariant: it has failed")
                };
                let retried = record.retried.clone().or_else(|| Some(cause.clone()));
                (*trial, Record { outcome, retried, timing, ..record.clone() })
            }));
            Ok(())
        },
    )?;
    mended.sort_by_key(|(trial, _)| *trial);
    if !mended.is_empty() {
        let format = LogReader::header(&path)?.record_format(experiment.problem());
        let lines = mended.iter().map(|(trial, record)| {
            let mut line = Vec::new();
            format.write(record, &mut line);
            (trial + 1, line) // behind the header
        });
        let lines: Vec<(usize, Vec<u8>)> = lines.collect();
        put_whole_by(&path, &mut |file| copy_with(&path, &lines, file))
            .map_err(|source| RunError::Folder { path: path.clone(), action: "write", source })?;
    }
    drop(lock); // until here nobody else could add to a log that is replaced
    Ok(Retried { failed: failed.len(), mended: mended.len() })
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
