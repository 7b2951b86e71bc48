//! Traces from files, line by line.
//!
//! | format | a line | from |
//! |---|---|---|
//! | `stl` | `cycle: [(bytes)] read\|write 0xaddress [data]` | DRAMSys 4 |
//! | load, store | `LD address` or `ST address`; the n-th at clock n, from 0 | Ramulator 2 |
//! | address first | `0xaddress READ\|WRITE cycle` | DRAMsim3 |
//! | CSV | a heading of `cycle`, `op` and `address` in any order; then numbers, `R` or `W`, hexadecimal addresses | this project |
//!
//! Clocks are those of the memory. Lines may be empty; what follows a `#` is not read.

use std::io::{self, BufRead, Read};

use super::trace::{MAX_CYCLE, MAX_REQUESTS, Operation, Request, Trace, TraceError};

/// Longest line. Ours: a request of any format takes far less, data of a burst included.
const MAX_LINE_BYTE: usize = 1024;

/// What one request may move: a burst.
const MAX_REQUEST_BYTE: u64 = 64;

/// Why a file is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceFileError {
    /// It cannot be read.
    #[error("the trace cannot be read")]
    Io(#[source] io::Error),
    /// A line says something else than its format has.
    #[error("line {line}, column {column}: expected {expected}, got {got}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// In bytes, counted from 1.
        column: usize,
        /// What could stand there.
        expected: &'static str,
        /// What stands there.
        got: String,
    },
    /// A line has no end in sight.
    #[error("line {line}: longer than {MAX_LINE_BYTE} byte")]
    LongLine {
        /// Counted from 1.
        line: usize,
    },
    /// More requests than a trace may hold.
    #[error("line {line}: request {MAX_REQUESTS} was the last that a trace may hold")]
    TooMany {
        /// Counted from 1.
        line: usize,
    },
    /// Well written, but no trace.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// How the lines of a file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Stl,
    LoadStore,
    AddressFirst,
    /// Places of `cycle`, `op` and `address`.
    Csv([usize; 3]),
}

/// Reads a trace in any of the formats, which its first line tells apart.
///
/// # Errors
/// [`TraceFileError`], by line and column.
///
/// ```
/// use tapeout_simulators::dram::read_trace;
/// let trace = read_trace("0: read 0x40\n5: write 0x80\n".as_bytes())?;
/// assert_eq!(trace.requests()[1].cycle, 5);
/// let error = read_trace("0: read 0x40\n5: Write 0x80\n".as_bytes()).unwrap_err();
/// assert_eq!(error.to_string(), "line 2, column 4: expected `read` or `write`, got `Write`");
/// # Ok::<(), tapeout_simulators::dram::TraceFileError>(())
/// ```
pub fn read_trace(mut reader: impl BufRead) -> Result<Trace, TraceFileError> {
    let (mut bytes, mut requests, mut format) = (Vec::new(), Vec::new(), None);
    for number in 1.. {
        bytes.clear();
        let limit = MAX_LINE_BYTE as u64 + 1;
        reader.by_ref().take(limit).read_until(b'\n', &mut bytes).map_err(TraceFileError::Io)?;
        if bytes.is_empty() {
            break;
        }
        if bytes.len() > MAX_LINE_BYTE && bytes.last() != Some(&b'\n') {
            return Err(TraceFileError::LongLine { line: number });
        }
        let text = line_text(number, &bytes)?;
        if text.trim().is_empty() {
            continue;
        }
        let format = match format {
            Some(format) => format,
            None => {
                let (found, is_heading) = recognize(number, text)?;
                format = Some(found);
                if is_heading {
                    continue;
                }
                found
            }
        };
        if requests.len() == MAX_REQUESTS {
            return Err(TraceFileError::TooMany { line: number });
        }
        let request = request(format, number, text, requests.len())?;
        requests.push(request);
    }
    Ok(Trace::new(requests)?)
}

/// The text of a line without its comment.
fn line_text(line: usize, bytes: &[u8]) -> Result<&str, TraceFileError> {
    let comment = bytes.iter().position(|&byte| byte == b'#').unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..comment]).map_err(|error| {
        let (column, got) = (error.valid_up_to() + 1, "something else".to_owned());
        TraceFileError::Syntax { line, column, expected: "UTF-8", got }
    })
}

/// The format of the first line, and whether that is a heading.
fn recognize(line: usize, text: &str) -> Result<(Format, bool), TraceFileError> {
    if text.contains(',') {
        let mut cells = Cells::new(line, text, ',');
        let mut places = [None; 3];
        for place in 0..3 {
            let cell = cells.next("a heading of `cycle`, `op` and `address`")?;
            let column = ["cycle", "op", "address"].iter().position(|&name| name == cell.text);
            match column {
                Some(column) if places[column].is_none() => places[column] = Some(place),
                _ => return Err(cell.refused("a heading of `cycle`, `op` and `address`")),
            }
        }
        cells.finish()?;
        return Ok((Format::Csv(places.map(|place| place.expect("three places are three names"))), true));
    }
    let first = Cells::new(line, text, ' ').next("a request")?;
    let format = if first.text.ends_with(':') {
        Format::Stl
    } else if first.text.starts_with(|letter: char| letter.is_ascii_digit()) {
        Format::AddressFirst
    } else if matches!(first.text, "LD" | "ST") {
        Format::LoadStore
    } else {
        return Err(first.refused("`cycle:`, `LD`, `ST`, an address or a heading `cycle,op,address`"));
    };
    Ok((format, false))
}

/// The request of a line, of which `n_before` come before it.
fn request(format: Format, line: usize, text: &str, n_before: usize) -> Result<Request, TraceFileError> {
    let mut cells = Cells::new(line, text, if matches!(format, Format::Csv(_)) { ',' } else { ' ' });
    let request = match format {
        Format::Stl => {
            let cycle = cells.next("`cycle:`")?;
            let Some(digits) = cycle.text.strip_suffix(':') else {
                return Err(cycle.refused("`cycle:`"));
            };
            let cycle = Cell { text: digits, ..cycle }.cycle()?;
            let mut operation = cells.next("`read` or `write`")?;
            if let Some(size) = operation.text.strip_prefix('(') {
                let n_bytes = size.strip_suffix(')').and_then(|size| size.parse::<u64>().ok());
                if !n_bytes.is_some_and(|n| (1..=MAX_REQUEST_BYTE).contains(&n)) {
                    return Err(operation.refused("1 to 64 bytes, as in `(64)`"));
                }
                operation = cells.next("`read` or `write`")?;
            }
            let operation = operation.operation(["read", "write"], "`read` or `write`")?;
            let address = cells.next("an address")?.address(Radix::Prefixed)?;
            if let Some(data) = cells.optional() {
                data.address(Radix::Data)?;
            }
            Request { cycle, address, operation }
        }
        Format::LoadStore => {
            let operation = cells.next("`LD` or `ST`")?.operation(["LD", "ST"], "`LD` or `ST`")?;
            let address = cells.next("an address")?.address(Radix::Either)?;
            Request { cycle: n_before as u64, address, operation }
        }
        Format::AddressFirst => {
            let address = cells.next("an address")?.address(Radix::Prefixed)?;
            let operation =
                cells.next("`READ` or `WRITE`")?.operation(["READ", "WRITE"], "`READ` or `WRITE`")?;
            Request { cycle: cells.next("a cycle")?.cycle()?, address, operation }
        }
        Format::Csv(places) => {
            let columns =
                [cells.next("three cells")?, cells.next("three cells")?, cells.next("three cells")?];
            let [cycle, operation, address] = places.map(|place| columns[place]);
            let operation = operation.operation(["R", "W"], "`R` or `W`")?;
            Request { cycle: cycle.cycle()?, address: address.address(Radix::Sixteen)?, operation }
        }
    };
    cells.finish()?;
    Ok(request)
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Radix {
    /// Hexadecimal after `0x`.
    Prefixed,
    /// Hexadecimal after `0x`, else decimal.
    Either,
    /// Hexadecimal, with or without `0x`.
    Sixteen,
    /// Hexadecimal digits, any number of them; their value does not matter.
    Data,
}

/// A word of a line.
#[derive(Debug, Clone, Copy)]
struct Cell<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

impl Cell<'_> {
    fn refused(&self, expected: &'static str) -> TraceFileError {
        let got = if self.text.is_empty() { "nothing".to_owned() } else { format!("`{}`", self.text) };
        TraceFileError::Syntax { line: self.line, column: self.column, expected, got }
    }

    fn cycle(&self) -> Result<u64, TraceFileError> {
        let cycle = self.text.parse().ok().filter(|&cycle| cycle <= MAX_CYCLE);
        cycle.ok_or_else(|| self.refused("a cycle of at most 2^36"))
    }

    fn operation(&self, words: [&str; 2], expected: &'static str) -> Result<Operation, TraceFileError> {
        if self.text == words[0] {
            Ok(Operation::Read)
        } else if self.text == words[1] {
            Ok(Operation::Write)
        } else {
            Err(self.refused(expected))
        }
    }

    fn address(&self, radix: Radix) -> Result<u64, TraceFileError> {
        let prefixed = self.text.strip_prefix("0x");
        let digits = prefixed.unwrap_or(self.text);
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let (address, expected) = match (radix, prefixed) {
            (Radix::Prefixed, None) => (None, "an address, hexadecimal after `0x`"),
            (Radix::Data, _) => (is_hexadecimal.then_some(0), "hexadecimal data"),
            (Radix::Either, None) => (digits.parse().ok(), "an address, decimal or hexadecimal after `0x`"),
            _ => (u64::from_str_radix(digits, 16).ok(), "an address of 64 bits, hexadecimal"),
        };
        address.filter(|_| is_hexadecimal).ok_or_else(|| self.refused(expected))
    }
}

/// The words of a line, one after the other.
struct Cells<'a> {
    line: usize,
    text: &'a str,
    separator: char,
    /// Where the rest begins.
    place: usize,
    is_finished: bool,
}

impl<'a> Cells<'a> {
    /// Words of `text` between commas, or else between blanks and tabs.
    fn new(line: usize, text: &'a str, separator: char) -> Self {
        Self { line, text, separator, place: 0, is_finished: false }
    }

    fn optional(&mut self) -> Option<Cell<'a>> {
        if self.is_finished {
            return None;
        }
        let rest = &self.text[self.place..];
        let start = self.place + rest.len() - rest.trim_start().len();
        let rest = &self.text[start..];
        let is_end = |letter: char| {
            letter == self.separator || (self.separator == ' ' && letter.is_ascii_whitespace())
        };
        let length = rest.find(is_end);
        self.is_finished = length.is_none();
        let text = rest[..length.unwrap_or(rest.len())].trim_end();
        self.place = start + length.map_or(rest.len(), |length| length + 1);
        if text.is_empty() && self.separator == ' ' {
            return None;
        }
        Some(Cell { line: self.line, column: start + 1, text })
    }

    fn next(&mut self, expected: &'static str) -> Result<Cell<'a>, TraceFileError> {
        let end = Cell { line: self.line, column: self.text.trim_end().len() + 1, text: "" };
        self.optional().ok_or_else(|| end.refused(expected))
    }

    fn finish(mut self) -> Result<(), TraceFileError> {
        self.optional().map_or(Ok(()), |cell| Err(cell.refused("the end of the line")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(text: &str) -> Vec<(u64, Operation, u64)> {
        let trace = read_trace(text.as_bytes()).unwrap();
        trace.requests().iter().map(|request| (request.cycle, request.operation, request.address)).collect()
    }

    fn refusal(text: &str) -> String {
        read_trace(text.as_bytes()).unwrap_err().to_string()
    }

    // One trace of a read and a write in all formats; the second has no clocks of its own.
    #[test]
    fn every_format_says_the_same() {
        use Operation::{Read, Write};
        let expected = [(0, Read, 0x40), (1, Write, 0x7fff_8000)];
        for text in [
            "# a comment\n\n0:\tread\t0x40\n1: (64) write 0x7fff8000 00ff # more\n",
            "LD 0x40\nST 2147450880",
            "0x40 READ 0\r\n0x7fff8000 WRITE 1\r\n",
            "cycle,op,address\n0,R,40\n1,W,7fff8000\n",
            "op, address, cycle\nR, 0x40, 0\nW, 7FFF8000, 1\n",
        ] {
            assert_eq!(requests(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_name_line_and_column() {
        for (text, expected) in [
            ("0: read 0x40\n1: READ 0x40", "line 2, column 4: expected `read` or `write`, got `READ`"),
            ("0: read 40", "line 1, column 9: expected an address, hexadecimal after `0x`, got `40`"),
            ("0: read", "line 1, column 8: expected an address, got nothing"),
            ("0: (128) read 0x0", "line 1, column 4: expected 1 to 64 bytes, as in `(64)`, got `(128)`"),
            ("0: read 0x0 12 13", "line 1, column 16: expected the end of the line, got `13`"),
            ("0: read 0x0\n\n1 read 0x0", "line 3, column 1: expected `cycle:`, got `1`"),
            ("-1: read 0x0", "line 1, column 1: expected a cycle of at most 2^36, got `-1`"),
            ("LD 0x0\n  ld 0x0", "line 2, column 3: expected `LD` or `ST`, got `ld`"),
            ("0x0 READ", "line 1, column 9: expected a cycle, got nothing"),
            ("0x0 read 3", "line 1, column 5: expected `READ` or `WRITE`, got `read`"),
            (
                "0x10000000000000000 READ 3",
                "line 1, column 1: expected an address of 64 bits, hexadecimal, got `0x10000000000000000`",
            ),
            (
                "cycle,op,addr",
                "line 1, column 10: expected a heading of `cycle`, `op` and `address`, got `addr`",
            ),
            (
                "cycle,op,address\n0,R,+40",
                "line 2, column 5: expected an address of 64 bits, hexadecimal, got `+40`",
            ),
            ("cycle,op,address\n0,R", "line 2, column 4: expected three cells, got nothing"),
            ("cycle,op,address\n0,R,40,1", "line 2, column 8: expected the end of the line, got `1`"),
            (
                "load 0x0",
                "line 1, column 1: expected `cycle:`, `LD`, `ST`, an address or a heading `cycle,op,address`, got `load`",
            ),
            ("", "the trace holds no request"),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
        let error = read_trace(&b"0: read \xff"[..]).unwrap_err();
        assert_eq!(error.to_string(), "line 1, column 9: expected UTF-8, got something else");
    }

    // Claim: bounded. A line without end is given up after a kilobyte, without being read to its end.
    #[test]
    fn endless_lines_are_refused() {
        let endless = io::BufReader::new(io::repeat(b'0'));
        assert_eq!(read_trace(endless).unwrap_err().to_string(), "line 1: longer than 1024 byte");
    }
}
