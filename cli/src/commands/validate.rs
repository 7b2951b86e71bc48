//! `tapeout validate`.

use std::fs;
use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::plot::quantity;
use tapeout::offline::{Proposals, Validation, Verdict, validate};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::{Column, Table};

/// What to validate, and by whom.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of proposals: `tapeout offline` writes them
    proposals: PathBuf,
    /// The environment that is asked, if not the one that the proposals name; its parameters must be the same
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// A file for the verdicts, as JSON
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What the environment says of each proposal, asked once.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let mut proposals = Proposals::read(&self.proposals)?;
        if let Some(id) = self.env.as_ref().filter(|&id| *id != proposals.env.id) {
            proposals.env.id.clone_from(id);
            proposals.env.version = None;
        }
        let validation = validate(catalog, &proposals)?;
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(&validation).map_err(Failure::failed)?;
            fs::write(path, text).map_err(|error| {
                Failure::failed(error).context(format!("{}: cannot write", path.display()))
            })?;
        }
        if self.json {
            return Ok(Answer::json(&validation));
        }
        let n_infeasible = validation
            .verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Infeasible { .. }))
            .count();
        Ok(Answer::text(format!(
            "{}\n{} simulator calls; {n_infeasible} of {} proposals are infeasible",
            table(&proposals, &validation),
            validation.simulator_calls,
            validation.verdicts.len()
        )))
    }
}

fn table(proposals: &Proposals, validation: &Validation) -> String {
    let names: Vec<&str> = validation.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let mut columns = vec![("", Column::Numbers)];
    for name in &names {
        columns.extend([(*name, Column::Numbers), ("predicted", Column::Numbers)]);
    }
    columns.push(("verdict", Column::Words));
    let mut table = Table::new(&columns);
    for (index, (proposal, verdict)) in proposals.proposals.iter().zip(&validation.verdicts).enumerate() {
        let mut cells = vec![(index + 1).to_string()];
        for (place, metric) in validation.metrics.iter().enumerate() {
            let measured = match verdict {
                Verdict::Measured { metrics, .. } => quantity(metrics[place], &metric.unit),
                Verdict::Infeasible { .. } => "-".to_owned(),
            };
            let predicted = proposal.predicted.get(&metric.name);
            cells
                .extend([measured, predicted.map_or("-".to_owned(), |&value| quantity(value, &metric.unit))]);
        }
        cells.push(match verdict {
            Verdict::Measured { is_acceptable: true, .. } => "acceptable".to_owned(),
            Verdict::Measured { .. } => "beyond a limit".to_owned(),
            Verdict::Infeasible { workload, rule, violation } => {
                format!("infeasible in {workload}: {rule} by {violation:.3}")
            }
        });
        table.row(cells);
    }
    table.text()
}
