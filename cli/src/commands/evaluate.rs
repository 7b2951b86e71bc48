//! `tapeout evaluate`.

use serde_json::{Value, json};
use tapeout::core::breakdown::{Breakdown, Sheet, SheetColumn};
use tapeout::core::{Catalog, Design, Outcome};
use tapeout::experiment::plot::{ColumnScale, quantity};

use crate::answer::Answer;
use crate::designs::{DesignFlags, NamedDesigns, set_to, values_of};
use crate::failure::Failure;
use crate::table::{Column, Table};

/// Which design.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    design: DesignFlags,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// All there is to know about one design, or several.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let named = self.design.find(catalog)?;
        let evaluated = named.designs.iter().map(|design| Evaluated::of(&named, design));
        let evaluated: Vec<Evaluated<'_>> = evaluated.collect::<Result<_, _>>()?;
        if self.json {
            let all: Vec<Value> = evaluated.iter().map(Evaluated::json).collect();
            return Ok(Answer::json(&json!({ "designs": all })));
        }
        let texts: Vec<String> = evaluated.iter().map(Evaluated::text).collect();
        Ok(Answer::text(texts.join("\n")))
    }
}

/// A design and what became of it.
pub(crate) struct Evaluated<'a> {
    named: &'a NamedDesigns,
    /// The design.
    pub(crate) design: &'a Design,
    /// What the environment says of it.
    pub(crate) outcome: Outcome,
    /// Where its metrics come from, if the environment can say.
    pub(crate) breakdown: Option<Breakdown>,
}

impl<'a> Evaluated<'a> {
    /// Asks the environment about `design`.
    pub(crate) fn of(named: &'a NamedDesigns, design: &'a Design) -> Result<Self, Failure> {
        let failed =
            |error| Failure::failed(error).context(format!("`{}` cannot evaluate the design", named.name));
        if let Some(missing) = named.env().missing() {
            return Err(Failure::bad_input(anyhow::anyhow!("`{}`: {missing}", named.name)));
        }
        let outcome = named.env().evaluate(design).map_err(failed)?;
        let breakdown = named.env().breakdown(design).map_err(failed)?;
        Ok(Self { named, design, outcome, breakdown })
    }

    /// Its metrics and those that follow from them; none if it is infeasible, or one has no value.
    pub(crate) fn values(&self) -> Option<Vec<f64>> {
        self.named.problem.quantity_values(self.outcome.metrics()?)
    }

    fn text(&self) -> String {
        let problem = &self.named.problem;
        let mut design = Table::new(&[("parameter", Column::Words), ("value", Column::Numbers)]);
        for (index, parameter) in problem.space().parameters().iter().enumerate() {
            design.row([parameter.name().to_owned(), set_to(problem, self.design, index)]);
        }
        let mut text = format!("{}\n{}", design.text(), self.outcome_text());
        if let Some(breakdown) = &self.breakdown {
            breakdown.sheets.iter().for_each(|sheet| text.push_str(&format!("\n{}", sheet_text(sheet))));
            text.push_str(&bounds_text(breakdown));
        }
        text
    }

    fn outcome_text(&self) -> String {
        match &self.outcome {
            Outcome::Infeasible { rule, violation } => {
                return format!("infeasible by rule `{rule}`, violation {violation:.3}\n");
            }
            Outcome::Failed { cause } => return format!("no result: {cause}\n"),
            Outcome::Measured(_) => {}
        }
        let mut table = Table::new(&[("metric", Column::Words), ("value", Column::Numbers)]);
        let quantities = self.named.problem.quantities();
        for (metric, value) in quantities.iter().zip(self.values().unwrap_or_default()) {
            table.row([metric.name.clone(), quantity(value, &metric.unit)]);
        }
        table.text()
    }

    fn json(&self) -> Value {
        let metrics = self.named.problem.quantities().iter().map(|metric| metric.name.clone());
        let mut json = json!({
            "env": self.named.name,
            "design": values_of(&self.named.problem, self.design),
            "breakdown": self.breakdown,
        });
        match (&self.outcome, self.values()) {
            (Outcome::Infeasible { rule, violation }, _) => {
                json["infeasible"] = json!({ "rule": rule, "violation": violation });
            }
            (Outcome::Failed { cause }, _) => json["failed"] = json!(cause),
            (Outcome::Measured(_), values) => {
                let values = values.unwrap_or_default().into_iter().map(Value::from);
                json["metrics"] = metrics.zip(values).collect::<serde_json::Map<_, _>>().into();
            }
        }
        json
    }
}

/// A table of parts.
fn sheet_text(sheet: &Sheet) -> String {
    let has_bounds = sheet.rows.iter().any(|row| !row.bound.is_empty());
    let mut columns = vec![(sheet.of.as_str(), Column::Words)];
    columns.extend(sheet.columns.iter().map(|column| (column.name.as_str(), Column::Numbers)));
    if has_bounds {
        columns.push(("bound by", Column::Words));
    }
    let mut table = Table::new(&columns);
    let scale = |(index, column): (usize, &SheetColumn)| {
        ColumnScale::of(sheet.rows.iter().map(|row| row.values[index]), &column.unit)
    };
    let scales: Vec<ColumnScale> = sheet.columns.iter().enumerate().map(scale).collect();
    for row in &sheet.rows {
        let values = row.values.iter().zip(&scales).map(|(value, scale)| scale.quantity(*value));
        let bound = has_bounds.then(|| row.bound.clone());
        table.row(std::iter::once(row.name.clone()).chain(values).chain(bound));
    }
    table.text()
}

/// What a design is bound by, a line each.
pub(crate) fn bounds_text(breakdown: &Breakdown) -> String {
    let lines = breakdown.bounds.iter().map(|bound| format!("\nbound by {bound}"));
    let text: String = lines.collect();
    if text.is_empty() { text } else { format!("{text}\n") }
}
