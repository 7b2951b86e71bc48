//! Logs packed by gzip, and unpacked again to be gone on with.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use tapeout_core::Catalog;
use tapeout_input::{Bounded, most_unpacked};

use crate::durable_file::{put_new_by, put_whole_by, sync_folder};
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder::{experiment, open_log};
use crate::log::{Extent, LogError, LogFault, LogReader, open_locked, open_locked_alone};
use crate::run_files::{log_path, packed_log_path, unpacked_log_path};

/// What packing a log did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Compressed {
    /// Trials in it.
    pub trials: usize,
    /// Its bytes, unpacked.
    pub bytes: u64,
    /// Its bytes now.
    pub packed_bytes: u64,
}

/// Packs the log of the run in `folder`: `trials.jsonl.gz` in the place of `trials.jsonl`, which is read back before the latter is removed. Of
/// a log that is packed already, how large it is. Whoever goes on with the run unpacks it first. Either keeps the permissions of the other.
///
/// # Errors
/// [`RunError`] if there is no run, somebody runs it or that cannot be told since the file system has no locks, its log cannot be read, or the
/// folder cannot be written to. The log then is as it was.
pub fn compress(catalog: &Catalog, folder: &Path) -> Result<Compressed, RunError> {
    let experiment = experiment(catalog, folder)?;
    let (log, packed) = (unpacked_log_path(folder), packed_log_path(folder));
    let is_packed = log_path(folder) == packed;
    let lock = if is_packed { None } else { Some(open_locked_alone(&log)?) };
    let failed = |action| {
        let path = packed.clone();
        move |source| RunError::Folder { path, action, source }
    };
    let length = |lock: &File| lock.metadata().map(|about| about.len()).map_err(failed("pack the log into"));
    let before = lock.as_ref().map(length).transpose()?;
    if lock.is_some() {
        remove_older(&experiment, folder)?;
    }
    // A line that was torn is left out, as by all readers.
    let whole @ Extent { trials, bytes, .. } = open_log(&experiment, folder)?.extent()?;
    if let Some(lock) = &lock {
        let new = lock.metadata().map_err(failed("pack the log into"))?.permissions();
        put_whole_by(&packed, Some(new), &mut |file| {
            let mut encoder = GzEncoder::new(file, Compression::default());
            io::copy(&mut File::open(&log)?.take(bytes), &mut encoder)?;
            encoder.finish().map(|_| ())
        })
        .map_err(failed("write"))?;
        let is_kept = is_read_back(&packed, &experiment, whole).and_then(|()| {
            // Somebody who asks for no lock may have added to it.
            if before == Some(length(lock)?) { Ok(()) } else { Err(RunError::Busy { path: log.clone() }) }
        });
        if let Err(error) = is_kept {
            let _ = remove(&packed); // the log is there still, and the error above is the one to report
            return Err(error);
        }
        remove(&log).map_err(failed("remove what was packed into"))?;
    }
    let packed_bytes = fs::metadata(&packed).map_err(failed("read"))?.len();
    Ok(Compressed { trials, bytes, packed_bytes })
}

/// Fails unless what is packed at `packed` is all of a log.
fn is_read_back(packed: &Path, experiment: &Experiment, whole: Extent) -> Result<(), RunError> {
    let kept = LogReader::open(packed, experiment.problem())?.1.extent()?;
    if kept == whole {
        return Ok(());
    }
    let source = io::Error::other(format!("{} of {} trials can be read back", kept.trials, whole.trials));
    Err(RunError::Folder { path: packed.to_owned(), action: "read back", source })
}

/// Opens the log of `experiment` in `folder` for adding to it, as [`open_locked`] does; one that is packed is unpacked.
///
/// # Errors
/// [`RunError::Busy`] if somebody else is at it, [`RunError::Folder`] if it cannot be unpacked or written to, [`RunError::TwoLogs`] if the
/// packed one has more trials.
pub(crate) fn open_unpacked(experiment: &Experiment, folder: &Path) -> Result<File, RunError> {
    let (log, packed) = (unpacked_log_path(folder), packed_log_path(folder));
    let open = || {
        // Kept until the log is locked: nobody else unpacks meanwhile.
        let _unpacked = if log.exists() { None } else { unpack(&packed, &log)? };
        open_locked(&log)
    };
    let mut file = open()?;
    if packed.exists() && trials_at(&log, experiment)? == 0 && trials_at(&packed, experiment)? > 0 {
        // Begun while somebody packed the one before it. Nobody adds to it, as there is more in the other.
        remove(&log).map_err(|source| RunError::Folder { path: log.clone(), action: "remove", source })?;
        file = open()?;
    }
    remove_older(experiment, folder)?;
    Ok(file)
}

/// How many trials the log at `path` holds; none if it ends within its header.
fn trials_at(path: &Path, experiment: &Experiment) -> Result<usize, LogError> {
    match LogReader::open(path, experiment.problem()) {
        Err(error) if matches!(*error.fault, LogFault::Empty | LogFault::HeaderTruncated) => Ok(0),
        opened => Ok(opened?.1.extent()?.trials),
    }
}

/// Removes what the log in `folder` was packed into, if that is there, by whoever has the log locked: it may be all that is left to somebody who
/// is packing.
///
/// # Errors
/// [`RunError::TwoLogs`] if there is more in it than in the log, or as [`LogReader`].
fn remove_older(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    let (log, packed) = (unpacked_log_path(folder), packed_log_path(folder));
    if !packed.exists() {
        return Ok(());
    }
    let (trials, packed_trials) = (trials_at(&log, experiment)?, trials_at(&packed, experiment)?);
    if packed_trials > trials {
        return Err(RunError::TwoLogs { log, trials, packed, packed_trials });
    }
    remove(&packed).map_err(|source| RunError::Folder { path: packed, action: "remove", source })
}

/// Puts what is packed at `packed` to `log`, and returns the former, locked; none if it is not there.
fn unpack(packed: &Path, log: &Path) -> Result<Option<File>, RunError> {
    let failed = |source| RunError::Folder { path: packed.to_owned(), action: "unpack the log", source };
    if !packed.exists() {
        return Ok(None);
    }
    let file = open_locked(packed)?;
    let about = file.metadata().map_err(failed)?;
    let is_new = put_new_by(log, Some(about.permissions()), &mut |out| {
        let text = MultiGzDecoder::new(BufReader::new(&file));
        io::copy(&mut Bounded::new(text, most_unpacked(about.len() as usize)), out).map(|_| ())
    })
    .map_err(failed)?;
    // Somebody unpacked it before it was locked.
    if is_new { Ok(Some(file)) } else { Err(RunError::Busy { path: packed.to_owned() }) }
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_folder(path.parent().unwrap_or(path))
}
