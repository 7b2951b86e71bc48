//! The names of the files of a run.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tapeout_input::Bounded;

/// Where the spec of the run in `folder` is.
pub fn spec_path(folder: &Path) -> PathBuf {
    folder.join("spec.toml")
}

/// Where the log of the run in `folder` is: `trials.jsonl`, or `trials.jsonl.gz` if it is packed. Of the former, if there is none.
pub fn log_path(folder: &Path) -> PathBuf {
    let (log, packed) = (unpacked_log_path(folder), packed_log_path(folder));
    if !log.exists() && packed.exists() { packed } else { log }
}

/// Where a log is that can be added to.
pub(crate) fn unpacked_log_path(folder: &Path) -> PathBuf {
    folder.join("trials.jsonl")
}

/// Where a log is that is packed.
pub(crate) fn packed_log_path(folder: &Path) -> PathBuf {
    folder.join("trials.jsonl.gz")
}

/// Where the log at `path` is if it was packed since, or unpacked.
pub(crate) fn other_path(path: &Path) -> PathBuf {
    if path.extension().is_some_and(|extension| extension == "gz") {
        return path.with_extension("");
    }
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    PathBuf::from(packed)
}

/// Opens the log at `path`, or where it is since it was packed or unpacked, which may happen meanwhile: where it is, and what is there.
///
/// # Errors
/// As [`File::open`] of `path`, if there is neither.
pub(crate) fn open_either(path: &Path) -> io::Result<(PathBuf, Bounded<File>)> {
    let mut opened = Err(ErrorKind::NotFound.into());
    for path in [path, &other_path(path), path] {
        opened = tapeout_input::open(path).map(|file| (path.to_owned(), file));
        if !matches!(&opened, Err(error) if error.kind() == ErrorKind::NotFound) {
            break;
        }
    }
    opened
}

/// Where the summary of the run in `folder` is, once it has ended.
pub fn summary_path(folder: &Path) -> PathBuf {
    folder.join("summary.json")
}
