//! Files that are there whole or not at all, whenever the power fails.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts a file in its place whole or not at all, whenever the power fails or the disk is full: it is written beside its place, forced to the
/// disk, moved, and the folder's own entry forced to the disk. A link stays, and what it leads to is replaced; a file that was there keeps its
/// permissions. What is there and is no file, such as a pipe, or is open already (`/dev/stdout`), is written to as it is.
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
    put_whole_by(path, None, &mut |file| file.write_all(bytes))
}

/// The same for what is too large to be held in memory. A file that was not there gets the permissions `new`, if given.
pub(crate) fn put_whole_by(
    path: &Path,
    new: Option<Permissions>,
    write: &mut Contents<'_>,
) -> io::Result<()> {
    let about = fs::metadata(path).ok();
    if about.as_ref().is_some_and(|about| !about.is_file()) || is_open_file(path) {
        let mut there = OpenOptions::new().append(true).open(path)?;
        write(&mut there)?;
        return there.flush();
    }
    let place = behind_link(path);
    let beside = write_beside(&place, about.map(|about| about.permissions()).or(new), write)?;
    if let Err(error) = fs::rename(&beside, &place) {
        let _ = fs::remove_file(&beside); // it is of no use, and the error above is the one to report
        return Err(error);
    }
    sync_folder(place.parent().unwrap_or(&place))
}

/// The same, but what is there is never replaced: whether there was nothing.
pub(crate) fn put_new_by(
    path: &Path,
    new: Option<Permissions>,
    write: &mut Contents<'_>,
) -> io::Result<bool> {
    let beside = write_beside(path, new, write)?;
    let linked = match fs::hard_link(&beside, path) {
        // A file system without links: a copy, which is not there whole at once, but replaces nothing either.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => copy_new(&beside, path),
        linked => linked,
    };
    let _ = fs::remove_file(&beside); // it is of no use
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
        Ok(()) => sync_folder(path.parent().unwrap_or(path)).map(|()| true),
    }
}

/// What writes the contents of a file.
type Contents<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

/// Writes a file beside `place` and forces it to the disk: where it is. No two writers have the same.
fn write_beside(
    place: &Path,
    permissions: Option<Permissions>,
    write: &mut Contents<'_>,
) -> io::Result<PathBuf> {
    let (file, beside) = create_beside(place)?;
    let written = (|| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        let file = file.into_inner()?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_all()
    })();
    match written {
        Ok(()) => Ok(beside),
        Err(error) => {
            let _ = fs::remove_file(&beside); // as above
            Err(error)
        }
    }
}

/// A new file beside `place`, named after it, this process and how many it made.
fn create_beside(place: &Path) -> io::Result<(File, PathBuf)> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    loop {
        let mut beside = place.as_os_str().to_owned();
        beside.push(format!(".{}-{}.partial", process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file, PathBuf::from(beside))),
        }
    }
}

/// Copies a file to where there is none.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

/// Where the file is that a link at `path` leads to, be it there or not; `path` if there is no link.
fn behind_link(path: &Path) -> PathBuf {
    match fs::read_link(path) {
        Err(_) => path.to_owned(),
        Ok(to) => fs::canonicalize(path).unwrap_or_else(|_| path.parent().unwrap_or(path).join(to)),
    }
}

/// Whether `path` names a file that a process has open, as `/dev/stdout` does: another in its place would not be that one.
fn is_open_file(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr"].iter().any(|name| path == Path::new(name))
        || ["/dev/fd", "/proc"].iter().any(|folder| path.starts_with(folder))
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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).expect("the folder is there").count()
    }

    #[test]
    fn a_link_and_permissions_stay_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, loose) =
            (folder.path().join("file"), folder.path().join("link"), folder.path().join("loose"));
        fs::write(&file, "before").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        symlink("file", &link).unwrap();
        symlink("later", &loose).unwrap();
        fs::write(folder.path().join("file.partial"), "another's").unwrap();
        put_whole(&link, b"after").unwrap();
        put_whole(&loose, b"new").unwrap();
        assert!(link.is_symlink() && loose.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"after");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(folder.path().join("later")).unwrap(), b"new");
        assert_eq!(fs::read(folder.path().join("file.partial")).unwrap(), b"another's");
        assert_eq!(names(folder.path()), 5);
    }

    #[test]
    fn what_is_there_is_not_replaced_by_what_must_be_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(put_new_by(&path, None, &mut |file| file.write_all(b"first")).unwrap());
        assert!(!put_new_by(&path, None, &mut |file| file.write_all(b"second")).unwrap());
        assert!(copy_new(&path, &path).is_err());
        assert_eq!((fs::read(&path).unwrap().as_slice(), names(folder.path())), (b"first".as_slice(), 1));
    }
}
