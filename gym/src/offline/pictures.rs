//! Pictures of what a model is worth, and of what came of its promises.

use tapeout_core::Problem;
use tapeout_experiment::dataset::Dataset;
use tapeout_experiment::plot::{
    Axis, Bar, BarChart, LineChart, LineShape, Parity, ParityPlot, Picture, Series,
};
use tapeout_surrogates::errors::reliability;

use super::held_out::HeldOut;
use super::quality::BINS;
use super::{Proposals, Validation, Verdict};

/// What the model expected of rows that were held out, against what was logged, for the first objective.
pub fn held_out(dataset: &Dataset, problem: &Problem, said: &[HeldOut]) -> Picture {
    let metric = problem.objective_metric(0);
    let index = dataset.metric_index(&metric.name).expect("invariant: an objective is a metric");
    let pair = |it: &HeldOut| {
        Some(Parity {
            expected: it.mean[index],
            interval: None,
            truth: dataset.rows()[it.row].outcome.metrics()?[index],
        })
    };
    let axis = Axis::of(metric);
    let plot = ParityPlot {
        title: format!("{}: rows held out by blocks of levels", dataset.title()),
        x: Axis { label: format!("expected {}", axis.label), ..axis.clone() },
        y: Axis { label: format!("logged {}", axis.label), ..axis },
        pairs: said.iter().filter_map(pair).collect(),
        level: None,
        caption: String::new(),
    };
    Picture { name: "held-out".to_owned(), plot: Box::new(plot) }
}

/// Of the rows held out that were said to be feasible with 70 %, how many are.
pub fn calibration(dataset: &Dataset, said: &[HeldOut]) -> Picture {
    let p: Vec<f64> = said.iter().map(|it| it.p_feasible).collect();
    let is_feasible: Vec<bool> = said.iter().map(|it| dataset.rows()[it.row].is_feasible()).collect();
    let bins = if p.is_empty() { Vec::new() } else { reliability(&p, &is_feasible, BINS) };
    let series =
        |name: &str, points: Vec<[f64; 2]>| Series { name: name.to_owned(), points, ..Series::default() };
    let found = bins.iter().filter(|bin| bin.n > 0).map(|bin| [bin.mean_p, bin.share]).collect();
    let chart = LineChart {
        title: format!("{}: is what is said to be feasible feasible?", dataset.title()),
        x: Axis::new("said", "").linear(),
        y: Axis::new("share that is feasible", "").linear(),
        shape: LineShape::Straight,
        series: vec![series("perfect", vec![[0.0, 0.0], [1.0, 1.0]]), series("rows held out", found)],
        ..LineChart::default()
    };
    Picture { name: "calibration".to_owned(), plot: Box::new(chart) }
}

/// How much wronger the model is without each parameter.
pub fn importance(dataset: &Dataset, importance: &[(String, f64)]) -> Picture {
    let bar = |(name, error): &(String, f64)| Bar { name: name.clone(), parts: vec![error.max(0.0)] };
    let chart = BarChart {
        title: format!("{}: error added when a parameter is shuffled", dataset.title()),
        x: Axis::new("error added, in standard deviations of the objective", ""),
        parts: vec!["error".to_owned()],
        bars: importance.iter().map(bar).collect(),
        caption: String::new(),
    };
    Picture { name: "importance".to_owned(), plot: Box::new(chart) }
}

/// What was promised of the first objective of each proposal, against what was measured; none if nothing was.
pub fn validated(proposals: &Proposals, validation: &Validation) -> Option<Picture> {
    let name = &proposals.goal.objectives.first()?.metric;
    let index = validation.metrics.iter().position(|metric| metric.name == *name)?;
    let pairs = proposals.proposals.iter().zip(&validation.verdicts).filter_map(|(proposal, verdict)| {
        let Verdict::Measured { metrics, .. } = verdict else { return None };
        let interval = proposal.intervals.as_ref().and_then(|it| it.get(name));
        Some(Parity {
            expected: interval.map_or(*proposal.predicted.get(name)?, |it| it.middle),
            interval: interval.map(|it| [it.low, it.high]),
            truth: metrics[index],
        })
    });
    let pairs: Vec<Parity> = pairs.collect();
    let axis = Axis::of(&validation.metrics[index]);
    let logged = proposals.logged.as_ref().and_then(|it| it.measured.get(name));
    let plot = ParityPlot {
        title: format!("{} proposals by {}", proposals.proposals.len(), proposals.learner),
        x: Axis { label: format!("expected {}", axis.label), ..axis.clone() },
        y: Axis { label: format!("measured {}", axis.label), ..axis },
        level: logged.map(|&best| (best, "best logged design".to_owned())),
        caption: "intervals: nine in ten are to lie within".to_owned(),
        pairs,
    };
    (!plot.pairs.is_empty()).then(|| Picture { name: "validation".to_owned(), plot: Box::new(plot) })
}
