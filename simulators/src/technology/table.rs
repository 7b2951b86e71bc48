//! Reading the tables under `data/technology/`: a source line, column names, rows of numbers.

use serde::Deserialize;

/// A table as it stands in its file.
#[derive(Deserialize)]
struct File {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
}

/// Rows of an embedded table, in the units of its source; `columns` are the names and order expected.
///
/// The tables are part of the program, so a file of another shape is a bug and panics.
pub(super) fn rows<const N: usize>(json: &str, columns: [&str; N]) -> Vec<[f64; N]> {
    let file: File = serde_json::from_str(json).expect("invariant: embedded tables are valid");
    assert_eq!(file.columns, columns, "invariant: embedded tables have the columns the code reads");
    let row = |row: Vec<f64>| row.try_into().expect("invariant: every row has every column");
    file.rows.into_iter().map(row).collect()
}
