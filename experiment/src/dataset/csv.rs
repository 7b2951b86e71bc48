//! The table as CSV: names of columns in the first line, an empty field where there is nothing, numbers written so that
//! reading gives the same bits.
//!
//! DatasetSource of the format: RFC 4180.

use std::io::Write;
use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, Writer};

use super::layout::{Cells, Column, TableFault};

/// Rows that are read at once. Ours: some megabytes.
const ROWS: usize = 1 << 16;

/// A table that is being written.
pub(super) struct CsvWriter<W: Write> {
    file: Writer<W>,
}

impl<W: Write> CsvWriter<W> {
    pub(super) fn new(file: W, columns: &[Column]) -> Result<Self, ::csv::Error> {
        let mut file = Writer::from_writer(file);
        file.write_record(columns.iter().map(|column| &column.name))?;
        Ok(Self { file })
    }

    pub(super) fn append(&mut self, cells: &[Cells], n_rows: usize) -> Result<(), ::csv::Error> {
        for row in 0..n_rows {
            for cells in cells {
                self.file.write_field(field(cells, row))?;
            }
            self.file.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> std::io::Result<W> {
        self.file.into_inner().map_err(::csv::IntoInnerError::into_error)
    }
}

fn field(cells: &Cells, row: usize) -> String {
    match cells {
        Cells::Text(cells) => cells[row].clone(),
        Cells::Integer(cells) => cells[row].map(|number| number.to_string()),
        // The shortest digits that read as the same number, with an exponent where that is shorter.
        Cells::Real(cells) => cells[row].map(|number| format!("{number:?}")),
    }
    .unwrap_or_default()
}

/// Reads the table at `path`, some rows at a time: their cells, and how many they are.
pub(super) fn read_csv(
    path: &Path,
    columns: &[Column],
    mut take: impl FnMut(&[Cells], usize) -> Result<(), TableFault>,
) -> Result<(), TableFault> {
    let mut reader = ReaderBuilder::new().from_path(path).map_err(|error| TableFault::whole(&error))?;
    let names: Vec<String> =
        reader.headers().map_err(|error| TableFault::whole(&error))?.iter().map(str::to_owned).collect();
    let expected: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if names != expected {
        return Err(TableFault::whole(&format!(
            "columns are {}; expected {}",
            names.join(", "),
            expected.join(", ")
        )));
    }
    let empty = || -> Vec<Cells> { columns.iter().map(|column| Cells::new(column.kind)).collect() };
    let (mut cells, mut n_rows, mut n_read) = (empty(), 0, 0);
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| TableFault::whole(&error))? {
        for ((column, cells), text) in columns.iter().zip(&mut cells).zip(&record) {
            push(cells, text).map_err(|reason| TableFault {
                row: Some(n_read + 1),
                column: column.name.clone(),
                reason,
            })?;
        }
        n_rows += 1;
        n_read += 1;
        if n_rows == ROWS {
            take(&cells, n_rows)?;
            (cells, n_rows) = (empty(), 0);
        }
    }
    take(&cells, n_rows)
}

fn push(cells: &mut Cells, text: &str) -> Result<(), String> {
    let is_there = !text.is_empty();
    match cells {
        Cells::Text(cells) => cells.push(is_there.then(|| text.to_owned())),
        Cells::Integer(cells) => {
            cells.push(if is_there { Some(number(text, "a whole number")?) } else { None });
        }
        Cells::Real(cells) => cells.push(if is_there { Some(number(text, "a number")?) } else { None }),
    }
    Ok(())
}

fn number<T: std::str::FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("got `{text}`, expected {expected}"))
}
