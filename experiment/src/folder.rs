//! A run on disk: `spec.toml` (every default filled in), `trials.jsonl`, and at the end `summary.json`.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use tapeout_core::{Catalog, Design};

use crate::budget::Budget;
use crate::durable_file::{put_new_by, put_whole};
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::finished::{Finished, Run};
use crate::log::{Extent, Log, LogError, LogReader, LogWriter, Record, Recorded};
use crate::observer::Observer;
use crate::packing::open_unpacked;
use crate::run::{RunOptions, conclude};
pub use crate::run_files::{log_path, spec_path, summary_path};
use crate::run_files::{packed_log_path, unpacked_log_path};
use crate::search::Search;
use crate::spec::Spec;
use crate::summary::Summary;
use crate::trials::Trials;

impl Run {
    /// Reads the run in the folder `path`, finished or not.
    ///
    /// # Errors
    /// [`RunError`] if there is none, or its spec or log cannot be read.
    pub fn open(catalog: &Catalog, path: &Path) -> Result<Self, RunError> {
        read(experiment(catalog, path)?, path)
    }
}

/// The run of `experiment` in `folder`, finished or not.
pub(crate) fn read(experiment: Experiment, folder: &Path) -> Result<Run, RunError> {
    let problem = experiment.problem();
    let mut trials = Trials::new(problem);
    for record in open_log(&experiment, folder)? {
        let record = record?;
        trials.push(&record.design, &record.outcome);
    }
    Ok(Run::new(experiment, trials))
}

/// Runs an experiment and logs it in `folder`, which is made if it is not there.
///
/// Without a word on time in the budget, the log is a function of the spec, whatever the threads; and the log of a
/// smaller budget is the beginning of the log of a larger one.
///
/// # Errors
/// [`RunError`] if the folder holds a run or cannot be written to, or if agent or environment fail. What was logged
/// until then stays, and [`resume`] goes on from there.
pub fn run(
    experiment: &Experiment,
    folder: &Path,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    let search = Search::new(experiment)?; // nothing is made if the agent cannot begin
    create(experiment, folder)?;
    let file = open_unpacked(experiment, folder)?;
    finish(search, folder, file, options, observer)
}

/// Goes on with the run in `folder`: replays its log, and then runs until the budget is spent.
///
/// `budget`: in place of that of the folder's spec, to which it is written; none to keep it.
///
/// # Errors
/// [`RunError`] if there is no run in the folder, its log cannot be read, its agent proposes something other than what is
/// logged, or as [`run`].
pub fn resume(
    catalog: &Catalog,
    folder: &Path,
    budget: Option<Budget>,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    let experiment = experiment(catalog, folder)?;
    match budget {
        Some(budget) => go_on(&experiment.with_budget(budget)?, folder, true, options, observer),
        None => go_on(&experiment, folder, false, options, observer),
    }
}

/// Goes on with the run of `experiment` in `folder`, whose spec has another budget if it `is_changed`.
pub(crate) fn go_on(
    experiment: &Experiment,
    folder: &Path,
    is_changed: bool,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    begin_log(experiment, folder)?; // it was killed between spec and header
    let file = open_whole_header(experiment, folder)?;
    if is_changed {
        write_spec(experiment, folder)?;
    }
    finish(Search::new(experiment)?, folder, file, options, observer)
}

/// Replays what is in the log, runs until the budget is spent, and writes the summary.
fn finish(
    search: Search,
    folder: &Path,
    file: File,
    options: &RunOptions<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    let mut log = FolderLog::open(search.experiment(), folder, file)?;
    let finished = conclude(search, &mut log, options, observer)?;
    write_summary(&finished.summary, folder)?;
    Ok(finished)
}

/// The log of a run folder: what is in it is proposed again, and what is new is added behind.
pub(crate) struct FolderLog {
    recorded: Recorded,
    writer: LogWriter,
}

impl FolderLog {
    /// The log in `folder`, whose file is locked.
    fn open(experiment: &Experiment, folder: &Path, file: File) -> Result<Self, RunError> {
        let (recorded, whole) = recorded(experiment, folder)?;
        let format = LogReader::header(&log_path(folder))?.record_format(experiment.problem());
        let sync = experiment.spec().log.sync;
        Ok(Self { recorded, writer: LogWriter::new(file, &log_path(folder), format, sync, whole)? })
    }
}

/// The log of the run of `experiment` in `folder`, which begins if it is not there.
pub(crate) fn begin_or_open(experiment: &Experiment, folder: &Path) -> Result<FolderLog, RunError> {
    if !spec_path(folder).exists() {
        create(experiment, folder)?;
    } else {
        begin_log(experiment, folder)?; // it was killed between spec and header
    }
    FolderLog::open(experiment, folder, open_whole_header(experiment, folder)?)
}

impl Log for FolderLog {
    fn replay(&mut self, designs: &[Design]) -> Result<Vec<Option<Record>>, RunError> {
        self.recorded.replay(designs)
    }

    fn append(&mut self, records: &[Record]) -> Result<(), RunError> {
        self.writer.append(records)
    }

    fn finish(&mut self) -> Result<(), RunError> {
        let forced = self.writer.finish();
        self.recorded.finish()?;
        forced
    }

    fn ahead(&self) -> usize {
        self.recorded.ahead()
    }

    fn elapsed_s(&self) -> f64 {
        self.recorded.elapsed_s()
    }
}

/// The log in `folder`, locked. One that ends within its header, or before it, holds no trial: nothing is lost when it is begun anew.
fn open_whole_header(experiment: &Experiment, folder: &Path) -> Result<File, RunError> {
    let mut file = open_unpacked(experiment, folder)?;
    let path = unpacked_log_path(folder);
    let header = experiment.header().line();
    let failed = |source| RunError::Folder { path: path.clone(), action: "begin anew the log", source };
    let length = file.metadata().map_err(failed)?.len();
    if length < header.len() as u64 {
        let there = fs::read(&path).map_err(failed)?; // less than a header
        if header.as_bytes().starts_with(&there) {
            file.write_all(&header.as_bytes()[there.len()..]).map_err(failed)?;
        }
    }
    Ok(file)
}

/// What the spec in `folder` says, prepared: what is searched there, whatever has become of it.
///
/// # Errors
/// [`RunError`] if there is no run, or its spec cannot be read.
pub fn experiment(catalog: &Catalog, folder: &Path) -> Result<Experiment, RunError> {
    let path = spec_path(folder);
    if !path.is_file() {
        return Err(RunError::NoRun { path: folder.to_owned() });
    }
    Ok(Experiment::prepare(catalog, Spec::read(&path)?)?)
}

/// The log in `folder`, which is one of `experiment`, behind its header.
pub(crate) fn open_log(experiment: &Experiment, folder: &Path) -> Result<LogReader, RunError> {
    let path = unpacked_log_path(folder);
    let (header, log) = LogReader::open(&path, experiment.problem())?;
    header.check(&experiment.header()).map_err(|fault| LogError {
        path,
        line: Some(1),
        fault: Box::new(fault),
    })?;
    Ok(log)
}

/// The trials of the log in `folder`, to be proposed again, and how far it goes. It is read once before, so that a log that is not understood is left alone.
pub(crate) fn recorded(experiment: &Experiment, folder: &Path) -> Result<(Recorded, Extent), RunError> {
    let extent = open_log(experiment, folder)?.extent()?;
    let (log, space) = (open_log(experiment, folder)?, experiment.problem().space().clone());
    Ok((Recorded::new(log_path(folder), space, &experiment.spec().agent.id, log, extent), extent))
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
    let text = experiment.spec().to_toml()?;
    if !put_new(&spec_path(folder), text.as_bytes())? {
        return Err(RunError::Exists { path: folder.to_owned() }); // somebody else began one
    }
    begin_log(experiment, folder)
}

/// Writes the spec.
pub(crate) fn write_spec(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    let text = experiment.spec().to_toml()?;
    put(&spec_path(folder), text.as_bytes())
}

/// Writes a log without trials, unless there is one, packed or not: what is there is never replaced.
fn begin_log(experiment: &Experiment, folder: &Path) -> Result<(), RunError> {
    if packed_log_path(folder).exists() {
        return Ok(());
    }
    put_new(&unpacked_log_path(folder), experiment.header().line().as_bytes()).map(|_| ())
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

/// Whether there was nothing.
fn put_new(path: &Path, bytes: &[u8]) -> Result<bool, RunError> {
    put_new_by(path, None, &mut |file| file.write_all(bytes)).map_err(|source| RunError::Folder {
        path: path.to_owned(),
        action: "write",
        source,
    })
}
