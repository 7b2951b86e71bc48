//! MiniMalloc's files: `id,lower,upper,size`, a buffer a line.

use super::buffers::{Buffers, BuffersError, LiveBuffer, MAX_BUFFERS};

/// Why a file holds no instance.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvError {
    /// The first line names other columns.
    #[error("line 1: got `{got}`; expected the columns id, lower, upper and size in any order")]
    Header {
        /// What it is, cut to some characters.
        got: String,
    },
    /// A line of too few or too many fields.
    #[error("line {line}: {got} fields; expected {expected}")]
    Fields {
        /// Which, from 1.
        line: usize,
        /// How many there are.
        got: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A field that is no whole number.
    #[error("line {line}: `{column}` is `{got}`; expected a whole number from 0")]
    Number {
        /// Which, from 1.
        line: usize,
        /// The column.
        column: &'static str,
        /// What stands there, cut to some characters.
        got: String,
    },
    /// A line that is one buffer too many.
    #[error("line {line}: more than {MAX_BUFFERS} buffers")]
    TooMany {
        /// Which, from 1.
        line: usize,
    },
    /// The buffers are no instance; indices count the lines of buffers from 0.
    #[error(transparent)]
    Buffers(#[from] BuffersError),
}

const COLUMNS: [&str; 3] = ["lower", "upper", "size"];

impl Buffers {
    /// The instance in a file of MiniMalloc's form. Blank lines are passed over, and so is what `id` says.
    ///
    /// # Errors
    /// [`CsvError`] naming the line. Columns of gaps, alignments or hints are refused, since they would change what is asked.
    ///
    /// ```
    /// # use tapeout_simulators::scratchpad::Buffers;
    /// let buffers = Buffers::from_csv("id,lower,upper,size\na,0,2,4\nb,1,3,2\nc,2,4,4\n")?;
    /// assert_eq!(buffers.peak_byte(), 6);
    /// # Ok::<(), tapeout_simulators::scratchpad::CsvError>(())
    /// ```
    pub fn from_csv(text: &str) -> Result<Self, CsvError> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let (_, header) = lines.next().unwrap_or((1, ""));
        let names: Vec<&str> = header.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
        let place = |column: &str| names.iter().position(|&name| name == column);
        let places: Vec<usize> = COLUMNS.iter().filter_map(|column| place(column)).collect();
        if places.len() != COLUMNS.len() || names.len() != COLUMNS.len() + 1 || place("id").is_none() {
            return Err(CsvError::Header { got: cut(header) });
        }
        let mut buffers = Vec::new();
        for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
            if buffers.len() == MAX_BUFFERS {
                return Err(CsvError::TooMany { line });
            }
            buffers.push(buffer(line, text, names.len(), &places)?);
        }
        Ok(Self::new(buffers)?)
    }
}

/// The buffer on one line; `places`: where each of [`COLUMNS`] is.
fn buffer(line: usize, text: &str, expected: usize, places: &[usize]) -> Result<LiveBuffer, CsvError> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    if fields.len() != expected {
        return Err(CsvError::Fields { line, got: fields.len(), expected });
    }
    let number = |column: usize| {
        let field = fields[places[column]];
        let refused = |_| CsvError::Number { line, column: COLUMNS[column], got: cut(field) };
        field.parse::<u64>().map_err(refused)
    };
    Ok(LiveBuffer { start: number(0)?, end: number(1)?, size_byte: number(2)? })
}

/// Enough of a text to know it by.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}
