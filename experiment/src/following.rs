//! Following a run while somebody else runs it.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tapeout_core::{Catalog, Trial};

use crate::error::RunError;
use crate::experiment::Experiment;
use crate::folder::{experiment, open_log};
use crate::log::{LogReader, is_still_at, is_written_to};
use crate::run_files::log_path;

/// A run whose log is read as it grows.
pub struct Following {
    experiment: Experiment,
    folder: PathBuf,
    /// The log behind what was read, and the file that it is; none before there is one.
    log: Option<(LogReader, File)>,
    /// Trials of the log that were told of.
    n_trials: usize,
    /// Looks in a row at which nobody was running the run, and nothing was new.
    n_idle: usize,
}

/// What happened since the last look.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// Whether the log is another than before, so that `trials` are all of the run.
    pub is_anew: bool,
    /// The trials that were added, in the order of the log.
    pub trials: Vec<Trial>,
    /// Wall time of the run, all parts of it, when the last of them was logged; 0 if there is none.
    pub elapsed_s: f64,
    /// Whether that is all: at several looks nobody was running the run, and its log was read to its end.
    pub is_over: bool,
}

/// Trials that are told of at a time. Ours: a tenth of a second of reading, and some megabytes.
const AT_A_TIME: usize = 10_000;

/// Looks without news after which a run that nobody has is over. Ours: whoever retries it and then goes on lets it go in between.
const IDLE_LOOKS: usize = 2;
/// The same of a run without a trial, whose log may not be there yet. Ours: whoever begins it may still be at its environment.
const IDLE_LOOKS_AT_FIRST: usize = 8;

impl Following {
    /// The run in `folder`, before its first trial.
    ///
    /// # Errors
    /// [`RunError`] if there is none, or its spec cannot be read.
    pub fn open(catalog: &Catalog, folder: &Path) -> Result<Self, RunError> {
        Ok(Self {
            experiment: experiment(catalog, folder)?,
            folder: folder.to_owned(),
            log: None,
            n_trials: 0,
            n_idle: 0,
        })
    }

    /// What is searched.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// What was added to the log since it was asked for last, at first what is in it: so much that asking again at once may bring more,
    /// unless there is nothing; then a quarter of a second later is early enough.
    ///
    /// # Errors
    /// [`RunError`] if the log cannot be read, is not of this run, or is not there at several looks.
    pub fn news(&mut self) -> Result<News, RunError> {
        let path = log_path(&self.folder);
        // Asked before reading: what was added by the time that it was let go is read below.
        let is_running = is_written_to(&path);
        let is_same = self.log.as_ref().is_some_and(|(_, file)| is_still_at(file, &path).unwrap_or(false));
        if !is_same {
            let file = match File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound && self.n_idle < IDLE_LOOKS_AT_FIRST => {
                    self.n_idle += 1;
                    return Ok(News { is_anew: false, trials: Vec::new(), elapsed_s: 0.0, is_over: false });
                }
                opened => opened.map_err(|source| RunError::Folder {
                    path: path.clone(),
                    action: "read the log",
                    source,
                })?,
            };
            self.log = Some((open_log(&self.experiment, &self.folder)?, file));
            self.n_trials = 0;
        }
        let mut news = News { is_anew: !is_same, trials: Vec::new(), elapsed_s: 0.0, is_over: false };
        let problem = self.experiment.problem();
        for record in self.log.iter_mut().flat_map(|(log, _)| log.by_ref().take(AT_A_TIME)) {
            let record = record?;
            news.elapsed_s = record.timing.elapsed_s;
            news.trials.push(problem.trial(record.design, record.outcome));
        }
        self.n_trials += news.trials.len();
        self.n_idle = if is_running || !news.trials.is_empty() { 0 } else { self.n_idle + 1 };
        news.is_over = self.n_idle >= if self.n_trials == 0 { IDLE_LOOKS_AT_FIRST } else { IDLE_LOOKS };
        Ok(news)
    }
}
