//! What came of a run, as text and as data.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tapeout::core::Problem;
use tapeout::experiment::Summary;
use tapeout::experiment::plot::quantity;
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
        let is_single = problem.n_objectives() == 1;
        match front.len() {
            0 => format!("No acceptable design: {goal}\n"),
            1 if is_single => format!("Best design: {goal}\n\n{}", designs(problem, &[&front[0]])),
            n if n <= ROWS => format!(
                "Pareto front, {n} designs: {goal}\n\n{}",
                designs(problem, &front.iter().collect::<Vec<_>>())
            ),
            n => format!(
                "Pareto front, {ROWS} of {n} designs (all are in summary.json): {goal}\n\n{}",
                designs(problem, &spread(front))
            ),
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

/// A row for each design: its trial, the objectives, the other metrics, and the parameters in which they differ; below,
/// what they have in common.
fn designs(problem: &Problem, front: &[&Standout]) -> String {
    let of_objective = |name: &str| problem.objectives().iter().any(|objective| objective.metric == name);
    let objectives =
        problem.objectives().iter().enumerate().map(|(index, _)| problem.objective_metric(index));
    let metrics: Vec<_> =
        objectives.chain(problem.metrics().iter().filter(|metric| !of_objective(&metric.name))).collect();
    let cell = |design: &Standout, name: &str, unit: &str| {
        design.design.get(name).map_or_else(String::new, |value| setting(value, unit))
    };
    let parameters = problem.space().parameters();
    let (common, varied): (Vec<_>, Vec<_>) = parameters.iter().partition(|parameter| {
        let first = front[0].design.get(parameter.name());
        front.len() > 1 && front.iter().all(|design| design.design.get(parameter.name()) == first)
    });
    let names: Vec<String> = std::iter::once("trial")
        .chain(metrics.iter().map(|metric| metric.name.as_str()))
        .chain(varied.iter().map(|parameter| parameter.name()))
        .map(stacked)
        .collect();
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), Column::Numbers)).collect();
    let mut table = Table::new(&columns);
    for design in front {
        let measured = metrics.iter().map(|metric| {
            design.metrics.get(&metric.name).map_or_else(String::new, |value| quantity(*value, &metric.unit))
        });
        let set = varied.iter().map(|parameter| cell(design, parameter.name(), parameter.unit()));
        table.row(std::iter::once(design.trial.to_string()).chain(measured).chain(set));
    }
    let mut text = table.text();
    if !common.is_empty() {
        let settings = common.iter().map(|parameter| {
            format!("{} = {}", parameter.name(), cell(front[0], parameter.name(), parameter.unit()))
        });
        text.push_str(&format!("\nall of them: {}\n", settings.collect::<Vec<_>>().join(", ")));
    }
    text
}

/// A name broken behind each `_`, so that a column is as wide as a word.
fn stacked(name: &str) -> String {
    name.replace('_', "_\n")
}
