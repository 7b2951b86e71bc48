//! The names of the files of a run.

use std::path::{Path, PathBuf};

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

/// Where the summary of the run in `folder` is, once it has ended.
pub fn summary_path(folder: &Path) -> PathBuf {
    folder.join("summary.json")
}
