//! What the learners learn, on toys whose truth is known.

use serde_json::Value;
use tapeout_core::check::toy::Toy;
use tapeout_core::{
    Design, DesignSpace, Env, EqualLevelsText, Goal, LearnerEntry, Metric, Objective, Outcome, Parameter,
    Problem, Seed, Surrogate, TrainingData, Trial, WorkloadContext, WorkloadTrials,
};
use tapeout_surrogates::LEARNERS;
use tapeout_surrogates::errors::{brier_score, kendall_tau, log_scale_error, relative_rmse};

use super::short_training;

const N_TRAIN: usize = 400;
const N_UNSEEN: usize = 400;

/// The learners that are for prediction everywhere, and by what factor each is better than the mean on the bowl: its root mean
/// square error, and its Brier score. Chance has no part in the error of the mean over 400 designs beyond some 5 %.
const LEARNED: &[(&str, f64, f64)] = &[
    ("ridge", 1.5, 1.1),
    ("k-nearest", 1.2, 1.1),
    ("svr", 1.5, 1.1),
    ("random-forest", 2.5, 5.0),
    ("boosted-trees", 4.0, 5.0),
    ("gaussian-process", 10.0, 15.0),
    ("mlp-ensemble", 3.0, 2.5),
];

fn entry(id: &str) -> &'static LearnerEntry {
    LEARNERS.iter().find(|entry| entry.id == id).expect("a learner of this crate")
}

fn designs(toy: &Toy, n: usize, seed: u64) -> Vec<Design> {
    let mut rng = Seed::new(seed).stream("designs");
    (0..n).map(|_| toy.space().sample(&mut rng)).collect()
}

fn trials(toy: &Toy, designs: &[Design], factor: f64) -> Vec<Trial> {
    let trial = |design: &Design| {
        let outcome = match toy.evaluate(design).expect("toys never fail") {
            Outcome::Measured(metrics) => {
                Outcome::Measured(metrics.iter().map(|value| factor * value).collect())
            }
            other => other,
        };
        toy.problem().trial(design.clone(), outcome)
    };
    designs.iter().map(trial).collect()
}

fn fit(id: &str, toy: &Toy, data: &TrainingData) -> Box<dyn Surrogate> {
    let learner = entry(id).build(&toy.problem(), &Value::Null).expect("defaults are good");
    learner.fit(data, Seed::new(0)).expect("trials are many")
}

/// The row of a learner; each has tests of its own below, which fail by its name and run beside the others.
fn learned(id: &str) -> (f64, f64) {
    let row = LEARNED.iter().find(|row| row.0 == id).expect("a learner of the list");
    (row.1, row.2)
}

#[test]
fn every_learner_of_the_list_has_its_tests() {
    for (id, ..) in LEARNED {
        for claim in ["beats_predicting_the_mean", "tells_workloads_apart_by_their_context"] {
            let call = format!("    {claim}(\"{id}\");");
            assert!(include_str!("learning.rs").contains(&call), "{id} {claim}");
        }
    }
}

fn beats_predicting_the_mean(id: &str) {
    let (of_metric, of_feasibility) = learned(id);
    let toy = Toy::bowl();
    let data = TrainingData::of_trials(trials(&toy, &designs(&toy, N_TRAIN, 0), 1.0));
    let unseen = designs(&toy, N_UNSEEN, 1);
    let truth = trials(&toy, &unseen, 1.0);
    let predicted = fit(id, &toy, &data).predict(&[], &unseen);
    let (mut means, mut spreads, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (index, trial) in truth.iter().enumerate() {
        let Some(metrics) = trial.outcome.metrics() else { continue };
        values.push(metrics[0]);
        means.push(predicted.mean[index][0]);
        spreads.push(predicted.std.as_ref().expect("learners of the list have a spread")[index][0]);
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let gain = relative_rmse(&vec![mean; values.len()], &values) / relative_rmse(&means, &values);
    let is_feasible: Vec<bool> = truth.iter().map(|trial| trial.outcome.metrics().is_some()).collect();
    let share = values.len() as f64 / N_UNSEEN as f64;
    let brier_gain =
        brier_score(&[share; N_UNSEEN], &is_feasible) / brier_score(&predicted.p_feasible, &is_feasible);
    // Without any relation tau has standard deviation sqrt(2 (2n + 5) / (9 n (n - 1))), here 0.038.
    let errors: Vec<f64> = means.iter().zip(&values).map(|(mean, value)| (mean - value).abs()).collect();
    let tau = kendall_tau(&spreads, &errors);
    assert!(tau > 0.05, "{id}: spread and error are related by {tau}");
    assert!(gain >= of_metric, "{id}: {gain} times better than the mean");
    assert!(brier_gain >= of_feasibility, "{id}: {brier_gain} times better than the share");
}

/// Metrics eight times as large for the second workload: a model that did not see the context would be off by a factor of
/// sqrt 8 = 2.8 for both. The designs are not the same for both, so that none is looked up.
fn tells_workloads_apart_by_their_context(id: &str) {
    let toy = Toy::tradeoff();
    let group = |index: u64, factor| WorkloadTrials {
        workload: WorkloadContext { name: index.to_string(), context: vec![index as f64] },
        trials: trials(&toy, &designs(&toy, N_TRAIN, 2 + index), factor),
    };
    let data = TrainingData::new(vec!["size".to_owned()], vec![group(0, 1.0), group(1, 8.0)], Vec::new())
        .expect("the context has a name");
    let unseen = designs(&toy, N_UNSEEN, 5);
    let model = fit(id, &toy, &data);
    for (context, factor) in [(0.0, 1.0), (1.0, 8.0)] {
        let predicted = model.predict(&[context], &unseen);
        let truth = trials(&toy, &unseen, factor);
        for metric in 0..2 {
            let truth: Vec<f64> = truth
                .iter()
                .map(|trial| trial.outcome.metrics().expect("all is feasible there")[metric])
                .collect();
            let mean: Vec<f64> = predicted.mean.iter().map(|row| row[metric]).collect();
            let error = log_scale_error(&mean, &truth);
            assert!(error < 0.35, "{id}, workload {context}, metric {metric}: {error}");
        }
    }
}

/// Law: a model does not depend on how many threads fitted it.
#[test]
fn one_thread_fits_what_two_do() {
    let toy = Toy::bowl();
    let data = TrainingData::of_trials(trials(&toy, &designs(&toy, 100, 0), 1.0));
    for entry in LEARNERS {
        let learner = entry.build(&toy.problem(), &short_training(entry.id)).unwrap();
        let saved = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| learner.fit(&data, Seed::new(3)).unwrap().save())
        };
        assert!(saved(1) == saved(2), "{}", entry.id);
    }
}

#[test]
fn random_forest_beats_predicting_the_mean() {
    beats_predicting_the_mean("random-forest");
}

#[test]
fn boosted_trees_beats_predicting_the_mean() {
    beats_predicting_the_mean("boosted-trees");
}

#[test]
fn gaussian_process_beats_predicting_the_mean() {
    beats_predicting_the_mean("gaussian-process");
}

#[test]
fn mlp_ensemble_beats_predicting_the_mean() {
    beats_predicting_the_mean("mlp-ensemble");
}

#[test]
fn random_forest_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("random-forest");
}

#[test]
fn boosted_trees_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("boosted-trees");
}

#[test]
fn gaussian_process_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("gaussian-process");
}

#[test]
fn mlp_ensemble_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("mlp-ensemble");
}

#[test]
fn ridge_beats_predicting_the_mean() {
    beats_predicting_the_mean("ridge");
}

#[test]
fn ridge_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("ridge");
}

#[test]
fn k_nearest_beats_predicting_the_mean() {
    beats_predicting_the_mean("k-nearest");
}

#[test]
fn k_nearest_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("k-nearest");
}

#[test]
fn svr_beats_predicting_the_mean() {
    beats_predicting_the_mean("svr");
}

#[test]
fn svr_tells_workloads_apart_by_their_context() {
    tells_workloads_apart_by_their_context("svr");
}

/// A time that is one over the product of three sizes, of 8 levels each, and limited from below by a fourth: learned from 300 designs, held
/// against 300 others. A split of a tree tells one size apart; one of the product tells the time apart.
#[test]
fn a_product_that_is_known_to_matter_is_learned_from() {
    let size = |name: &str| Parameter::power_of_two(name, 1, 128);
    let parameters = vec![size("rows"), size("columns"), size("lanes"), size("bandwidth")];
    let plain = DesignSpace::new(parameters, Vec::new()).unwrap();
    let with = plain.with_product("units", &["rows", "columns", "lanes"], "all of them").unwrap();
    let time = |design: &Design| {
        let size = |index: usize| f64::from(design.levels()[index]).exp2();
        (1.0 / (size(0) * size(1) * size(2))).max(1e-4 / size(3))
    };
    let error = |id: &str, space: &DesignSpace| {
        let goal = Goal { objectives: vec![Objective::minimize("t")], constraints: Vec::new() };
        let problem = Problem::new(space.clone(), vec![Metric::new("t", "s", "time")], goal).unwrap();
        let mut rng = Seed::new(0).stream("designs");
        let mut draw = || (0..300).map(|_| space.sample(&mut rng)).collect::<Vec<Design>>();
        let (seen, unseen) = (draw(), draw());
        let trial = |design: &Design| problem.trial(design.clone(), Outcome::Measured(vec![time(design)]));
        let data = TrainingData::of_trials(seen.iter().map(trial).collect());
        let learner = entry(id).build(&problem, &Value::Null).unwrap();
        let fitted = learner.fit(&data, Seed::new(0)).unwrap();
        let saved = fitted.save();
        let model = entry(id).load(space, &saved).unwrap();
        let said: Vec<f64> = model.predict(&[], &unseen).mean.iter().map(|means| means[0]).collect();
        log_scale_error(&said, &unseen.iter().map(time).collect::<Vec<f64>>())
    };
    // A Gaussian process learns a sum of logarithms well by itself.
    for (id, share) in [("random-forest", 0.5), ("boosted-trees", 0.5), ("gaussian-process", 0.9)] {
        let (plain, with) = (error(id, &plain), error(id, &with));
        assert!(with < share * plain, "{id}: {with} with the product, {plain} without");
    }
}

/// A limit of 64 levels counts with an arbiter that limits, and not with another: learned from 200 designs, held against others where it does not
/// count, which are half of 300. Of designs
/// that are stated to be equal every model says the same, as it is and read from a file.
#[test]
fn levels_that_are_known_to_be_equal_are_learned_as_one() {
    let parameters = vec![
        Parameter::categorical("arbiter", &["simple", "fifo"]),
        Parameter::integer("limit", 1, 64),
        Parameter::power_of_two("size", 1, 128),
    ];
    let plain = DesignSpace::new(parameters, Vec::new()).unwrap();
    let stated = [EqualLevelsText::without_effect("limit", "arbiter", &["simple"])];
    let with = plain.with_equal_levels(&stated).unwrap();
    let time = |design: &Design| {
        let levels = design.levels();
        let waiting = if levels[0] == 1 { f64::from(64 - levels[1]) } else { 0.0 };
        f64::from(levels[2]).exp2() * (1.0 + 0.1 * waiting)
    };
    let model = |id: &str, space: &DesignSpace| {
        let goal = Goal { objectives: vec![Objective::minimize("t")], constraints: Vec::new() };
        let problem = Problem::new(space.clone(), vec![Metric::new("t", "s", "time")], goal).unwrap();
        let mut rng = Seed::new(0).stream("designs");
        let trial = |design: Design| {
            let outcome = Outcome::Measured(vec![time(&design)]);
            problem.trial(design, outcome)
        };
        let data = TrainingData::of_trials((0..200).map(|_| trial(space.sample(&mut rng))).collect());
        let learner = entry(id).build(&problem, &Value::Null).unwrap();
        let fitted = learner.fit(&data, Seed::new(0)).unwrap();
        let loaded = entry(id).load(space, &fitted.save()).unwrap();
        let unseen = (0..300).map(|_| space.sample(&mut rng)).filter(|design| design.levels()[0] == 0);
        let unseen: Vec<Design> = unseen.collect();
        let truth: Vec<f64> = unseen.iter().map(time).collect();
        let said = |model: &dyn Surrogate, designs: &[Design]| -> Vec<f64> {
            model.predict(&[], designs).mean.iter().map(|means| means[0]).collect()
        };
        let equal: Vec<Design> = (0..64).map(|limit| space.design(&[0, limit, 3]).unwrap()).collect();
        let of_equal = said(fitted.as_ref(), &equal);
        assert_eq!(said(loaded.as_ref(), &equal), of_equal, "{id}");
        (
            log_scale_error(&said(fitted.as_ref(), &unseen), &truth),
            of_equal.iter().all(|it| *it == of_equal[0]),
        )
    };
    for (id, share) in [("random-forest", 0.8), ("boosted-trees", 0.8), ("gaussian-process", 0.8)] {
        let ((plain, _), (with, is_same)) = (model(id, &plain), model(id, &with));
        assert!(is_same, "{id}");
        assert!(with < share * plain, "{id}: {with} with equal levels, {plain} without");
    }
}
