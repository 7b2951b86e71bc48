//! Writing a log so that what is in it stays in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Extent, Record, RecordFormat};
use crate::clock::Clock;
use crate::error::RunError;
use crate::spec::SyncPolicy;

/// How long a look at a lock takes, at most. Ours: a thousand times what it takes on an idle machine.
const LOOK: std::time::Duration = std::time::Duration::from_millis(20);

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

/// Opens the log at `path` for adding to it, and for nobody else as long as the file is open. A file system without locks is no reason not to run.
///
/// # Errors
/// [`RunError::Busy`] if another process has it, [`RunError::Folder`] if it cannot be written.
pub(crate) fn open_locked(path: &Path) -> Result<File, RunError> {
    lock(path, |error| error.kind() == io::ErrorKind::Unsupported)
}

/// The same for removing it: where there are no locks, nobody knows whether somebody else writes to it.
///
/// # Errors
/// As [`open_locked`], or [`RunError::Folder`] if the file system has no locks.
pub(crate) fn open_locked_alone(path: &Path) -> Result<File, RunError> {
    lock(path, |_| false)
}

/// `is_ignored`: whether this failure to lock is none.
fn lock(path: &Path, is_ignored: impl Fn(&io::Error) -> bool) -> Result<File, RunError> {
    let failed = |action| move |source| RunError::Folder { path: path.to_owned(), action, source };
    let opened = OpenOptions::new().read(true).append(true).open(path);
    let file = opened.map_err(failed("open the log for writing"))?;
    match try_lock_again(&file) {
        Err(TryLockError::WouldBlock) => return Err(RunError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(error)) if !is_ignored(&error) => {
            return Err(failed("lock the log")(error));
        }
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    match is_still_at(&file, path) {
        Ok(true) => Ok(file),
        // It was replaced between opening and locking.
        Ok(false) => Err(RunError::Busy { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(RunError::Busy { path: path.to_owned() })
        }
        Err(error) => Err(failed("look at the log")(error)),
    }
}

/// Whoever looks whether a log is written to has it locked for an instant: who wants to write tries a second time.
fn try_lock_again(file: &File) -> Result<(), TryLockError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            std::thread::sleep(LOOK);
            file.try_lock()
        }
        done => done,
    }
}

/// Whether somebody writes to the log at `path`. Where there are no locks it cannot be told, and nobody seems to.
pub(crate) fn is_written_to(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether `file` is what is at `path`: another process may have put a new log there. Files are told apart on Unix alone.
pub(crate) fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (opened, there) = (file.metadata()?, path.metadata()?);
        Ok((opened.dev(), opened.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        Ok(true)
    }
}

/// Adds trials to a log.
pub(crate) struct LogWriter {
    sink: Box<dyn Sink>,
    path: PathBuf,
    format: RecordFormat,
    sync: SyncPolicy,
    /// All of the file: its last line is whole.
    whole: Extent,
    buffer: Vec<u8>,
    since_sync: Clock,
    is_synced: bool,
}

impl LogWriter {
    /// A writer to the log at `path`, opened by [`open_locked`], which is whole up to `whole`; what follows is cut off.
    pub(crate) fn new(
        file: File,
        path: &Path,
        format: RecordFormat,
        sync: SyncPolicy,
        whole: Extent,
    ) -> Result<Self, RunError> {
        let failed = |source| RunError::Write { path: path.to_owned(), trials: whole.trials, source };
        if file.metadata().map_err(failed)?.len() > whole.bytes {
            file.set_len(whole.bytes).map_err(failed)?;
        }
        Ok(Self::to(Box::new(file), path, format, sync, whole))
    }

    fn to(sink: Box<dyn Sink>, path: &Path, format: RecordFormat, sync: SyncPolicy, whole: Extent) -> Self {
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

    /// Adds trials, and forces it to the disk if the policy says so.
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::log::TrialTiming;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Outcome};

    /// A disk of so many bytes, which counts how often it is synced.
    #[derive(Clone)]
    struct SmallDisk {
        bytes: Arc<Mutex<Vec<u8>>>,
        syncs: Arc<Mutex<usize>>,
        capacity: usize,
        can_truncate: bool,
    }

    impl SmallDisk {
        fn new(capacity: usize, can_truncate: bool) -> Self {
            Self { bytes: Arc::default(), syncs: Arc::default(), capacity, can_truncate }
        }

        fn text(&self) -> String {
            String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
        }
    }

    impl Sink for SmallDisk {
        fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut stored = self.bytes.lock().unwrap();
            match (self.capacity - stored.len()).min(bytes.len()) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                n => {
                    stored.extend_from_slice(&bytes[..n]);
                    Ok(n)
                }
            }
        }

        fn sync(&mut self) -> io::Result<()> {
            *self.syncs.lock().unwrap() += 1;
            Ok(())
        }

        fn truncate(&mut self, length: u64) -> io::Result<()> {
            if !self.can_truncate {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.lock().unwrap().truncate(length as usize);
            Ok(())
        }
    }

    fn writer(sink: impl Sink + 'static, sync: SyncPolicy) -> LogWriter {
        let format = RecordFormat::of(&Toy::single().problem());
        LogWriter::to(
            Box::new(sink),
            Path::new("run/trials.jsonl"),
            format,
            sync,
            Extent { bytes: 0, trials: 0, elapsed_s: 0.0 },
        )
    }

    fn records(n: usize) -> Vec<Record> {
        let toy = Toy::single();
        let record = |index: usize| Record {
            design: toy.space().unrank(0),
            outcome: Outcome::Measured(vec![index as f64]),
            retried: None,
            timing: TrialTiming { evaluation_s: 0.0, elapsed_s: 0.0 },
        };
        (0..n).map(record).collect()
    }

    /// Whatever the disk holds, the log ends with a whole line, and the error says how many trials there are.
    #[test]
    fn a_disk_that_fills_up_at_any_byte_leaves_whole_lines() {
        let big = SmallDisk::new(usize::MAX, true);
        writer(big.clone(), SyncPolicy::Never).append(&records(5)).unwrap();
        let whole = big.text();
        for capacity in 0..whole.len() {
            let disk = SmallDisk::new(capacity, true);
            let mut log = writer(disk.clone(), SyncPolicy::Never);
            let batches = records(5);
            let result = log.append(&batches[..2]).and_then(|()| log.append(&batches[2..]));
            let Err(error @ RunError::Write { trials, .. }) = result else {
                panic!("{capacity} bytes suffice")
            };
            let kept = disk.text();
            assert!(whole.starts_with(&kept) && (kept.is_empty() || kept.ends_with('\n')), "{kept}");
            assert_eq!(kept.lines().count(), trials);
            assert_eq!(trials, whole[..capacity].matches('\n').count(), "no whole line is given up");
            assert_eq!(
                error.hint().unwrap(),
                "make room on the disk, then `tapeout resume run` goes on from the last trial"
            );
        }
    }

    #[test]
    fn a_log_that_cannot_be_truncated_keeps_its_whole_lines_too() {
        let line = SmallDisk::new(usize::MAX, true);
        writer(line.clone(), SyncPolicy::Never).append(&records(1)).unwrap();
        let disk = SmallDisk::new(line.text().len() * 3 / 2, false);
        let error = writer(disk.clone(), SyncPolicy::Never).append(&records(5)).unwrap_err();
        assert_eq!(error.to_string(), "run/trials.jsonl: cannot write; 1 trials are safe in the log");
        assert_eq!(disk.text().matches('\n').count(), 1);
    }

    /// The device that is always full (Linux, null(4) and full(4)).
    #[cfg(target_os = "linux")]
    #[test]
    fn the_device_that_is_always_full_gives_the_error_of_a_full_disk() {
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let error = writer(file, SyncPolicy::Batch).append(&records(1)).unwrap_err();
        let RunError::Write { source, trials: 0, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }

    /// `second` cannot be told from `never` here without waiting, but for the end.
    #[test]
    fn the_policy_says_when_the_log_is_forced_to_the_disk() {
        for (sync, expected) in [(SyncPolicy::Batch, 3), (SyncPolicy::Second, 1), (SyncPolicy::Never, 0)] {
            let disk = SmallDisk::new(usize::MAX, true);
            let mut log = writer(disk.clone(), sync);
            for _ in 0..3 {
                log.append(&records(2)).unwrap();
            }
            log.finish().unwrap();
            assert_eq!(*disk.syncs.lock().unwrap(), expected, "{sync:?}");
        }
    }
}
