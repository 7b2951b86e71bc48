//! A part of a comparison's cells, for one of several processes or machines that share a folder; and the lock of a cell, so that no two
//! run the same one.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::RunError;

/// One of `of` parts, which have every `of`-th cell each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// Whether the cell at this place of the plan belongs to it.
    pub fn has(self, place: usize) -> bool {
        place % self.of == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let parts = text.split_once('/').and_then(|(index, of)| Some((number(index)?, number(of)?)));
        match parts {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err("expected a part, counted from 0, and how many there are, such as `0/4`".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}

/// The right to run a cell, for as long as it lives or its process does.
pub(super) struct CellLock {
    /// Locked for as long as it is open.
    _file: File,
    path: PathBuf,
}

impl CellLock {
    /// The right to run the cell in `folder`; none if somebody else has it.
    ///
    /// The lock is of a file beside the folder: what is in the folder is that of any run.
    pub(super) fn take(folder: &Path) -> Result<Option<Self>, RunError> {
        let path = folder.with_extension("lock");
        let failed = |source| RunError::Folder { path: path.clone(), action: "take the lock", source };
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            // A file system without locks is no reason not to run.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Some(Self { _file: file, path }))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Takes the file away, when the cell is done: whoever comes now has nothing to run.
    pub(super) fn done(self) {
        // What is left of it is in nobody's way.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Law: every cell belongs to exactly one of the parts.
    #[test]
    fn parts_have_every_cell_once() {
        for of in 1..6 {
            let parts: Vec<Shard> = (0..of).map(|index| format!("{index}/{of}").parse().unwrap()).collect();
            for place in 0..30 {
                assert_eq!(parts.iter().filter(|part| part.has(place)).count(), 1, "{place} of {of}");
            }
        }
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "1", "4/4", "1/0", "-1/4", "a/b", "0/4/2"] {
            assert!(text.parse::<Shard>().unwrap_err().contains("such as `0/4`"), "{text}");
        }
        assert_eq!("1/4".parse::<Shard>().unwrap().to_string(), "1/4");
    }

    #[test]
    fn a_cell_is_locked_once_and_leaves_nothing_when_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let cell = folder.path().join("env/agent/0");
        let held = CellLock::take(&cell).unwrap().expect("nobody has it");
        assert!(CellLock::take(&cell).unwrap().is_none());
        drop(held);
        CellLock::take(&cell).unwrap().expect("it was let go").done();
        assert_eq!(fs::read_dir(cell.parent().unwrap()).unwrap().count(), 0);
    }
}
