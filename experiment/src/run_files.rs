//! The names of the files of a run.

use std::path::{Path, PathBuf};

/// Where the spec of the run in `folder` is.
pub fn spec_path(folder: &Path) -> PathBuf {
    folder.join("spec.toml")
}

/// Where the log of the run in `folder` is.
pub fn log_path(folder: &Path) -> PathBuf {
    folder.join("trials.jsonl")
}

/// Where the summary of the run in `folder` is, once it has ended.
pub fn summary_path(folder: &Path) -> PathBuf {
    folder.join("summary.json")
}
