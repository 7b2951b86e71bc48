//! Reading what a warm start teaches.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tapeout_core::Problem;
use tapeout_core::seed::fnv1a;

use crate::log::{Header, LogError, LogReader, Record, RecordFormat, TrialTiming};
use crate::run_files::{other_path, unpacked_log_path};
use crate::warm_start::WarmStart;
use crate::warm_start_fault::WarmStartFault;

/// Letters of a header's value that a message quotes. Ours: a line or two on a screen.
const QUOTED: usize = 120;

/// The same with full path, number of trials and checksum. One that has them is not read again: a run can be looked at when
/// what it was started from is gone.
///
/// `here`: the header of the log that the run will have.
pub(crate) fn resolved(
    warm_start: &WarmStart,
    here: &Header,
    problem: &Problem,
) -> Result<WarmStart, WarmStartFault> {
    if warm_start.lesson().is_some() {
        return Ok(warm_start.clone());
    }
    let log = log_of(&warm_start.log)
        .map_err(|source| WarmStartFault::Absent { path: warm_start.log.clone(), source })?;
    let records = records(&log, warm_start.trials, here, problem)?;
    Ok(WarmStart { trials: Some(records.len()), checksum: Some(checksum(&records, problem)), log })
}

/// The full path of the log at `path`, or of the run in this folder, as it is called when it is not packed: that it is may change.
fn log_of(path: &Path) -> io::Result<PathBuf> {
    let log =
        fs::canonicalize(path).or_else(|absent| fs::canonicalize(other_path(path)).map_err(|_| absent))?;
    let is_packed = log.extension().is_some_and(|extension| extension == "gz");
    Ok(match log {
        folder if folder.is_dir() => unpacked_log_path(&folder),
        log if is_packed => other_path(&log),
        log => log,
    })
}

/// The trials that count, in the order of the log, as they were when the run began: those of them that were retried since are as failed as
/// they were.
pub(crate) fn read(
    warm_start: &WarmStart,
    here: &Header,
    problem: &Problem,
) -> Result<Vec<Record>, WarmStartFault> {
    let records = records(&warm_start.log, warm_start.trials, here, problem)?;
    let Some(expected) = &warm_start.checksum else { return Ok(records) };
    if *expected == checksum(&records, problem) {
        return Ok(records);
    }
    let before: Vec<Record> = records.into_iter().map(Record::before_retry).collect();
    if *expected == checksum(&before, problem) {
        return Ok(before);
    }
    Err(WarmStartFault::Changed { path: warm_start.log.clone(), trials: before.len() })
}

/// The first `trials` trials of the log at `path`, or all, if it is one of the same space.
fn records(
    path: &Path,
    trials: Option<usize>,
    here: &Header,
    problem: &Problem,
) -> Result<Vec<Record>, WarmStartFault> {
    let (header, log) = LogReader::open(path, problem)?;
    check(&header, here, path)?;
    let records = log.take(trials.unwrap_or(usize::MAX)).collect::<Result<Vec<Record>, LogError>>()?;
    match trials {
        Some(expected) if records.len() < expected => {
            Err(WarmStartFault::Short { path: path.to_owned(), got: records.len(), expected })
        }
        _ => Ok(records),
    }
}

/// Fails unless the designs of the log are those of the experiment, measured by the same metrics in the same settings.
fn check(logged: &Header, here: &Header, path: &Path) -> Result<(), WarmStartFault> {
    if let Some((field, logged, here)) = logged.first_difference_of_spaces(here) {
        let (logged, here) = (quoted(&logged), quoted(&here));
        return Err(WarmStartFault::OtherSpace { path: path.to_owned(), field, logged, here });
    }
    let is_missing = |name: &&String| logged.metrics.iter().all(|metric| metric.name != **name);
    let missing: Vec<String> =
        here.metrics.iter().map(|metric| &metric.name).filter(is_missing).cloned().collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(WarmStartFault::MissingMetrics { path: path.to_owned(), missing })
    }
}

/// The beginning of a value as it stands in the log.
fn quoted(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Tells apart designs and outcomes, but not how long they took.
fn checksum(records: &[Record], problem: &Problem) -> String {
    let format = RecordFormat::of(problem);
    let timing = TrialTiming { evaluation_s: 0.0, elapsed_s: 0.0 };
    let mut text = Vec::new();
    for record in records {
        format.write(&Record { timing, ..record.clone() }, &mut text);
    }
    format!("{:016x}", fnv1a(&text))
}
