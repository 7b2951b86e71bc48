//! A data set on disk: `dataset.toml`, and `table.parquet` or `table.csv` beside it, with `croissant.json` for others.
//!
//! The table is written beside its place, forced to the disk and moved there; the manifest, which holds the table's
//! checksum, comes last. So a folder with a manifest has a whole data set in it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tapeout_core::Catalog;

use super::croissant::croissant;
use super::csv::{CsvWriter, read_csv};
use super::error::DatasetError;
use super::layout::{Cells, TableFault};
use super::manifest::{Count, Manifest, TableEntry, manifest_path};
use super::parquet::{ParquetWriter, read_parquet};
use super::table::{About, Dataset, Row};
use crate::checksum::digest;
use crate::durable_file::{put_whole, sync_folder};

/// Rows of a group in a Parquet file. Ours: some megabytes, which readers hold at once.
const ROWS_PER_GROUP: usize = 1 << 16;

/// How a table is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TableFormat {
    /// Small and quick, with types: `table.parquet`.
    #[default]
    Parquet,
    /// For everything that reads text: `table.csv`.
    Csv,
}

impl TableFormat {
    /// The name of the table's file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Parquet => "table.parquet",
            Self::Csv => "table.csv",
        }
    }

    fn of_file(name: &str) -> Option<Self> {
        let ending = Path::new(name).extension()?;
        [Self::Parquet, Self::Csv]
            .into_iter()
            .find(|format| Path::new(format.file_name()).extension() == Some(ending))
    }
}

impl Dataset {
    /// Writes the data set to `folder`, which is made if it is not there. The same data set gives the same bytes.
    ///
    /// # Errors
    /// [`DatasetError`] if there is a data set in the folder already, or it cannot be written to.
    pub fn write(&self, folder: &Path, format: TableFormat) -> Result<(), DatasetError> {
        make_folder(folder)?;
        let mut table = TableWriter::create(folder, format, &self.about)?;
        for row in &self.rows {
            table.add(row.clone())?;
        }
        let (entry, counts) = table.finish()?;
        write_manifest(folder, &self.about, &counts, entry)
    }

    /// Reads the data set in `folder`. `catalog`: makes its space, if rules tie it.
    ///
    /// # Errors
    /// [`DatasetError`] if there is none, the manifest cannot be understood, or the table is not the one that the manifest
    /// says: cut short, edited, or with rows that are none of its space, workloads, metrics and sources.
    pub fn read(catalog: &Catalog, folder: &Path) -> Result<Self, DatasetError> {
        let manifest = Manifest::read(folder)?;
        let refuse = |(field, reason)| DatasetError::Manifest { path: manifest_path(folder), field, reason };
        let (about, counts) = manifest.about(catalog).map_err(refuse)?;
        let entry = &manifest.table;
        let path = folder.join(&entry.file);
        let format = TableFormat::of_file(&entry.file).ok_or_else(|| {
            let reason = format!("got `{}`, expected a name that ends in .parquet or .csv", entry.file);
            refuse(("table.file".to_owned(), reason))
        })?;
        check_file(&path, entry)?;
        let rows = read_rows(&path, format, &about)?;
        check_counts(&path, &about, &counts, entry.rows, &rows)?;
        Ok(Self { about, rows })
    }
}

/// Makes the folder, unless there is a data set in it.
pub(super) fn make_folder(folder: &Path) -> Result<(), DatasetError> {
    fs::create_dir_all(folder).map_err(|source| DatasetError::File {
        path: folder.to_owned(),
        action: "make the folder",
        source,
    })?;
    if manifest_path(folder).exists() {
        return Err(DatasetError::Exists { path: folder.to_owned() });
    }
    Ok(())
}

/// Writes what the table is: for readers of Croissant, and then the manifest, by which the data set is there.
pub(super) fn write_manifest(
    folder: &Path,
    about: &About,
    counts: &[Count],
    entry: TableEntry,
) -> Result<(), DatasetError> {
    let put = |path: PathBuf, text: String| {
        put_whole(&path, text.as_bytes()).map_err(|source| DatasetError::File {
            path,
            action: "write",
            source,
        })
    };
    put(folder.join("croissant.json"), croissant(about, counts, &entry))?;
    put(manifest_path(folder), Manifest::of(about, counts, entry).text())
}

/// A table that is being written, row by row.
pub(super) struct TableWriter<'a> {
    about: &'a About,
    /// Where it will be.
    path: PathBuf,
    /// Where it is being written.
    beside: PathBuf,
    file: Encoder,
    pending: Vec<Row>,
    counts: Vec<Count>,
}

enum Encoder {
    Parquet(ParquetWriter<BufWriter<File>>),
    Csv(CsvWriter<BufWriter<File>>),
}

impl<'a> TableWriter<'a> {
    /// A table in `folder`.
    pub(super) fn create(folder: &Path, format: TableFormat, about: &'a About) -> Result<Self, DatasetError> {
        Self::create_at(folder.join(format.file_name()), format, about)
    }

    /// A table at `path`.
    pub(super) fn create_at(
        path: PathBuf,
        format: TableFormat,
        about: &'a About,
    ) -> Result<Self, DatasetError> {
        let mut beside = path.clone().into_os_string();
        beside.push(".partial");
        let beside = PathBuf::from(beside);
        let failed = |source| DatasetError::File { path: path.clone(), action: "write", source };
        let file = BufWriter::new(File::create(&beside).map_err(failed)?);
        let columns = about.columns();
        let encoder = match format {
            TableFormat::Parquet => {
                ParquetWriter::new(file, &columns).map(Encoder::Parquet).map_err(io::Error::other)
            }
            TableFormat::Csv => CsvWriter::new(file, &columns).map(Encoder::Csv).map_err(io::Error::from),
        };
        let file = encoder.map_err(failed)?;
        let counts = vec![Count::default(); about.workloads.len()];
        Ok(Self { about, path, beside, file, pending: Vec::new(), counts })
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: Row) -> Result<(), DatasetError> {
        let count = &mut self.counts[row.workload];
        count.rows += 1;
        count.infeasible += usize::from(!row.is_feasible());
        self.pending.push(row);
        if self.pending.len() == ROWS_PER_GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), DatasetError> {
        let cells = self.about.cells(&self.pending);
        let written = match &mut self.file {
            Encoder::Parquet(file) if !self.pending.is_empty() => {
                file.append(&cells).map_err(io::Error::other)
            }
            Encoder::Parquet(_) => Ok(()),
            Encoder::Csv(file) => file.append(&cells, self.pending.len()).map_err(io::Error::from),
        };
        self.pending.clear();
        written.map_err(|source| self.failed(source))
    }

    /// Puts the table in its place, and says what the manifest needs.
    pub(super) fn finish(mut self) -> Result<(TableEntry, Vec<Count>), DatasetError> {
        self.flush()?;
        let Self { path, beside, file, counts, .. } = self;
        let put = || -> io::Result<(u64, String)> {
            let mut file = match file {
                Encoder::Parquet(file) => file.finish().map_err(io::Error::other)?,
                Encoder::Csv(file) => file.finish()?,
            };
            file.flush()?;
            file.get_ref().sync_all()?;
            let digest = digest(&beside)?;
            fs::rename(&beside, &path)?;
            sync_folder(path.parent().unwrap_or(&path))?;
            Ok(digest)
        };
        let (bytes, sha256) =
            put().map_err(|source| DatasetError::File { path: path.clone(), action: "write", source })?;
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let rows = counts.iter().map(|count| count.rows).sum();
        Ok((TableEntry { file, rows, bytes, sha256 }, counts))
    }

    fn failed(&self, source: io::Error) -> DatasetError {
        DatasetError::File { path: self.path.clone(), action: "write", source }
    }
}

/// Reads all rows of the table at `path`.
fn read_rows(path: &Path, format: TableFormat, about: &About) -> Result<Vec<Row>, DatasetError> {
    let mut rows = Vec::new();
    each_group(path, format, about, |group| {
        rows.extend(group);
        Ok(())
    })?;
    Ok(rows)
}

/// Hands the rows of the table at `path` to `take`, some at a time.
pub(super) fn each_group(
    path: &Path,
    format: TableFormat,
    about: &About,
    mut take: impl FnMut(Vec<Row>) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let columns = about.columns();
    let (mut n_read, mut failure) = (0, None);
    let take_cells = |cells: &[Cells], n_rows: usize| {
        let rows = about.rows(cells, n_rows, n_read)?;
        n_read += n_rows;
        take(rows).map_err(|error| {
            let fault = TableFault::whole(&error);
            failure = Some(error);
            fault
        })
    };
    let read = match format {
        TableFormat::Parquet => read_parquet(path, &columns, take_cells),
        TableFormat::Csv => read_csv(path, &columns, take_cells),
    };
    match (read, failure) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(fault), None) => Err(DatasetError::Table { path: path.to_owned(), fault }),
    }
}

fn check_file(path: &Path, entry: &TableEntry) -> Result<(), DatasetError> {
    let (bytes, sha256) = digest(path).map_err(|source| DatasetError::File {
        path: path.to_owned(),
        action: "read the table",
        source,
    })?;
    if bytes != entry.bytes {
        return Err(DatasetError::TableLength { path: path.to_owned(), got: bytes, expected: entry.bytes });
    }
    if sha256 != entry.sha256 {
        let expected = entry.sha256.clone();
        return Err(DatasetError::TableChecksum { path: path.to_owned(), got: sha256, expected });
    }
    Ok(())
}

/// Fails if rows and manifest do not agree on how many there are.
fn check_counts(
    path: &Path,
    about: &About,
    counts: &[Count],
    expected: usize,
    rows: &[Row],
) -> Result<(), DatasetError> {
    let differs = |what: String, got: usize, expected: usize| {
        Err(DatasetError::Counts { path: path.to_owned(), what, got, expected })
    };
    if rows.len() != expected {
        return differs("rows".to_owned(), rows.len(), expected);
    }
    let mut found = vec![Count::default(); counts.len()];
    for row in rows {
        found[row.workload].rows += 1;
        found[row.workload].infeasible += usize::from(!row.is_feasible());
    }
    for ((workload, found), count) in about.workloads.iter().zip(found).zip(counts) {
        if found.rows != count.rows {
            return differs(format!("rows of workload `{}`", workload.name), found.rows, count.rows);
        }
        if found.infeasible != count.infeasible {
            let what = format!("infeasible rows of workload `{}`", workload.name);
            return differs(what, found.infeasible, count.infeasible);
        }
    }
    Ok(())
}
