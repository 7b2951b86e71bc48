//! `tapeout validate`.

use std::path::{Path, PathBuf};

use tapeout::core::{Catalog, Direction};
use tapeout::experiment::dataset::Dataset;
use tapeout::experiment::plot::quantity;
use tapeout::experiment::put_whole;
use tapeout::offline::{Proposals, Validation, Verdict, pictures, read_sheet, validate, validate_by};

use crate::answer::Answer;
use crate::failure::Failure;
use crate::table::{Column, Table};
use crate::worth_report::kept_text;

/// What to validate, and by whom.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of proposals: `tapeout offline` writes them
    proposals: PathBuf,
    /// The environment that is asked, if not the one that the proposals name; its parameters must be the same
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Ask nobody: a table of what was measured, such as a filled-in `proposals.csv`
    #[arg(long, value_name = "FILE.csv", conflicts_with = "env", requires = "dataset")]
    measured: Option<PathBuf>,
    /// The folder of the data set that was learned from, for `--measured`
    #[arg(long, value_name = "FOLDER")]
    dataset: Option<PathBuf>,
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
        let validation = match &self.measured {
            None => validate(catalog, &proposals)?,
            Some(path) => self.measured(catalog, path, &proposals)?,
        };
        if let Some(path) = &self.out {
            let text = serde_json::to_string_pretty(&validation).map_err(Failure::failed)?;
            put_whole(path, text.as_bytes()).map_err(|error| {
                Failure::unwritable(error).context(format!("{}: cannot write", path.display()))
            })?;
        }
        if self.json {
            return Ok(Answer::json(&validation));
        }
        let folder = self.proposals.parent().unwrap_or(Path::new("."));
        let picture = match pictures::validated(&proposals, &validation) {
            Some(picture) => {
                let [svg, png] = picture.write_into(folder)?;
                format!("plot  {}\nplot  {}\n", svg.display(), png.display())
            }
            None => String::new(),
        };
        Ok(Answer::text(format!(
            "{}\n{}{}\n{picture}",
            table(&proposals, &validation),
            kept_text(&validation.kept),
            conclusion(&proposals, &validation)
        )))
    }

    /// What somebody who measured the proposals says.
    fn measured(
        &self,
        catalog: &Catalog,
        sheet: &Path,
        proposals: &Proposals,
    ) -> Result<Validation, Failure> {
        let folder = self.dataset.as_ref().expect("invariant: clap asks for it with `--measured`");
        let dataset = Dataset::read(catalog, folder)?;
        Ok(validate_by(&read_sheet(sheet, &dataset)?, &dataset, proposals)?)
    }
}

/// How the best proposal compares to the best logged design, and what that took.
fn conclusion(proposals: &Proposals, validation: &Validation) -> String {
    let calls = match validation.simulator_calls {
        0 => String::new(),
        calls => format!("{calls} simulator calls"),
    };
    let best = || {
        let [objective] = proposals.goal.objectives.as_slice() else { return None };
        let index = validation.metrics.iter().position(|metric| metric.name == objective.metric)?;
        let logged = *proposals.logged.as_ref()?.measured.get(&objective.metric)?;
        let sign = if objective.direction == Direction::Minimize { 1.0 } else { -1.0 };
        let acceptable = validation.verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Measured { metrics, is_acceptable: true } => Some(metrics[index]),
            _ => None,
        });
        let best = acceptable.min_by(|a, b| (sign * a).total_cmp(&(sign * b)))?;
        let unit = &validation.metrics[index].unit;
        let verdict = if sign * best < sign * logged { "better" } else { "not better" };
        Some(format!(
            "the best proposal has {} {}, {verdict} than the {} of the best logged design",
            objective.metric,
            quantity(best, unit),
            quantity(logged, unit)
        ))
    };
    [best().unwrap_or_default(), calls].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ")
}

fn table(proposals: &Proposals, validation: &Validation) -> String {
    let names: Vec<&str> = validation.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let mut columns = vec![("", Column::Numbers)];
    for name in &names {
        columns.extend([(*name, Column::Numbers), ("expected", Column::Numbers)]);
    }
    columns.push(("verdict", Column::Words));
    let mut table = Table::new(&columns);
    for (index, (proposal, verdict)) in proposals.proposals.iter().zip(&validation.verdicts).enumerate() {
        let mut cells = vec![(index + 1).to_string()];
        for (place, metric) in validation.metrics.iter().enumerate() {
            let measured = match verdict {
                Verdict::Measured { metrics, .. } => quantity(metrics[place], &metric.unit),
                Verdict::Infeasible { .. } | Verdict::Unknown => "-".to_owned(),
            };
            let interval = proposal.intervals.as_ref().and_then(|it| it.get(&metric.name));
            let predicted = proposal.predicted.get(&metric.name);
            let expected = interval.map(|it| it.middle).or(predicted.copied());
            cells.extend([measured, expected.map_or("-".to_owned(), |value| quantity(value, &metric.unit))]);
        }
        cells.push(match verdict {
            Verdict::Measured { is_acceptable: true, .. } => "acceptable".to_owned(),
            Verdict::Measured { .. } => "beyond a limit".to_owned(),
            Verdict::Unknown => "not measured".to_owned(),
            Verdict::Infeasible { workload, rule, violation } => {
                format!("infeasible in {workload}: {rule} by {violation:.3}")
            }
        });
        table.row(cells);
    }
    table.text()
}
