//! `tapeout explain`: two designs side by side.

use serde_json::{Value, json};
use tapeout::core::breakdown::Sheet;
use tapeout::core::{Catalog, Design, Outcome};
use tapeout::experiment::plot::{ColumnScale, quantity};

use super::evaluate::{Evaluated, bounds_text};
use crate::answer::Answer;
use crate::designs::{DesignFlags, NamedDesigns, set_to, values_of};
use crate::failure::Failure;
use crate::goal_flags::Fixed;
use crate::number::counted;
use crate::table::{Column, Table};

/// Rows of a table of parts that are shown: those that differ most. Ours: a screen has room for a few tables of so many.
const ROWS: usize = 10;

/// Which two designs.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    designs: DesignFlags,
    /// The second design is the first with this value: `lanes=64`; again for several
    #[arg(long, value_name = "NAME=VALUE")]
    change: Vec<Fixed>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What differs between two designs, and what each difference costs.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let named = self.designs.find(catalog)?;
        let pair = match (named.designs.as_slice(), self.change.as_slice()) {
            ([one, other], []) => [one.clone(), other.clone()],
            ([one], changes) if !changes.is_empty() => [one.clone(), named.changed(one, changes)?],
            (designs, _) => {
                let problem = anyhow::anyhow!(
                    "{} named, expected two, or one and `--change`",
                    counted(designs.len(), "design")
                );
                return Err(Failure::bad_input(problem)
                    .hint("two trials of a run, `--design` twice, or one design and `--change NAME=VALUE`"));
            }
        };
        let explanation = Explanation::of(&named, &pair)?;
        Ok(if self.json { Answer::json(&explanation.json()) } else { Answer::text(explanation.text()) })
    }
}

/// Two designs, and the first with each difference alone.
struct Explanation<'a> {
    named: &'a NamedDesigns,
    sides: [Evaluated<'a>; 2],
    /// Index of a parameter in which they differ, and what becomes of the first if it has the second's value there; none if the
    /// rules of the space forbid that.
    steps: Vec<(usize, Option<Outcome>)>,
}

impl<'a> Explanation<'a> {
    fn of(named: &'a NamedDesigns, pair: &'a [Design; 2]) -> Result<Self, Failure> {
        let [first, second] = pair;
        let space = named.problem.space();
        let mut steps = Vec::new();
        for index in 0..space.n_parameters() {
            if first.levels()[index] == second.levels()[index] {
                continue;
            }
            let mut levels = first.levels().to_vec();
            levels[index] = second.levels()[index];
            let outcome = match space.design(&levels) {
                Ok(design) => Some(named.env().evaluate(&design).map_err(Failure::failed)?),
                Err(_) => None,
            };
            steps.push((index, outcome));
        }
        Ok(Self { named, sides: [Evaluated::of(named, first)?, Evaluated::of(named, second)?], steps })
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n{}", self.metrics_text(), self.differences_text());
        let breakdowns = [&self.sides[0].breakdown, &self.sides[1].breakdown];
        if let [Some(first), Some(second)] = breakdowns {
            for (one, other) in first.sheets.iter().zip(&second.sheets) {
                text.push_str(&format!("\n{}", parts_text(one, other)));
            }
            for (name, breakdown) in [("first", first), ("second", second)] {
                text.push_str(&format!("\nthe {name} is{}", bounds_text(breakdown)));
            }
        }
        text
    }

    fn metrics_text(&self) -> String {
        let mut table = Table::new(&[
            ("metric", Column::Words),
            ("first", Column::Numbers),
            ("second", Column::Numbers),
            ("change", Column::Numbers),
        ]);
        let broken =
            self.sides.iter().zip(["first", "second"]).filter_map(|(side, name)| match &side.outcome {
                Outcome::Infeasible { rule, violation } => {
                    Some(format!("the {name} is infeasible by rule `{rule}`, violation {violation:.3}\n"))
                }
                Outcome::Failed { cause } => Some(format!("the {name} has no result: {cause}\n")),
                Outcome::Measured(_) => None,
            });
        let broken: String = broken.collect();
        let values = self.sides.each_ref().map(Evaluated::values);
        for (index, metric) in self.named.problem.quantities().iter().enumerate() {
            let [one, other] = values.each_ref().map(|values| values.as_ref().map(|values| values[index]));
            let shown =
                |value: Option<f64>| value.map_or("-".to_owned(), |value| quantity(value, &metric.unit));
            table.row([metric.name.clone(), shown(one), shown(other), change(one, other)]);
        }
        if broken.is_empty() { table.text() } else { broken }
    }

    /// What differs, and what the first design would be with that difference alone.
    fn differences_text(&self) -> String {
        if self.steps.is_empty() {
            return "the designs are the same\n".to_owned();
        }
        let problem = &self.named.problem;
        let mut columns = vec![
            ("parameter".to_owned(), Column::Words),
            ("first".to_owned(), Column::Numbers),
            ("second".to_owned(), Column::Numbers),
        ];
        let shown = self.shown();
        let name =
            |&metric: &usize| (format!("{} alone", problem.quantities()[metric].name), Column::Numbers);
        columns.extend(shown.iter().map(name));
        let columns: Vec<(&str, Column)> =
            columns.iter().map(|(name, column)| (name.as_str(), *column)).collect();
        let mut table = Table::new(&columns);
        let before = self.sides[0].values();
        for (index, outcome) in &self.steps {
            let [first, second] = self.sides.each_ref().map(|side| set_to(problem, side.design, *index));
            let name = problem.space().parameters()[*index].name().to_owned();
            let after =
                outcome.as_ref().and_then(Outcome::metrics).and_then(|it| problem.quantity_values(it));
            let effects: Vec<String> = match (&after, outcome) {
                (Some(after), _) => shown
                    .iter()
                    .map(|&metric| change(before.as_ref().map(|before| before[metric]), Some(after[metric])))
                    .collect(),
                (None, Some(Outcome::Infeasible { rule, .. })) => padded(rule, shown.len()),
                (None, _) => padded("not legal", shown.len()),
            };
            table.row([name, first, second].into_iter().chain(effects));
        }
        table.text()
    }

    /// The quantities whose changes are shown for each difference: those of the workload as a whole, and objectives.
    fn shown(&self) -> Vec<usize> {
        let problem = &self.named.problem;
        let is_shown = |name: &str| {
            !name.contains('.') || problem.objectives().iter().any(|objective| objective.metric == name)
        };
        let quantities = problem.quantities().iter().enumerate();
        quantities.filter(|(_, metric)| is_shown(&metric.name)).map(|(index, _)| index).collect()
    }

    fn json(&self) -> Value {
        let problem = &self.named.problem;
        let names = || problem.quantities().iter().map(|metric| metric.name.clone());
        let metrics = |values: Option<Vec<f64>>| -> Value {
            values.map_or(Value::Null, |values| {
                names().zip(values.into_iter().map(Value::from)).collect::<serde_json::Map<_, _>>().into()
            })
        };
        let side = |side: &Evaluated<'_>| json!({ "design": values_of(problem, side.design), "metrics": metrics(side.values()), "breakdown": side.breakdown });
        let step = |(index, outcome): &(usize, Option<Outcome>)| {
            let after =
                outcome.as_ref().and_then(Outcome::metrics).and_then(|it| problem.quantity_values(it));
            json!({ "parameter": problem.space().parameters()[*index].name(), "metrics": metrics(after) })
        };
        json!({
            "first": side(&self.sides[0]),
            "second": side(&self.sides[1]),
            "alone": self.steps.iter().map(step).collect::<Vec<_>>(),
        })
    }
}

/// A word in the first of so many columns.
fn padded(word: &str, columns: usize) -> Vec<String> {
    let mut cells = vec![String::new(); columns];
    if let Some(first) = cells.first_mut() {
        word.clone_into(first);
    }
    cells
}

/// `+12.5 %`; a dash if either is not there.
fn change(before: Option<f64>, after: Option<f64>) -> String {
    match (before, after) {
        (Some(before), Some(after)) if before == after => "same".to_owned(),
        (Some(before), Some(after)) if before != 0.0 => format!("{:+.1} %", 100.0 * (after / before - 1.0)),
        _ => "-".to_owned(),
    }
}

/// The parts of two designs whose first quantity that is no count differs most.
fn parts_text(one: &Sheet, other: &Sheet) -> String {
    let compared: Vec<usize> =
        (0..one.columns.len()).filter(|&column| !one.columns[column].unit.is_empty()).take(2).collect();
    let mut columns = vec![(one.of.clone(), Column::Words)];
    for &column in &compared {
        let name = &one.columns[column].name;
        columns.extend([
            (name.clone(), Column::Numbers),
            ("second".to_owned(), Column::Numbers),
            ("difference".to_owned(), Column::Numbers),
        ]);
    }
    let columns: Vec<(&str, Column)> =
        columns.iter().map(|(name, column)| (name.as_str(), *column)).collect();
    let mut table = Table::new(&columns);
    let mut names: Vec<&String> = one.rows.iter().map(|row| &row.name).collect();
    names.extend(
        other.rows.iter().map(|row| &row.name).filter(|name| one.rows.iter().all(|row| row.name != **name)),
    );
    let value = |sheet: &Sheet, name: &str, column: usize| {
        sheet.rows.iter().find(|row| row.name == name).map_or(0.0, |row| row.values[column])
    };
    let difference = |name: &str, column: usize| {
        let [before, after] = [one, other].map(|sheet| value(sheet, name, column));
        // Sums that differ in their last digits are the same.
        if (after - before).abs() <= 1e-9 * before.abs() { 0.0 } else { after - before }
    };
    let first = compared.first().copied().unwrap_or(0);
    names.sort_by(|a, b| difference(b, first).abs().total_cmp(&difference(a, first).abs()));
    let hidden = names.len().saturating_sub(ROWS);
    names.truncate(ROWS);
    let numbers = |name: &str, column: usize| {
        [value(one, name, column), value(other, name, column), difference(name, column)]
    };
    let scale = |&column: &usize| {
        let all = names.iter().flat_map(|name| numbers(name, column));
        ColumnScale::of(all, &one.columns[column].unit)
    };
    let scales: Vec<ColumnScale> = compared.iter().map(scale).collect();
    for name in &names {
        let mut cells = vec![(*name).clone()];
        for (&column, scale) in compared.iter().zip(&scales) {
            cells.extend(numbers(name, column).map(|number| scale.quantity(number)));
        }
        table.row(cells);
    }
    let rest = if hidden == 0 { String::new() } else { format!("and {hidden} more that differ less\n") };
    format!("{}{rest}", table.text())
}
