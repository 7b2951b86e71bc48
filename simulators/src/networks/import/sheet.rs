//! Rows of cells between commas, with their lines. No form that is read here quotes a cell.

use super::super::NetworkError;
use super::draft::Draft;

/// A table with a row of names above.
pub(super) struct Sheet<'a> {
    pub(super) path: &'a str,
    /// The names of the columns, in small letters.
    pub(super) header: Vec<String>,
    /// Rows that are not blank, with their line.
    pub(super) rows: Vec<(usize, Vec<&'a str>)>,
}

impl<'a> Sheet<'a> {
    /// Splits a text. A comma at the end of a row ends the last cell and begins no other.
    pub(super) fn new(text: &'a str, path: &'a str) -> Self {
        let mut rows = text.lines().enumerate().filter_map(|(index, line)| {
            let line = line.trim();
            let cells = line.strip_suffix(',').unwrap_or(line).split(',').map(str::trim).collect::<Vec<_>>();
            cells.iter().any(|cell| !cell.is_empty()).then_some((index + 1, cells))
        });
        let header = rows.next().map_or_else(Vec::new, |(_, cells)| cells);
        let header = header.iter().map(|cell| cell.to_lowercase()).collect();
        Self { path, header, rows: rows.collect() }
    }

    /// The whole number in column `index` of a row.
    pub(super) fn number(
        &self,
        draft: &Draft<'_>,
        line: usize,
        cells: &[&str],
        index: usize,
    ) -> Result<u64, NetworkError> {
        let name = self.header.get(index).map_or("", String::as_str);
        let cell = cells.get(index).copied().unwrap_or_default();
        cell.parse().map_err(|_| {
            let message = format!("`{name}` is `{cell}`, expected a whole number");
            draft.fault(Some(line), message)
        })
    }
}
