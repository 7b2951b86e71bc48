//! Which parameters a model's word depends on.
//!
//! Source: Fisher, Rudin & Dominici (2019), "All models are wrong, but many are useful", JMLR 20(177), arXiv:1801.01489: the error
//! that is added when one input is shuffled. Departs from it: levels are shuffled among the rows of a workload, and rows that would
//! be no legal designs keep theirs.

use rand::seq::SliceRandom;
use tapeout_core::{Design, Problem, Seed, Surrogate};
use tapeout_experiment::dataset::Dataset;
use tapeout_surrogates::targets::TargetScale;

/// Rows that are asked about. Ours: enough for two digits.
const MOST_ROWS: usize = 2_000;

/// For each parameter with a choice the error added when it is shuffled, in standard deviations of the first objective (of its
/// logarithm, if it is positive), the largest first.
pub fn importance(
    surrogate: &dyn Surrogate,
    dataset: &Dataset,
    problem: &Problem,
    rows: &[usize],
    seed: Seed,
) -> Vec<(String, f64)> {
    let metric = dataset.metric_index(&problem.objective_metric(0).name);
    let metric = metric.expect("invariant: an objective is a metric");
    let mut measured: Vec<usize> =
        rows.iter().copied().filter(|&row| dataset.rows()[row].is_feasible()).collect();
    let mut rng = seed.stream("importance");
    let (measured, _) = measured.partial_shuffle(&mut rng, MOST_ROWS);
    let truth = |row: usize| dataset.rows()[row].outcome.metrics().map_or(0.0, |metrics| metrics[metric]);
    let scale = TargetScale::of(&measured.iter().map(|&row| truth(row)).collect::<Vec<f64>>());
    let mut by_workload: Vec<Vec<usize>> = vec![Vec::new(); dataset.workloads().len()];
    measured.iter().for_each(|&row| by_workload[dataset.rows()[row].workload].push(row));
    let error = |designs: &dyn Fn(&[usize]) -> Vec<Design>| -> f64 {
        let of_workload = |(index, rows): (usize, &Vec<usize>)| -> f64 {
            let context: Vec<f64> = dataset.workloads()[index].context.iter().map(|it| it.value).collect();
            let expected = surrogate.predict(&context, &designs(rows)).mean;
            let errors = rows.iter().zip(expected);
            errors.map(|(&row, mean)| (scale.target(truth(row)) - scale.target(mean[metric])).abs()).sum()
        };
        let asked = by_workload.iter().enumerate().filter(|(_, rows)| !rows.is_empty());
        asked.map(of_workload).sum::<f64>() / measured.len().max(1) as f64
    };
    let design = |row: usize| dataset.rows()[row].design.clone();
    let plain = error(&|rows| rows.iter().map(|&row| design(row)).collect());
    let space = dataset.space();
    let added = |(index, name): (usize, &str)| {
        let shuffled = |rows: &[usize]| -> Vec<Design> {
            let mut from = rows.to_vec();
            from.shuffle(&mut seed.child(name, index as u64).stream("shuffle"));
            let with_level_of = |(&row, &other): (&usize, &usize)| {
                let mut levels = design(row).levels().to_vec();
                levels[index] = dataset.rows()[other].design.levels()[index];
                space.design(&levels).unwrap_or_else(|_| design(row))
            };
            rows.iter().zip(&from).map(with_level_of).collect()
        };
        (name.to_owned(), error(&shuffled) - plain)
    };
    let has_choice = space.parameters().iter().enumerate().filter(|(_, it)| it.n_levels() > 1);
    let mut importance: Vec<(String, f64)> =
        has_choice.map(|(index, it)| added((index, it.name()))).collect();
    importance.sort_by(|a, b| b.1.total_cmp(&a.1));
    importance
}
