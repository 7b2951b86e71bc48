//! What it takes to fit a learner with its defaults, and how wrong it is then: `-- TRIALS LEARNER...`.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench tells the time")]

use std::time::Instant;

use serde_json::Value;
use tapeout_core::check::toy::Toy;
use tapeout_core::{Design, Env, LearnerEntry, Seed, TrainingData, Trial};
use tapeout_surrogates::LEARNERS;
use tapeout_surrogates::errors::{brier_score, kendall_tau, relative_rmse};

const N_UNSEEN: usize = 2_000;
/// Trials where none are asked for, as few as do for a test of the bench.
const N_TRIALS: usize = 200;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let n_trials = arguments.first().and_then(|text| text.parse().ok()).unwrap_or(N_TRIALS);
    let toy = Toy::bowl();
    let mut rng = Seed::new(0).stream("bench");
    let mut trials = |n: usize| -> Vec<Trial> {
        let designs = (0..n).map(|_| toy.space().sample(&mut rng));
        designs
            .map(|design| {
                toy.problem().trial(design.clone(), toy.evaluate(&design).expect("toys never fail"))
            })
            .collect()
    };
    let (data, unseen) = (TrainingData::of_trials(trials(n_trials)), trials(N_UNSEEN));
    let is_asked = |entry: &&LearnerEntry| arguments.len() < 2 || arguments.contains(&entry.id.to_owned());
    for entry in LEARNERS.iter().filter(is_asked) {
        measure(entry, &toy, &data, &unseen);
    }
}

fn measure(entry: &LearnerEntry, toy: &Toy, data: &TrainingData, unseen: &[Trial]) {
    let learner = entry.build(&toy.problem(), &Value::Null).expect("defaults are good");
    let start = Instant::now();
    let model = learner.fit(data, Seed::new(0)).expect("trials are many");
    let fit_s = start.elapsed().as_secs_f64();
    let designs: Vec<Design> = unseen.iter().map(|trial| trial.design.clone()).collect();
    let start = Instant::now();
    let predicted = model.predict(&[], &designs);
    let predict_us = start.elapsed().as_secs_f64() * 1e6 / designs.len() as f64;
    let measured = unseen.iter().zip(&predicted.mean);
    let (means, truth): (Vec<f64>, Vec<f64>) =
        measured.filter_map(|(trial, mean)| Some((mean[0], trial.outcome.metrics()?[0]))).unzip();
    let is_feasible: Vec<bool> = unseen.iter().map(|trial| trial.outcome.metrics().is_some()).collect();
    println!(
        "{}: fit {fit_s:.2} s, predict {predict_us:.0} us, RMSE {:.4}, tau {:.4}, Brier {:.4}, {} bytes",
        entry.id,
        relative_rmse(&means, &truth),
        kendall_tau(&means, &truth),
        brier_score(&predicted.p_feasible, &is_feasible),
        model.save().payload.len(),
    );
}
