//! Logs packed by gzip, and unpacked again to be gone on with.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use tapeout_core::Catalog;
use tapeout_input::{Bounded, MOST_FILE_BYTES};

use crate::durable_file::{put_whole_by, sync_folder};
use crate::error::RunError;
use crate::folder::{experiment, open_log};
use crate::log::{Extent, LogReader, is_still_at, open_locked};
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
/// a log that is packed already, how large it is. Whoever goes on with the run unpacks it first.
///
/// # Errors
/// [`RunError`] if there is no run, somebody runs it, its log cannot be read, or the folder cannot be written to. The log then is as it was.
pub fn compress(catalog: &Catalog, folder: &Path) -> Result<Compressed, RunError> {
    let experiment = experiment(catalog, folder)?;
    let (log, packed) = (log_path(folder), packed_log_path(folder));
    let lock = if log == packed { None } else { Some(open_locked(&log)?) };
    // A line that was torn is left out, as by all readers.
    let whole @ Extent { trials, bytes, .. } = open_log(&experiment, folder)?.extent()?;
    let failed = |action| {
        let path = packed.clone();
        move |source| RunError::Folder { path, action, source }
    };
    if lock.is_some() {
        put_whole_by(&packed, &mut |file| {
            let mut encoder = GzEncoder::new(file, Compression::default());
            io::copy(&mut File::open(&log)?.take(bytes), &mut encoder)?;
            encoder.finish().map(|_| ())
        })
        .map_err(failed("write"))?;
        let kept = LogReader::open(&packed, experiment.problem())?.1.extent()?;
        if kept != whole {
            let message = format!("{} of {trials} trials can be read back", kept.trials);
            return Err(failed("read back")(io::Error::other(message)));
        }
        remove(&log).map_err(failed("remove what was packed into"))?;
    }
    let packed_bytes = fs::metadata(&packed).map_err(failed("read"))?.len();
    Ok(Compressed { trials, bytes, packed_bytes })
}

/// Opens the log in `folder` for adding to it, as [`open_locked`] does; one that is packed is unpacked.
///
/// # Errors
/// [`RunError::Busy`] if somebody else is at it, [`RunError::Folder`] if it cannot be unpacked or written to.
pub(crate) fn open_unpacked(folder: &Path) -> Result<File, RunError> {
    let (log, packed) = (unpacked_log_path(folder), packed_log_path(folder));
    // Kept until the log is locked: nobody else unpacks meanwhile.
    let unpacked = if log.exists() { None } else { unpack(&packed, &log)? };
    let file = open_locked(&log)?;
    drop(unpacked);
    // Only who has the log locked removes what it was packed into: it may be all that is left to somebody who is packing.
    if packed.exists() {
        let failed = |source| RunError::Folder { path: packed.clone(), action: "remove", source };
        remove(&packed).map_err(failed)?;
    }
    Ok(file)
}

/// Puts what is packed at `packed` to `log`, and returns the former, locked; none if it is not there.
fn unpack(packed: &Path, log: &Path) -> Result<Option<File>, RunError> {
    let failed = |source| RunError::Folder { path: packed.to_owned(), action: "unpack the log", source };
    let file = match File::open(packed) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(RunError::Busy { path: packed.to_owned() }),
        // A file system without locks is no reason not to run.
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
            return Err(failed(error));
        }
        _ => {}
    }
    // Somebody unpacked it between opening and locking.
    if log.exists() || !is_still_at(&file, packed).unwrap_or(false) {
        return Err(RunError::Busy { path: packed.to_owned() });
    }
    put_whole_by(log, &mut |out| {
        let text = MultiGzDecoder::new(BufReader::new(&file));
        io::copy(&mut Bounded::new(text, MOST_FILE_BYTES), out).map(|_| ())
    })
    .map_err(failed)?;
    Ok(Some(file))
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    sync_folder(path.parent().unwrap_or(path))
}
