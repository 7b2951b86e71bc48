//! From a log to a picture: the front of a run with two objectives or more, the progress of runs.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tapeout::core::names::nearest_name;
use tapeout::core::pareto::front;
use tapeout::core::{Direction, Metric, Problem, Trial};
use tapeout::experiment::plot::{Axis, LineChart, ParetoPlot, Plot, PlotError, Series};
use tapeout::experiment::{Experiment, Run};

use crate::failure::Failure;
use crate::number::usize_count;

/// The name of the picture of a front, without its extension.
const PARETO: &str = "pareto";
/// The name of the picture of progress, without its extension.
const PROGRESS: &str = "progress";

/// Which two metrics to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axes<'a> {
    /// To the right.
    pub(crate) x: &'a str,
    /// Upwards.
    pub(crate) y: &'a str,
}

/// A picture that is not written yet.
pub(crate) struct Picture {
    /// The name of its files, without extension.
    pub(crate) name: &'static str,
    plot: Box<dyn Plot>,
}

impl Picture {
    /// What suits a run: its front over the first two objectives, or its progress if there is only one.
    pub(crate) fn of_run(run: &Run, name: &str) -> Result<Self, Failure> {
        match run.experiment().problem().objectives() {
            [x, y, ..] => Self::front(run, Axes { x: &x.metric, y: &y.metric }),
            [only] => Self::progress(&[(name.to_owned(), run)], &only.metric),
            [] => unreachable!("a problem has an objective"),
        }
    }

    /// All designs of a run over two metrics.
    pub(crate) fn front(run: &Run, axes: Axes<'_>) -> Result<Self, Failure> {
        let problem = run.experiment().problem();
        let (x, x_metric) = metric(problem, axes.x)?;
        let (y, y_metric) = metric(problem, axes.y)?;
        let directions = [direction(problem, axes.x), direction(problem, axes.y)];
        let trials = run.trials();
        let points = |is_wanted: fn(&Trial) -> bool| -> Vec<[f64; 2]> {
            let measured = trials.iter().filter(|trial| is_wanted(trial));
            measured
                .filter_map(|trial| trial.outcome.metrics())
                .map(|metrics| [metrics[x], metrics[y]])
                .collect()
        };
        let acceptable = points(|trial| trial.judgement.accepted().is_some());
        let loss = |direction, value: f64| if direction == Direction::Minimize { value } else { -value };
        let losses: Vec<[f64; 2]> =
            acceptable.iter().map(|&[x, y]| [loss(directions[0], x), loss(directions[1], y)]).collect();
        let plot = ParetoPlot {
            title: title(run.experiment(), trials.len()),
            x: axis(x_metric),
            y: axis(y_metric),
            directions,
            front: front(&losses).into_iter().map(|index| acceptable[index]).collect(),
            acceptable,
            unacceptable: points(|trial| {
                trial.judgement.losses().is_some() && trial.judgement.accepted().is_none()
            }),
            infeasible: trials.iter().filter(|trial| trial.outcome.metrics().is_none()).count(),
            caption: caption(run.experiment()),
            reference: None,
        };
        Ok(Self { name: PARETO, plot: Box::new(plot) })
    }

    /// The best acceptable value of an objective after so many trials, one line for each run.
    pub(crate) fn progress(runs: &[(String, &Run)], objective: &str) -> Result<Self, Failure> {
        let mut series = Vec::new();
        for (name, run) in runs {
            let points = incumbents(run, objective)?;
            if points.is_empty() {
                let error = PlotError::NoAcceptableDesign { trials: run.trials().len() };
                return Err(Failure::bad_input(error).context(format!("{name}: no progress to show")));
            }
            series.push(Series { name: name.clone(), points, band: Vec::new() });
        }
        let Some((_, first)) = runs.first() else {
            return Err(Failure::bad_input(anyhow::anyhow!("no run to plot")));
        };
        let experiment = first.experiment();
        let (_, metric) = metric(experiment.problem(), objective)?;
        let env = shared(runs, |run| run.experiment().spec().env.id.clone());
        let env = env.map_or_else(String::new, |env| format!("{env}: "));
        let chart = LineChart {
            title: format!("{env}best {} so far", label(metric)),
            x: Axis::new("designs evaluated", "").linear(),
            y: axis(metric),
            series,
            caption: shared(runs, |run| caption(run.experiment())).unwrap_or_default(),
            ..LineChart::default()
        };
        Ok(Self { name: PROGRESS, plot: Box::new(chart) })
    }

    /// Writes it as SVG and PNG beside `stem`, which has no extension.
    pub(crate) fn write(&self, stem: &Path) -> Result<[PathBuf; 2], Failure> {
        Ok(self.plot.write(stem)?)
    }
}

impl From<PlotError> for Failure {
    fn from(error: PlotError) -> Self {
        match error {
            PlotError::NoAcceptableDesign { .. } => {
                Self::bad_input(error).hint("loosen the constraints, or search for longer")
            }
            PlotError::File { .. } => Self::failed(error).hint("choose a place that can be written to"),
            _ => Self::failed(error),
        }
    }
}

/// What all runs have in common; nothing if they differ.
fn shared(runs: &[(String, &Run)], of: impl Fn(&Run) -> String) -> Option<String> {
    let mut texts = runs.iter().map(|(_, run)| of(run));
    let first = texts.next()?;
    texts.all(|text| text == first).then_some(first)
}

/// The steps of the best acceptable value, and the value at the end.
fn incumbents(run: &Run, objective: &str) -> Result<Vec<[f64; 2]>, Failure> {
    let problem = run.experiment().problem();
    let position = problem.objectives().iter().position(|known| known.metric == objective);
    let Some(index) = position else {
        let known = || problem.objectives().iter().map(|objective| objective.metric.as_str());
        return Err(unknown_metric("objective", objective, known()));
    };
    let mut best = f64::INFINITY;
    let mut points = Vec::new();
    let trials = run.trials();
    for (number, trial) in (1..).zip(trials) {
        if let Some(losses) = trial.judgement.accepted()
            && losses[index] < best
        {
            best = losses[index];
            points.push([f64::from(number), problem.objective_value(index, best)]);
        }
    }
    if let Some(&[number, value]) = points.last()
        && number < trials.len() as f64
    {
        points.push([trials.len() as f64, value]);
    }
    Ok(points)
}

/// The index and the row of the metric called `name`.
fn metric<'a>(problem: &'a Problem, name: &str) -> Result<(usize, &'a Metric), Failure> {
    let found = problem.metrics().iter().enumerate().find(|(_, metric)| metric.name == name);
    found.ok_or_else(|| {
        unknown_metric("metric", name, problem.metrics().iter().map(|metric| metric.name.as_str()))
    })
}

fn unknown_metric<'a>(
    kind: &'static str,
    got: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Failure {
    let suggestion = tapeout::core::names::suggestion(&nearest_name(got, known.clone()));
    let known: Vec<&str> = known.collect();
    Failure::bad_input(anyhow::anyhow!("unknown {kind} `{got}`{suggestion}"))
        .hint(format!("this run has {}", known.join(", ")))
}

/// Which way a metric is to go: down, unless it is an objective that is to go up.
fn direction(problem: &Problem, name: &str) -> Direction {
    let objective = problem.objectives().iter().find(|objective| objective.metric == name);
    objective.map_or(Direction::Minimize, |objective| objective.direction)
}

fn axis(metric: &Metric) -> Axis {
    Axis::new(&label(metric), &metric.unit)
}

/// A metric's name without its unit, which stands on the axis: `latency_s` is `latency`.
fn label(metric: &Metric) -> String {
    let unit = metric.unit.to_lowercase().replace('²', "2").replace('^', "").replace('/', "_per_");
    let name = match metric.name.strip_suffix(&unit) {
        Some(name) if !unit.is_empty() => name.strip_suffix('_').unwrap_or(&metric.name),
        _ => &metric.name,
    };
    name.replace('_', " ")
}

fn title(experiment: &Experiment, trials: usize) -> String {
    let spec = experiment.spec();
    format!("{}: {} designs by {}", spec.env.id, usize_count(trials), spec.agent.id)
}

/// The constraints, and the settings of the environment as far as they fit on a line.
fn caption(experiment: &Experiment) -> String {
    /// Letters that leave room on a line for the share of infeasible designs.
    const LETTERS: usize = 70;
    let limits = experiment.problem().constraints().iter().map(ToString::to_string);
    let config = experiment.spec().env.config.iter();
    let is_set = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    let settings = config.filter(|(_, value)| is_set(value)).map(|(key, value)| format!("{key} = {value}"));
    let mut length = 0;
    let fitting = limits.chain(settings).take_while(|part| {
        length += part.len();
        length <= LETTERS
    });
    let caption = fitting.collect::<Vec<_>>().join("; ");
    if caption.is_empty() { caption } else { format!("{caption}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_name_without_its_unit() {
        for (name, unit, text) in [
            ("latency_s", "s", "latency"),
            ("area_m2", "m²", "area"),
            ("energy_j", "J", "energy"),
            ("throughput_op_per_s", "op/s", "throughput"),
            ("utilization", "", "utilization"),
            ("passes", "s", "passes"),
        ] {
            assert_eq!(label(&Metric::new(name, unit, "")), text);
        }
    }
}
