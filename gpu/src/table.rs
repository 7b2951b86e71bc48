//! Tables of measurements: lines of JSON, each with a checksum of its own.
//!
//! The first line names format and version. A session line says what device and software the lines after it were
//! measured with; a row line is one measurement, with every sample, or the reason why there is none. Lines are only ever
//! added at the end, so a program that is killed loses at most the line that it was writing, and such a line, which has no
//! end, is passed over. Files whose name ends in `.gz` are gzipped.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tapeout_simulators::gpu_gemm::Gemm;

use crate::measurement::{Fault, Job, Measured, Session};
use crate::table_error::{LineFault, TableError};

/// What the first line calls the format.
pub(crate) const FORMAT: &str = "tapeout-measurements";
/// The version that is written, and the only one that is read.
pub(crate) const VERSION: u32 = 1;
/// Hexadecimal digits of a line's checksum: of SHA-256 as many as tell any two lines apart that differ by accident.
const CHECK_DIGITS: usize = 16;

/// Measurements, of one device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    sessions: Vec<Session>,
    rows: Vec<TableRow>,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// Which session of the table it belongs to, from 0.
    pub session: usize,
    /// What was measured.
    pub job: Job,
    /// The seed that the operands were drawn from.
    pub inputs: u64,
    /// What came of it.
    pub outcome: RowOutcome,
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowOutcome {
    /// It ran and was right.
    Measured(Measured),
    /// It has no time.
    Fault(Fault),
}

impl From<Result<Measured, Fault>> for RowOutcome {
    fn from(outcome: Result<Measured, Fault>) -> Self {
        outcome.map_or_else(Self::Fault, Self::Measured)
    }
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Table(Header),
    Session(Session),
    Row(TableRow),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u32,
}

impl Table {
    /// Reads a table's file.
    ///
    /// # Errors
    /// [`TableError`], which names the file, the line and the field.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let bytes = tapeout_input::read(path).map_err(|source| TableError::file(path, source))?;
        Self::parse(path, &bytes)
    }

    /// Reads the bytes of a table, gzipped or not; `name` stands in messages.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn parse(name: &Path, bytes: &[u8]) -> Result<Self, TableError> {
        // RFC 1952, section 2.3.1: a gzip member begins with these two bytes.
        const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
        let mut text = Vec::new();
        if bytes.starts_with(&GZIP_MAGIC) {
            let unpacked = tapeout_input::unpacked(bytes.len(), || MultiGzDecoder::new(bytes));
            text = unpacked.map_err(|source| TableError::file(name, source))?;
        } else {
            text.extend_from_slice(bytes);
        }
        let in_line =
            |index: usize| move |fault| TableError::Line { path: name.to_owned(), line: index + 1, fault };
        let mut table = Self::default();
        let mut lines = whole_lines(&text).enumerate();
        match lines.next().map(|(index, line)| parse_line(line).map_err(in_line(index))).transpose()? {
            Some(Line::Table(header)) => check_header(&header).map_err(in_line(0))?,
            _ => return Err(in_line(0)(LineFault::NoHeader)),
        }
        for (index, line) in lines {
            table.add_line(parse_line(line).map_err(in_line(index))?).map_err(in_line(index))?;
        }
        Ok(table)
    }

    fn add_line(&mut self, line: Line) -> Result<(), LineFault> {
        match line {
            Line::Table(_) => Err(LineFault::SecondHeader),
            Line::Session(session) => {
                if let Some(first) = self.sessions.first() {
                    same_device(first, &session)
                        .map_err(|(got, expected)| LineFault::OtherDevice { got, expected })?;
                }
                self.sessions.push(session);
                Ok(())
            }
            Line::Row(row) => {
                check_row(&row, self.sessions.len())?;
                self.rows.push(row);
                Ok(())
            }
        }
    }

    /// Under which circumstances the rows were measured.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// The measurements, in the order of the file.
    pub fn rows(&self) -> &[TableRow] {
        &self.rows
    }

    /// The products that something was measured for, each once, in the order in which they come first.
    pub fn gemms(&self) -> Vec<Gemm> {
        let mut gemms = Vec::new();
        for row in &self.rows {
            if !gemms.contains(&row.job.gemm) {
                gemms.push(row.job.gemm);
            }
        }
        gemms
    }

    /// What all rows of each job say together, by job.
    pub fn answers(&self) -> HashMap<Job, JobAnswer<'_>> {
        let mut answers: HashMap<Job, JobAnswer<'_>> = HashMap::new();
        for row in &self.rows {
            let answer = answers.entry(row.job).or_default();
            match &row.outcome {
                RowOutcome::Measured(measured) => answer.measured.push(measured),
                RowOutcome::Fault(fault) => answer.fault = answer.fault.or(Some(fault)),
            }
        }
        answers
    }

    /// All rows of several tables of one device, in their order; every sample of jobs that were measured twice is kept.
    ///
    /// Each table comes with the name that stands in messages.
    ///
    /// # Errors
    /// [`TableError::Merge`] if they are of different devices.
    pub fn merge(tables: impl IntoIterator<Item = (PathBuf, Self)>) -> Result<Self, TableError> {
        let mut merged = Self::default();
        for (path, table) in tables {
            if let (Some(first), Some(session)) = (merged.sessions.first(), table.sessions.first()) {
                same_device(first, session).map_err(|(got, expected)| TableError::Merge {
                    path,
                    got,
                    expected,
                })?;
            }
            let offset = merged.sessions.len();
            merged.sessions.extend(table.sessions);
            merged
                .rows
                .extend(table.rows.into_iter().map(|row| TableRow { session: row.session + offset, ..row }));
        }
        Ok(merged)
    }

    /// Writes the table anew.
    ///
    /// # Errors
    /// [`TableError::File`] if the file cannot be written, or is there already.
    pub fn write(&self, path: &Path) -> Result<(), TableError> {
        let mut text = header_line();
        let sessions = self.sessions.iter().map(|session| line(&Line::Session(session.clone())));
        text.extend(sessions.chain(self.rows.iter().map(|row| line(&Line::Row(row.clone())))));
        let bytes = if path.extension().is_some_and(|extension| extension == "gz") {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish())
        } else {
            Ok(text.into_bytes())
        };
        let written = bytes.and_then(|bytes| fs::File::create_new(path)?.write_all(&bytes));
        written.map_err(|source| TableError::file(path, source))
    }
}

/// What all measurements of a job say together.
#[derive(Debug, Clone, Default)]
pub struct JobAnswer<'a> {
    /// The times it ran and was right.
    pub measured: Vec<&'a Measured>,
    /// The first reason why it could not be used. A kernel that failed once is not one to rely on, whatever else was
    /// measured.
    pub fault: Option<&'a Fault>,
}

/// A table that grows by a line for each measurement.
#[derive(Debug)]
pub struct TableWriter {
    path: PathBuf,
    file: fs::File,
    session: usize,
}

impl TableWriter {
    /// Begins the table at `path`, or goes on with the one that is there, for the measurements of `session`.
    ///
    /// A last line that was cut off is removed. Nobody else may open it as long as this is there.
    ///
    /// # Errors
    /// [`TableError`] if the table cannot be written, another process has it, is not one, is gzipped, or is of another device.
    pub fn open(path: &Path, session: &Session) -> Result<Self, TableError> {
        let in_file = |source| TableError::file(path, source);
        if path.extension().is_some_and(|extension| extension == "gz") {
            return Err(TableError::Gzipped { path: path.to_owned() });
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(in_file)?;
        }
        let mut file =
            fs::OpenOptions::new().create(true).read(true).append(true).open(path).map_err(in_file)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(TableError::Busy { path: path.to_owned() }),
            // A file system without locks is no reason not to measure.
            Err(fs::TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(fs::TryLockError::Error(error)) => return Err(in_file(error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(in_file)?;
        let whole: usize = whole_lines(&bytes).map(|line| line.len() + 1).sum();
        file.set_len(whole as u64).map_err(in_file)?;
        let earlier = if whole == 0 { Self::begin(&mut file, path)? } else { Table::parse(path, &bytes)? };
        if let Some(first) = earlier.sessions.first() {
            same_device(first, session).map_err(|(got, expected)| TableError::Merge {
                path: path.to_owned(),
                got,
                expected,
            })?;
        }
        let mut writer = Self { path: path.to_owned(), file, session: earlier.sessions.len() };
        writer.add(&Line::Session(session.clone()))?;
        Ok(writer)
    }

    fn begin(file: &mut fs::File, path: &Path) -> Result<Table, TableError> {
        file.write_all(header_line().as_bytes()).map_err(|source| TableError::file(path, source))?;
        Ok(Table::default())
    }

    /// Adds a measurement. It is on disk when this returns.
    ///
    /// # Errors
    /// [`TableError::File`].
    pub fn record(&mut self, job: Job, inputs: u64, outcome: RowOutcome) -> Result<(), TableError> {
        self.add(&Line::Row(TableRow { session: self.session, job, inputs, outcome }))
    }

    fn add(&mut self, new: &Line) -> Result<(), TableError> {
        let written = self.file.write_all(line(new).as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| TableError::file(&self.path, source))
    }
}

/// The lines of a file that have an end.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

fn header_line() -> String {
    line(&Line::Table(Header { format: FORMAT.to_owned(), version: VERSION }))
}

/// `{"row":{...},"check":"0123456789abcdef"}`: the checksum is that of the object without it.
fn line(line: &Line) -> String {
    let json = serde_json::to_string(line)
        .expect("invariant: tables hold finite numbers and tiles that a design space offers");
    let check = check(&json);
    format!("{},\"check\":\"{check}\"}}\n", &json[..json.len() - 1])
}

fn parse_line(line: &[u8]) -> Result<Line, LineFault> {
    let line = std::str::from_utf8(line).map_err(|_| LineFault::NotText)?;
    let (front, got) = line
        .strip_suffix("\"}")
        .and_then(|line| line.rsplit_once(",\"check\":\""))
        .ok_or(LineFault::NoChecksum)?;
    let json = format!("{front}}}");
    let expected = check(&json);
    if got != expected {
        return Err(LineFault::Checksum { got: got.to_owned(), expected });
    }
    let mut deserializer = serde_json::Deserializer::from_str(&json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| LineFault::Field {
        field: error.path().to_string(),
        message: error.inner().to_string(),
    })
}

fn check(json: &str) -> String {
    let digest = Sha256::digest(json.as_bytes());
    let digits: String = digest.iter().take(CHECK_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    digits
}

fn check_header(header: &Header) -> Result<(), LineFault> {
    if header.format != FORMAT {
        return Err(LineFault::NoHeader);
    }
    if header.version != VERSION {
        return Err(LineFault::Version { got: header.version });
    }
    Ok(())
}

/// What the types do not say already.
fn check_row(row: &TableRow, n_sessions: usize) -> Result<(), LineFault> {
    let field = |field: &str, message: String| Err(LineFault::Field { field: field.to_owned(), message });
    if row.session >= n_sessions {
        return field("row.session", format!("{} of a table with {n_sessions} sessions so far", row.session));
    }
    let RowOutcome::Measured(measured) = &row.outcome else { return Ok(()) };
    if measured.samples_s.is_empty() {
        return field("row.outcome.measured.samples_s", "no samples; expected at least one".to_owned());
    }
    match measured.samples_s.iter().position(|&sample_s| sample_s <= 0.0) {
        Some(index) => field(
            &format!("row.outcome.measured.samples_s[{index}]"),
            format!("{} s; expected a time above 0", measured.samples_s[index]),
        ),
        None => Ok(()),
    }
}

/// # Errors
/// Both devices, if they differ.
fn same_device(first: &Session, other: &Session) -> Result<(), (String, String)> {
    let of = |session: &Session| {
        let standing_in = if session.origin == first.origin { "" } else { ", of other origin" };
        format!("{} (sm_{}{standing_in})", session.device, session.compute_capability)
    };
    let [expected, got] = [first, other].map(of);
    if got == expected { Ok(()) } else { Err((got, expected)) }
}
