//! What came of a run, as text and as data.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tapeout::core::{Metric, Parameter, Problem};
use tapeout::experiment::Summary;
use tapeout::experiment::plot::{ColumnScale, quantity};
use tapeout::experiment::summary::Standout;

use crate::number::{setting, share, usize_count};
use crate::table::{Column, Table};

/// Rows of the front that are shown. Ours: what fits on a screen; all are in the summary.
const ROWS: usize = 20;

/// A run on disk, and what came of it.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    /// The folder of the run.
    pub(crate) run: &'a Path,
    /// The pictures in it; none if there is nothing to show.
    pub(crate) plots: Vec<PathBuf>,
    /// What came of it.
    pub(crate) summary: &'a Summary,
}

impl Report<'_> {
    /// The front, what was infeasible and why, and where everything is.
    pub(crate) fn text(&self, problem: &Problem) -> String {
        let mut text = self.front(problem);
        text.push_str(&format!("\n{}", self.shares()));
        text.push_str(&format!("\nrun   {}\n", self.run.display()));
        for plot in &self.plots {
            text.push_str(&format!("plot  {}\n", plot.display()));
        }
        text
    }

    fn front(&self, problem: &Problem) -> String {
        let front = &self.summary.front;
        let goal = goal(problem);
        match front.as_slice() {
            [] => format!("No acceptable design: {goal}\n"),
            [only] => format!("Best design: {goal}\n\n{}", single(problem, only)),
            few if few.len() <= ROWS => {
                let shown: Vec<&Standout> = few.iter().collect();
                format!("Pareto front, {} designs: {goal}\n\n{}", few.len(), several(problem, &shown))
            }
            many => {
                let text = several(problem, &spread(many));
                format!("Pareto front, {ROWS} of {} designs: {goal}\n\n{text}", many.len())
            }
        }
    }

    fn shares(&self) -> String {
        let summary = self.summary;
        let mut text = format!(
            "{} designs: {} acceptable, {} outside a constraint, {} infeasible\n",
            usize_count(summary.trials),
            usize_count(summary.acceptable),
            usize_count(summary.unacceptable),
            usize_count(summary.n_infeasible())
        );
        if summary.failed > 0 {
            let failed = usize_count(summary.failed);
            text.push_str(&format!(
                "{failed} failed to be evaluated: `tapeout resume {} --retry-failed`\n",
                self.run.display()
            ));
        }
        if summary.warm_trials > 0 {
            let warm = usize_count(summary.warm_trials);
            text.push_str(&format!("started from {warm} trials of earlier logs, which are not among them\n"));
        }
        if !summary.infeasible.is_empty() {
            let mut table = Table::new(&[
                ("infeasible by rule", Column::Words),
                ("designs", Column::Numbers),
                ("share", Column::Numbers),
            ]);
            let mut rules: Vec<(&String, usize)> =
                summary.infeasible.iter().map(|(rule, &n)| (rule, n)).collect();
            rules.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
            for (rule, n) in rules {
                table.row([rule.clone(), usize_count(n), share(n, summary.trials)]);
            }
            text.push_str(&format!("\n{}", table.text()));
        }
        text
    }
}

/// `min:latency_s, min:energy_j, area_m2 <= 2.7e-5`.
fn goal(problem: &Problem) -> String {
    let objectives = problem.objectives().iter().map(ToString::to_string);
    let constraints = problem.constraints().iter().map(ToString::to_string);
    objectives.chain(constraints).collect::<Vec<_>>().join(", ")
}

/// [`ROWS`] of more designs, evenly along the front, both ends among them.
fn spread(front: &[Standout]) -> Vec<&Standout> {
    (0..ROWS).map(|row| &front[row * (front.len() - 1) / (ROWS - 1)]).collect()
}

/// The metrics of a problem, objectives first.
fn metrics(problem: &Problem) -> Vec<&Metric> {
    let of_objective = |metric: &Metric| problem.objectives().iter().any(|it| it.metric == metric.name);
    let objectives = (0..problem.n_objectives()).map(|index| problem.objective_metric(index));
    objectives.chain(problem.quantities().iter().filter(|metric| !of_objective(metric))).collect()
}

fn set_to(design: &Standout, parameter: &Parameter) -> String {
    let value = design.design.get(parameter.name());
    value.map_or_else(String::new, |value| setting(value, parameter.unit_name()))
}

/// A row for all there is to know about one design.
fn single(problem: &Problem, design: &Standout) -> String {
    let trial = design.trial.to_string();
    let mut table = Table::new(&[("trial", Column::Words), (&trial, Column::Numbers)]);
    for metric in metrics(problem) {
        let value = design.metrics.get(&metric.name);
        let measured = value.map_or_else(String::new, |&value| quantity(value, &metric.unit));
        table.row([metric.name.clone(), measured]);
    }
    for parameter in problem.space().parameters() {
        table.row([parameter.name().to_owned(), set_to(design, parameter)]);
    }
    table.text()
}

/// A row for each design: its trial, its metrics, and the parameters in which they differ; below, what they have in
/// common.
fn several(problem: &Problem, designs: &[&Standout]) -> String {
    let metrics = metrics(problem);
    let parameters = problem.space().parameters().iter();
    let (common, varied): (Vec<_>, Vec<_>) = parameters.partition(|parameter| {
        let first = designs[0].design.get(parameter.name());
        designs.iter().all(|design| design.design.get(parameter.name()) == first)
    });
    let names: Vec<String> = std::iter::once("trial")
        .chain(metrics.iter().map(|metric| metric.name.as_str()))
        .chain(varied.iter().map(|parameter| parameter.name()))
        .map(stacked)
        .collect();
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), Column::Numbers)).collect();
    let mut table = Table::new(&columns);
    let scale = |metric: &&Metric| {
        ColumnScale::of(
            designs.iter().filter_map(|design| design.metrics.get(&metric.name).copied()),
            &metric.unit,
        )
    };
    let scales: Vec<ColumnScale> = metrics.iter().map(scale).collect();
    for design in designs {
        let measured = metrics.iter().zip(&scales).map(|(metric, scale)| {
            design.metrics.get(&metric.name).map_or_else(String::new, |&value| scale.quantity(value))
        });
        let set = varied.iter().map(|parameter| set_to(design, parameter));
        table.row(std::iter::once(design.trial.to_string()).chain(measured).chain(set));
    }
    let mut text = table.text();
    if !common.is_empty() {
        let settings = common
            .iter()
            .map(|parameter| format!("{} = {}", parameter.name(), set_to(designs[0], parameter)));
        text.push_str(&format!("\nall of them: {}\n", settings.collect::<Vec<_>>().join(", ")));
    }
    text
}

/// A name broken behind its `_`, so that a column is not much wider than a number.
fn stacked(name: &str) -> String {
    /// Letters of a line.
    const WIDTH: usize = 10;
    let mut text = String::new();
    let mut width = 0;
    for word in name.split_inclusive('_') {
        if width > 0 && width + word.len() > WIDTH {
            text.push('\n');
            width = 0;
        }
        text.push_str(word);
        width += word.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_broken_between_words() {
        assert_eq!(stacked("latency_s"), "latency_s");
        assert_eq!(stacked("dram_bandwidth_byte_per_s"), "dram_\nbandwidth_\nbyte_per_s");
    }
}
