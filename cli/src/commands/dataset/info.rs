//! `tapeout dataset info`.

use std::path::PathBuf;

use serde_json::json;
use tapeout::core::Catalog;
use tapeout::experiment::dataset::{Dataset, Overview};
use tapeout::experiment::plot::quantity;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::number::{count, counted, share, usize_count};
use crate::table::{Column, Table};

/// What to look at.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a data set
    dataset: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What is in it.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        Ok(answer(&Dataset::read(catalog, &self.dataset)?, self.json))
    }
}

/// What is in a data set.
pub(super) fn answer(dataset: &Dataset, is_json: bool) -> Answer {
    if is_json {
        return Answer::json(&json!({
            "env": dataset.env(),
            "workloads": dataset.workloads(),
            "sources": dataset.sources(),
            "overviews": dataset.overviews(),
        }));
    }
    Answer::text(text(dataset))
}

/// The same as text.
pub(super) fn text(dataset: &Dataset) -> String {
    let (env, overviews) = (dataset.env(), dataset.overviews());
    let version = env.version.map_or_else(String::new, |version| format!(" version {version}"));
    format!(
        "{} of `{}`{version}, {} designs, {}\n\n{}\n{}",
        counted(dataset.rows().len(), "row"),
        dataset.title(),
        count(dataset.space().cardinality()),
        counted(dataset.workloads().len(), "workload"),
        rules(&overviews),
        metrics(&overviews)
    )
}

/// One workload needs no line of its own beside the one for all.
fn shown(overviews: &[Overview]) -> &[Overview] {
    if overviews.len() == 2 { &overviews[1..] } else { overviews }
}

fn name(overview: &Overview) -> String {
    overview.workload.clone().unwrap_or_else(|| "all".to_owned())
}

fn rules(overviews: &[Overview]) -> String {
    let columns = [
        ("workload", Column::Words),
        ("rows", Column::Numbers),
        ("infeasible", Column::Numbers),
        ("by rule", Column::Words),
    ];
    let mut table = Table::new(&columns);
    for overview in shown(overviews) {
        let mut broken: Vec<(&String, &usize)> = overview.broken.iter().collect();
        broken.sort_by(|a, b| b.1.cmp(a.1));
        let by_rule: Vec<String> =
            broken.into_iter().map(|(rule, &n)| format!("{rule} {}", share(n, overview.rows))).collect();
        table.row([
            name(overview),
            usize_count(overview.rows),
            share(overview.infeasible, overview.rows),
            by_rule.join(", "),
        ]);
    }
    table.text()
}

/// The quantiles of [`tapeout::experiment::dataset::overview::SHARES`].
fn metrics(overviews: &[Overview]) -> String {
    let mut columns = vec![("workload", Column::Words), ("metric", Column::Words)];
    columns.extend(["least", "10 %", "median", "90 %", "most"].map(|name| (name, Column::Numbers)));
    let mut table = Table::new(&columns);
    for overview in shown(overviews) {
        for metric in &overview.metrics {
            let quantiles = metric.quantiles.iter().map(|&value| quantity(value, &metric.unit));
            table.row([name(overview), metric.metric.clone()].into_iter().chain(quantiles));
        }
    }
    table.text()
}
