//! Reading a log, line by line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use tapeout_core::Problem;
use tapeout_input::Bounded;

use super::{Header, LogError, LogFault, Record, RecordFormat};

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

    /// How many bytes the header and the trials read so far take: at the end, where a torn line would begin.
    pub(crate) fn whole_bytes(&self) -> u64 {
        self.lines.whole_bytes
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
    file: BufReader<Bounded<File>>,
    line: Vec<u8>,
    /// Of the line that is read, or is to be read next, from 1.
    number: usize,
    whole_bytes: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, LogError> {
        let file = tapeout_input::open(path).map_err(|source| LogError {
            path: path.to_owned(),
            line: None,
            fault: Box::new(LogFault::Unreadable(source)),
        })?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::new(file),
            line: Vec::new(),
            number: 1,
            whole_bytes: 0,
        })
    }

    fn header(&mut self) -> Result<Header, LogError> {
        let header = self.next_line()?.map(Header::parse);
        let absent = if self.line.is_empty() { LogFault::Empty } else { LogFault::HeaderTruncated };
        header.unwrap_or(Err(absent)).map_err(|fault| self.error(fault))
    }

    /// The next line, without its newline; none at the end, or if the line has no newline.
    fn next_line(&mut self) -> Result<Option<&str>, LogError> {
        // A line that was cut off may have been finished since.
        if self.line.ends_with(b"\n") {
            self.line.clear();
            self.number += 1;
        }
        if let Err(source) = self.file.read_until(b'\n', &mut self.line) {
            return Err(self.error(LogFault::Unreadable(source)));
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
            match self.file.read_until(b'\n', &mut self.line) {
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
