//! Where the metrics of one design come from: tables of parts, each with its share, and what bounds each.

use serde::{Deserialize, Serialize};

/// What an environment can say of one design beside its metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// One table for each way to take the design apart: by network, by layer, by memory, by area.
    pub sheets: Vec<Sheet>,
    /// What the design is bound by, in words, the greatest part first.
    pub bounds: Vec<String>,
}

/// A table of parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// What its rows are: `layer`.
    pub of: String,
    /// What is said of each row.
    pub columns: Vec<SheetColumn>,
    /// The parts.
    pub rows: Vec<BreakdownRow>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetColumn {
    /// Its name, ending in the unit where there is one: `energy_j`.
    pub name: String,
    /// Its unit in SI; empty for a ratio or a count.
    pub unit: String,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakdownRow {
    /// Its name, unique within the table.
    pub name: String,
    /// One number for each column; shape `[columns]`.
    pub values: Vec<f64>,
    /// What bounds it, in words; empty if nothing is to be said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bound: String,
}

impl Sheet {
    /// A table without rows; `columns` are names with units.
    pub fn new(of: &str, columns: &[(&str, &str)]) -> Self {
        let column =
            |&(name, unit): &(&str, &str)| SheetColumn { name: name.to_owned(), unit: unit.to_owned() };
        Self { of: of.to_owned(), columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a part.
    ///
    /// # Panics
    /// If there is not one number for each column.
    pub fn row(&mut self, name: &str, values: Vec<f64>, bound: &str) {
        assert_eq!(
            values.len(),
            self.columns.len(),
            "one number for each column of the table of `{}`",
            self.of
        );
        self.rows.push(BreakdownRow { name: name.to_owned(), values, bound: bound.to_owned() });
    }
}
