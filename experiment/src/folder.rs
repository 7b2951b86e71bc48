//! A run on disk: `spec.toml` (every default filled in), `trials.jsonl`, and at the end `summary.json`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tapeout_core::{Catalog, Trial};

use crate::error::RunError;
use crate::experiment::Experiment;
use crate::log::{Header, LogError, LogReader, Record, WholeLines};
use crate::spec::Spec;
use crate::summary::Summary;

/// A run that was read from disk, finished or not.
pub struct RunFolder {
    experiment: Experiment,
    records: Vec<Record>,
}

impl RunFolder {
    /// Reads the run in the folder `path`.
    ///
    /// # Errors
    /// [`RunError`] if there is none, or its spec or log cannot be read.
    pub fn open(catalog: &Catalog, path: &Path) -> Result<Self, RunError> {
        let experiment = experiment(catalog, path)?;
        let (records, _) = read_log(&experiment, path)?;
        Ok(Self { experiment, records })
    }

    /// What was run.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The log, line by line.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The log, judged by the run's own problem.
    pub fn trials(&self) -> Vec<Trial> {
        let problem = self.experiment.problem();
        let trial = |record: &Record| problem.trial(record.design.clone(), record.outcome.clone());
        self.records.iter().map(trial).collect()
    }
}

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

/// What the spec in `folder` says, prepared.
pub(crate) fn experiment(catalog: &Catalog, folder: &Path) -> Result<Experiment, RunError> {
    let path = spec_path(folder);
    if !path.is_file() {
        return Err(RunError::NoRun { path: folder.to_owned() });
    }
    Ok(Experiment::prepare(catalog, Spec::read(&path)?)?)
}

/// The trials in the log in `folder`, which is one of `experiment`, and how much of the file they are.
pub(crate) fn read_log(
    experiment: &Experiment,
    folder: &Path,
) -> Result<(Vec<Record>, WholeLines), RunError> {
    let mut log = LogReader::open(&log_path(folder), experiment)?;
    let records = log.by_ref().collect::<Result<Vec<Record>, LogError>>()?;
    let whole = WholeLines { bytes: log.whole_bytes(), trials: records.len() };
    Ok((records, whole))
}

/// Begins a run: makes the folder, and in it the spec and a log without trials.
pub(crate) fn create(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    fs::create_dir_all(folder).map_err(|source| RunError::Folder {
        path: folder.to_owned(),
        action: "make the folder",
        source,
    })?;
    if spec_path(folder).exists() || log_path(folder).exists() {
        return Err(RunError::Exists { path: folder.to_owned() });
    }
    write_spec(experiment, folder)?;
    write_header(experiment, folder)
}

/// Writes the spec.
pub(crate) fn write_spec(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    let text = experiment.spec().to_toml()?;
    put(&spec_path(folder), text.as_bytes())
}

/// Writes a log without trials.
pub(crate) fn write_header(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    put(&log_path(folder), Header::of(experiment).line().as_bytes())
}

/// Writes the summary.
pub(crate) fn write_summary(summary: &Summary, folder: &Path) -> Result<(), RunError> {
    let mut text = serde_json::to_string_pretty(summary).expect("a summary is plain data with text keys");
    text.push('\n');
    put(&summary_path(folder), text.as_bytes())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    put_whole(path, bytes).map_err(|source| RunError::Folder {
        path: path.to_owned(),
        action: "write",
        source,
    })
}

/// Puts a file in its place whole or not at all, whenever the power fails: it is written beside its place, forced to the
/// disk, moved, and the folder's own entry forced to the disk.
pub(crate) fn put_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&beside, path)) {
        let _ = fs::remove_file(&beside); // it is of no use, and the error above is the one to report
        return Err(error);
    }
    sync_folder(path.parent().unwrap_or(path))
}

/// Forces a folder's entries to the disk. Folders are opened for that on Unix alone; elsewhere the rename is durable when
/// the file system makes it so.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        // The parent of a bare file name is the empty path.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
