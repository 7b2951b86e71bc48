//! Writing a log so that what is in it stays in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Record, RecordFormat};
use crate::clock::Clock;
use crate::error::RunError;
use crate::experiment::Experiment;
use crate::spec::SyncPolicy;

/// Where a log is written: a file, or a test's stand-in for one that fails.
pub(crate) trait Sink: Send {
    /// Adds some of `bytes` at the end and says how many.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Forces everything to the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Drops everything from `length` on.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

impl Sink for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// How much of a log is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WholeLines {
    /// The bytes up to the end of the last whole line, those of the header included.
    pub(crate) bytes: u64,
    /// The trials in them.
    pub(crate) trials: usize,
}

/// Opens the log at `path` for adding to it, and for nobody else as long as the file is open.
///
/// # Errors
/// [`RunError::Busy`] if another process has it, [`RunError::Folder`] if it cannot be written.
pub(crate) fn open_locked(path: &Path) -> Result<File, RunError> {
    let failed =
        |source| RunError::Folder { path: path.to_owned(), action: "open the log for writing", source };
    let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy { path: path.to_owned() }),
        // A file system without locks is no reason not to run.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Adds trials to a log.
pub(crate) struct LogWriter {
    sink: Box<dyn Sink>,
    path: PathBuf,
    format: RecordFormat,
    sync: SyncPolicy,
    /// All of the file: its last line is whole.
    whole: WholeLines,
    buffer: Vec<u8>,
    since_sync: Clock,
    is_synced: bool,
}

impl LogWriter {
    /// A writer to the log at `path`, opened by [`open_locked`], which is whole up to `whole`; what follows is cut off.
    pub(crate) fn new(
        file: File,
        path: &Path,
        experiment: &Experiment,
        whole: WholeLines,
    ) -> Result<Self, RunError> {
        let failed = |source| RunError::Write { path: path.to_owned(), trials: whole.trials, source };
        if file.metadata().map_err(failed)?.len() > whole.bytes {
            file.set_len(whole.bytes).map_err(failed)?;
        }
        let format = RecordFormat::of(experiment.problem());
        Ok(Self::to(Box::new(file), path, format, experiment.spec().log.sync, whole))
    }

    fn to(
        sink: Box<dyn Sink>,
        path: &Path,
        format: RecordFormat,
        sync: SyncPolicy,
        whole: WholeLines,
    ) -> Self {
        Self {
            sink,
            path: path.to_owned(),
            format,
            sync,
            whole,
            buffer: Vec::new(),
            since_sync: Clock::start(),
            is_synced: true,
        }
    }

    /// How many trials are in the log.
    pub(crate) fn trials(&self) -> usize {
        self.whole.trials
    }

    /// How lines are written.
    pub(crate) fn format(&self) -> &RecordFormat {
        &self.format
    }

    /// Adds a batch, and forces it to the disk if the policy says so.
    ///
    /// # Errors
    /// [`RunError::Write`] if not all could be written; the whole lines that were stay, and nothing else.
    pub(crate) fn append(&mut self, records: &[Record]) -> Result<(), RunError> {
        self.buffer.clear();
        for record in records {
            self.format.write(record, &mut self.buffer);
        }
        self.is_synced &= records.is_empty();
        let (written, failure) = write_whole(self.sink.as_mut(), &self.buffer);
        if let Some(source) = failure {
            let whole = self.buffer[..written].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            self.whole.trials += self.buffer[..whole].iter().filter(|&&byte| byte == b'\n').count();
            self.whole.bytes += whole as u64;
            // If this fails too, readers leave the torn line out.
            let _ = self.sink.truncate(self.whole.bytes);
            return Err(self.failed(source));
        }
        self.whole.bytes += written as u64;
        self.whole.trials += records.len();
        match self.sync {
            SyncPolicy::Batch => self.force(),
            SyncPolicy::Second if self.since_sync.elapsed_s() >= 1.0 => self.force(),
            SyncPolicy::Second | SyncPolicy::Never => Ok(()),
        }
    }

    /// Forces what is left to the disk, unless the policy is never to.
    pub(crate) fn finish(&mut self) -> Result<(), RunError> {
        match self.sync {
            SyncPolicy::Batch | SyncPolicy::Second => self.force(),
            SyncPolicy::Never => Ok(()),
        }
    }

    fn force(&mut self) -> Result<(), RunError> {
        if !self.is_synced {
            self.sink.sync().map_err(|source| self.failed(source))?;
            self.is_synced = true;
        }
        self.since_sync = Clock::start();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> RunError {
        RunError::Write { path: self.path.clone(), trials: self.whole.trials, source }
    }
}

/// Writes all of `bytes` if it can: how many it wrote, and what stopped it.
fn write_whole(sink: &mut dyn Sink, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while written < bytes.len() {
        match sink.append(&bytes[written..]) {
            Ok(0) => return (written, Some(io::ErrorKind::WriteZero.into())),
            Ok(n) => written += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}
