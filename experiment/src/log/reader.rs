//! Reading a log, line by line.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use tapeout_core::Problem;
use tapeout_input::{Bounded, most_unpacked};

use super::{Extent, Header, LogError, LogFault, Record, RecordFormat};
use crate::run_files::open_either;

/// Bytes of the header, at most. Ours: that of a space of a million recorded designs has some ten million.
const MOST_HEADER_BYTES: u64 = 64 << 20;
/// Bytes of the line of a trial, at most, besides [`HEADERS`]. Ours: a thousand times what rules, causes and numbers take.
const MOST_TRIAL_BYTES: u64 = 1 << 20;
/// How often as long as its header the line of a trial may be. Ours: it repeats names and levels of parameters and names of metrics, each of which
/// stands in the header with more around it than a number takes.
const HEADERS: u64 = 2;
/// How a file begins that gzip made. Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The trials of a log, one after another, without holding the file in memory.
///
/// A last line without its newline was torn when its writer died, and is left out; so are blank lines at the end. Of a log that is still
/// written to, what was added since is read when the next trial is asked for again.
pub struct LogReader {
    lines: Lines,
    format: RecordFormat,
}

impl LogReader {
    /// Opens the log at `path`, whatever made it: its header, and its trials, to be read as trials of `problem`.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read, has no header, or is of another version.
    pub fn open(path: &Path, problem: &Problem) -> Result<(Header, Self), LogError> {
        let mut lines = Lines::open(path)?;
        let header = lines.header()?;
        let format = header.record_format(problem);
        Ok((header, Self { lines, format }))
    }

    /// Reads the header of the log at `path` alone.
    ///
    /// # Errors
    /// [`LogError`] if it cannot be read, has no header, or is of another version.
    pub fn header(path: &Path) -> Result<Header, LogError> {
        Lines::open(path)?.header()
    }

    /// How far the log goes, of which nothing was read yet but its header.
    ///
    /// # Errors
    /// [`LogError`] at the first line that cannot be read.
    pub(crate) fn extent(mut self) -> Result<Extent, LogError> {
        let (mut trials, mut elapsed_s) = (0, 0.0);
        for record in self.by_ref() {
            (trials, elapsed_s) = (trials + 1, record?.timing.elapsed_s);
        }
        Ok(Extent { trials, bytes: self.lines.whole_bytes, elapsed_s })
    }
}

impl Iterator for LogReader {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        let format = &self.format;
        match self.lines.next_line() {
            Err(error) => Some(Err(error)),
            Ok(None) => None,
            Ok(Some(line)) => {
                let record = format.read(line);
                Some(record.map_err(|fault| self.lines.error(fault)))
            }
        }
    }
}

/// The whole lines of a file.
struct Lines {
    path: PathBuf,
    file: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    /// Bytes of a line, at most.
    most_bytes: u64,
    /// Of the line that is read, or is to be read next, from 1.
    number: usize,
    whole_bytes: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, LogError> {
        let unreadable = |path: &Path, source| LogError {
            path: path.to_owned(),
            line: None,
            fault: Box::new(LogFault::Unreadable(source)),
        };
        let (path, file) = open_either(path).map_err(|source| unreadable(path, source))?;
        let mut file = BufReader::new(file);
        let file: Box<dyn BufRead + Send> = if path.extension().is_some_and(|extension| extension == "gz") {
            let size = path.metadata().map_err(|source| unreadable(&path, source))?.len();
            let text = Bounded::new(MultiGzDecoder::new(file), most_unpacked(size as usize));
            Box::new(BufReader::new(text))
        } else if file.fill_buf().map_err(|source| unreadable(&path, source))?.starts_with(&GZIP) {
            return Err(LogError { path, line: None, fault: Box::new(LogFault::Packed) });
        } else {
            Box::new(file)
        };
        Ok(Self { path, file, line: Vec::new(), most_bytes: MOST_HEADER_BYTES, number: 1, whole_bytes: 0 })
    }

    /// The header; the lines behind it may be as long as those of its trials can be.
    fn header(&mut self) -> Result<Header, LogError> {
        let header = self.next_line()?.map(Header::parse);
        let absent = if self.line.is_empty() { LogFault::Empty } else { LogFault::HeaderTruncated };
        let header = header.unwrap_or(Err(absent)).map_err(|fault| self.error(fault))?;
        self.most_bytes = MOST_TRIAL_BYTES + HEADERS * self.line.len() as u64;
        Ok(header)
    }

    /// The next line, without its newline; none at the end, or if the line has no newline.
    fn next_line(&mut self) -> Result<Option<&str>, LogError> {
        // A line that was cut off may have been finished since.
        if self.line.ends_with(b"\n") {
            self.line.clear();
            self.number += 1;
        }
        let room = self.most_bytes - self.line.len() as u64;
        if let Err(source) = self.file.by_ref().take(room).read_until(b'\n', &mut self.line) {
            return Err(self.error(LogFault::Unreadable(source)));
        }
        if self.line.len() as u64 == self.most_bytes {
            let most = self.most_bytes;
            return Err(self.error(LogFault::NotATrial(format!("the line is longer than {most} bytes"))));
        }
        if self.line.ends_with(b"\n") && self.line.iter().all(u8::is_ascii_whitespace) {
            return self.end_of_blank_lines();
        }
        let Some((b'\n', line)) = self.line.split_last() else { return Ok(None) };
        match std::str::from_utf8(line) {
            Ok(line) => {
                self.whole_bytes += self.line.len() as u64;
                Ok(Some(line))
            }
            Err(error) => Err(self.error(LogFault::NotATrial(error.to_string()))),
        }
    }

    /// Nothing, if blank lines are all that is left; they are as good as torn.
    fn end_of_blank_lines(&mut self) -> Result<Option<&str>, LogError> {
        let blank = self.number;
        loop {
            self.line.clear();
            match self.file.by_ref().take(self.most_bytes).read_until(b'\n', &mut self.line) {
                Ok(0) => return Ok(None),
                Ok(_) if self.line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(_) => {
                    self.number = blank;
                    return Err(self.error(LogFault::NotATrial("a blank line between trials".to_owned())));
                }
                Err(source) => return Err(self.error(LogFault::Unreadable(source))),
            }
        }
    }

    fn error(&self, fault: LogFault) -> LogError {
        LogError { path: self.path.clone(), line: Some(self.number), fault: Box::new(fault) }
    }
}
