//! The columns of a table, and rows as columns and back: the same for Parquet and CSV.
//!
//! | column | holds |
//! |---|---|
//! | `workload` | the workload's name |
//! | `design.<parameter>` | what the parameter is set to: a whole number, a number, or text |
//! | `measured.<metric>` | the metric; empty if infeasible |
//! | `infeasible.rule`, `infeasible.violation` | the rule that the design breaks, and by how much; empty if measured |
//! | `source` | the index of the source in the manifest, from 0 |
//! | `trial` | the trial's number in its source, from 0 |
//!
//! These are the names that `trials.jsonl` gives the same things.

use tapeout_core::names::nearest_name;
use tapeout_core::parameter::{Domain, Parameter, Value};
use tapeout_core::{Design, Metric, Outcome};

use super::table::{About, Row};

/// A column of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_optional: bool,
    pub(super) note: Note,
}

/// What a column is of, for whoever has the table alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Note {
    /// In SI; empty for a ratio, a count or a name.
    pub(super) unit: String,
    pub(super) about: String,
    /// What a parameter may be set to; none for what is no parameter.
    pub(super) levels: Option<Levels>,
}

/// The levels of a parameter, as far as a note has them: a range may have millions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Levels {
    /// All of them, in order.
    Listed(Vec<Value>),
    /// Whole numbers, both ends included.
    Range { low: i64, high: i64, step: i64 },
    /// More than [`LISTED`].
    Many { n: u32, first: Value, last: Value },
}

/// How many levels a note lists. Ours: more than people choose from by hand.
const LISTED: u32 = 1_000;

impl Levels {
    fn of(parameter: &Parameter) -> Self {
        let n = parameter.n_levels();
        match *parameter.domain() {
            Domain::Integer { low, high, step } => Self::Range { low, high, step },
            _ if n > LISTED => Self::Many { n, first: parameter.value(0), last: parameter.value(n - 1) },
            _ => Self::Listed((0..n).map(|level| parameter.value(level)).collect()),
        }
    }
}

impl Note {
    fn about(about: &str) -> Self {
        Self { about: about.to_owned(), ..Self::default() }
    }

    fn of_parameter(parameter: &Parameter) -> Self {
        Self {
            unit: parameter.unit_name().to_owned(),
            // A manifest has no more of a parameter, and a data set that is read is the one that was written.
            about: String::new(),
            levels: Some(Levels::of(parameter)),
        }
    }

    fn of_metric(metric: &Metric) -> Self {
        Self { unit: metric.unit.clone(), ..Self::about(&metric.summary) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Real,
}

/// What stands in a column, for each of some rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cells {
    Text(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
}

/// A table that cannot be read: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{reason}", .row.map_or_else(String::new, |row| format!("row {row}: ")), if .column.is_empty() { String::new() } else { format!("column `{}`: ", .column) })]
pub struct TableFault {
    /// The row, from 1 behind the names of the columns.
    pub row: Option<usize>,
    /// The column; empty if it is about all of them.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

impl TableFault {
    /// Something wrong with the file as a whole.
    pub(super) fn whole(reason: &(impl ToString + ?Sized)) -> Self {
        Self { row: None, column: String::new(), reason: reason.to_string() }
    }
}

impl Cells {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::Integer => Self::Integer(Vec::new()),
            Kind::Real => Self::Real(Vec::new()),
        }
    }

    fn value(&self, row: usize) -> Option<Value> {
        match self {
            Self::Text(cells) => cells[row].clone().map(Value::Text),
            Self::Integer(cells) => cells[row].map(Value::Integer),
            Self::Real(cells) => cells[row].map(Value::Real),
        }
    }

    fn push(&mut self, value: Option<Value>) {
        match (self, value) {
            (Self::Text(cells), Some(Value::Text(text))) => cells.push(Some(text)),
            (Self::Integer(cells), Some(Value::Integer(number))) => cells.push(Some(number)),
            (Self::Real(cells), Some(value)) => cells.push(value.as_f64()),
            (Self::Text(cells), None) => cells.push(None),
            (Self::Integer(cells), None) => cells.push(None),
            (Self::Real(cells), None) => cells.push(None),
            (cells, value) => unreachable!("invariant: a column has one kind, got {value:?} for {cells:?}"),
        }
    }
}

/// The kind of a column that holds all levels of a parameter.
fn kind(parameter: &Parameter) -> Kind {
    if parameter.is_categorical() {
        return Kind::Text;
    }
    if matches!(parameter.domain(), Domain::Integer { .. }) {
        return Kind::Integer;
    }
    let is_whole = (0..parameter.n_levels()).all(|level| parameter.value(level).as_i64().is_some());
    if is_whole { Kind::Integer } else { Kind::Real }
}

impl About {
    /// The columns of the table, in order.
    pub(super) fn columns(&self) -> Vec<Column> {
        let column = |name: &str, kind, is_optional, about: &str| {
            let (name, note) = (name.to_owned(), Note::about(about));
            Column { name, kind, is_optional, note }
        };
        let mut columns = vec![column("workload", Kind::Text, false, "what the design ran")];
        columns.extend(self.space.parameters().iter().map(|it| Column {
            name: format!("design.{}", it.name()),
            kind: kind(it),
            is_optional: false,
            note: Note::of_parameter(it),
        }));
        columns.extend(self.metrics.iter().map(|it| Column {
            name: format!("measured.{}", it.name),
            kind: Kind::Real,
            is_optional: true,
            note: Note::of_metric(it),
        }));
        columns.push(column("infeasible.rule", Kind::Text, true, "the rule that the design breaks"));
        columns.push(column("infeasible.violation", Kind::Real, true, "by how much"));
        columns.push(column(
            "source",
            Kind::Integer,
            false,
            "the number of the source in `dataset.toml`, from 0",
        ));
        columns.push(column("trial", Kind::Integer, false, "the number of the trial in its source, from 0"));
        columns
    }

    /// `rows` as columns.
    pub(super) fn cells(&self, rows: &[Row]) -> Vec<Cells> {
        let mut cells: Vec<Cells> = self.columns().iter().map(|column| Cells::new(column.kind)).collect();
        for row in rows {
            let mut columns = cells.iter_mut();
            let mut push = |value: Option<Value>| {
                columns.next().expect("invariant: a row has a value for each column").push(value);
            };
            push(Some(Value::Text(self.workloads[row.workload].name.clone())));
            self.space.values(&row.design).for_each(|(_, value)| push(Some(value)));
            let (broken, violation) = match &row.outcome {
                Outcome::Measured(metrics) => {
                    metrics.iter().for_each(|&metric| push(Some(Value::Real(metric))));
                    (None, None)
                }
                Outcome::Infeasible { rule, violation } => {
                    self.metrics.iter().for_each(|_| push(None));
                    (Some(Value::Text(rule.clone())), Some(Value::Real(*violation)))
                }
                Outcome::Failed { .. } => unreachable!("invariant: a row has a result"),
            };
            push(broken);
            push(violation);
            push(Some(Value::Integer(row.source as i64)));
            push(Some(Value::Integer(row.trial as i64)));
        }
        cells
    }

    /// The rows in these columns, as many as in each; `n_before` of the table stand before them.
    pub(super) fn rows(
        &self,
        cells: &[Cells],
        n_rows: usize,
        n_before: usize,
    ) -> Result<Vec<Row>, TableFault> {
        let columns = self.columns();
        let row = |index: usize| {
            let read = CellsOfRow { about: self, columns: &columns, cells, index };
            read.row().map_err(|(column, reason)| TableFault {
                row: Some(n_before + index + 1),
                column,
                reason,
            })
        };
        (0..n_rows).map(row).collect()
    }
}

/// One row of a table that is being read.
struct CellsOfRow<'a> {
    about: &'a About,
    columns: &'a [Column],
    cells: &'a [Cells],
    index: usize,
}

/// The column, and what is wrong there.
type CellFault = (String, String);

impl CellsOfRow<'_> {
    fn row(&self) -> Result<Row, CellFault> {
        let n_parameters = self.about.space.n_parameters();
        let behind = 1 + n_parameters + self.about.metrics.len();
        let workload = self.workload()?;
        let design = self.design(1..1 + n_parameters)?;
        let outcome = self.outcome(1 + n_parameters..behind)?;
        let source = self.count(behind + 2)?;
        if source >= self.about.sources.len() {
            let reason = format!("got {source}, but the manifest lists {} sources", self.about.sources.len());
            return Err(self.fault(behind + 2, reason));
        }
        Ok(Row { workload, design, outcome, source, trial: self.count(behind + 3)? })
    }

    fn fault(&self, column: usize, reason: impl Into<String>) -> CellFault {
        (self.columns[column].name.clone(), reason.into())
    }

    fn workload(&self) -> Result<usize, CellFault> {
        let names = || self.about.workloads.iter().map(|workload| workload.name.as_str());
        let name = match &self.cells[0] {
            Cells::Text(cells) => cells[self.index].as_deref().unwrap_or_default(),
            Cells::Integer(_) | Cells::Real(_) => "",
        };
        names().position(|known| known == name).ok_or_else(|| {
            let nearest = tapeout_core::names::suggestion(&nearest_name(name, names()));
            self.fault(0, format!("workload `{name}` is not in the manifest{nearest}"))
        })
    }

    fn design(&self, columns: std::ops::Range<usize>) -> Result<Design, CellFault> {
        let mut levels = Vec::with_capacity(columns.len());
        for (column, parameter) in columns.zip(self.about.space.parameters()) {
            let value = self.cells[column].value(self.index).ok_or_else(|| self.fault(column, "is empty"))?;
            let level = parameter.level_of(&value).ok_or_else(|| {
                self.fault(column, format!("{value} is not a level; levels are {}", parameter.levels_text()))
            })?;
            levels.push(level);
        }
        self.about.space.design(&levels).map_err(|error| ("design".to_owned(), error.to_string()))
    }

    fn outcome(&self, metrics: std::ops::Range<usize>) -> Result<Outcome, CellFault> {
        let (rule, violation) = (metrics.end, metrics.end + 1);
        let number = |column: usize| match self.cells[column]
            .value(self.index)
            .and_then(|value| value.as_f64())
        {
            Some(number) if !number.is_finite() => Err(self.fault(column, format!("{number} is not finite"))),
            number => Ok(number),
        };
        let measured = metrics.clone().map(number).collect::<Result<Vec<Option<f64>>, CellFault>>()?;
        if let Some(Value::Text(name)) = self.cells[rule].value(self.index) {
            if let Some(column) = measured.iter().position(Option::is_some) {
                return Err(
                    self.fault(metrics.start + column, format!("is measured, yet rule `{name}` is broken"))
                );
            }
            let violation =
                number(violation)?.ok_or_else(|| self.fault(violation, "is empty, yet a rule is broken"))?;
            return Ok(Outcome::Infeasible { rule: name, violation });
        }
        if number(violation)?.is_some() {
            return Err(self.fault(violation, "is there, yet no rule is broken"));
        }
        let missing = measured.iter().position(Option::is_none);
        match missing {
            Some(column) => Err(self.fault(metrics.start + column, "is empty, yet no rule is broken")),
            None => Ok(Outcome::Measured(measured.into_iter().flatten().collect())),
        }
    }

    fn count(&self, column: usize) -> Result<usize, CellFault> {
        match self.cells[column].value(self.index) {
            Some(Value::Integer(number)) => usize::try_from(number)
                .map_err(|_| self.fault(column, format!("got {number}, expected a count from 0"))),
            _ => Err(self.fault(column, "is empty")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: what is written of a parameter does not grow with its range.
    #[test]
    fn a_note_of_many_levels_is_short() {
        let range = Parameter::new("x", Domain::Integer { low: 0, high: 5_000_000, step: 5 });
        let levels = Note::of_parameter(&range).levels;
        assert_eq!(levels, Some(Levels::Range { low: 0, high: 5_000_000, step: 5 }));
        let ordinal = |n: u32| {
            let levels = (0..n).map(|level| f64::from(level) + 0.5).collect();
            Note::of_parameter(&Parameter::new("x", Domain::Ordinal(levels))).levels
        };
        assert!(matches!(ordinal(LISTED), Some(Levels::Listed(levels)) if levels.len() == 1_000));
        assert!(matches!(ordinal(LISTED + 1), Some(Levels::Many { n: 1_001, .. })));
    }
}
