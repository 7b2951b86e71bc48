//! Files that are there whole or not at all, whenever the power fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Puts a file in its place whole or not at all, whenever the power fails or the disk is full: it is written beside its place, forced to the
/// disk, moved, and the folder's own entry forced to the disk. What is there and is no file, such as a pipe, is written to as it is.
///
/// # Errors
/// If it cannot be written; what was there before is there still.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("best.json");
/// tapeout_experiment::put_whole(&path, b"[]")?;
/// assert_eq!(std::fs::read(&path)?, b"[]");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn put_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(about) if !about.is_file() => OpenOptions::new().write(true).open(path)?.write_all(bytes),
        _ => put_whole_by(path, &mut |file| file.write_all(bytes)),
    }
}

/// The same for what is too large to be held in memory.
pub(crate) fn put_whole_by(
    path: &Path,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let written = File::create(&beside).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.into_inner()?.sync_all()
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
