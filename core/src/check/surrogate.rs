//! The conformance check of learners and what they fit.

use serde_json::{Value, json};

use super::Findings;
use super::toy::Toy;
use crate::catalog::LearnerEntry;
use crate::env::Env;
use crate::outcome::Outcome;
use crate::problem::Problem;
use crate::saved::Saved;
use crate::seed::Seed;
use crate::space::Design;
use crate::surrogate::{Prediction, Surrogate, TrainingData, WorkloadContext, WorkloadTrials};
use crate::trial::Trial;

/// How many designs are learned from, and how many are predicted.
const SAMPLES: usize = 200;

/// The problem on which a learner is fitted twice; it has infeasible designs, so all parts of a model are fitted.
const REFITTED: &str = "a plain problem";

/// Checks that a learner with these hyperparameters (`Value::Null`: its defaults) keeps its contract, on toy problems of every kind.
///
/// # Errors
/// [`Findings`]: every departure, with how to mend it.
pub fn check_surrogate(entry: &LearnerEntry, hyperparameters: &Value) -> Result<(), Findings> {
    let mut findings = Findings::default();
    findings.require(
        entry.build(&Toy::bowl().problem(), &json!({ "no-such-setting": 1 })).is_err(),
        || "a hyperparameter that does not exist is accepted".to_owned(),
        "put #[serde(deny_unknown_fields)] on the settings",
    );
    for (name, toy, workloads) in [
        (REFITTED, Toy::bowl(), &[("", &[][..], 1.0)][..]),
        ("two metrics", Toy::tradeoff(), &[("", &[], 1.0)]),
        ("a space tied by rules", Toy::tied(), &[("", &[], 1.0)]),
        ("two workloads", Toy::tradeoff(), &[("small", &[0.0, 7.0], 1.0), ("large", &[3.0, 7.0], 8.0)]),
    ] {
        check_on((entry, hyperparameters), &toy, workloads, name, &mut findings);
    }
    findings.into_result()
}

/// A workload of a toy: name, context, and by how much its metrics are larger.
type ToyWorkload<'a> = (&'a str, &'a [f64], f64);

fn check_on(
    (entry, hyperparameters): (&LearnerEntry, &Value),
    toy: &Toy,
    workloads: &[ToyWorkload<'_>],
    name: &str,
    findings: &mut Findings,
) {
    let problem = toy.problem();
    let learner = match entry.build(&problem, hyperparameters) {
        Ok(learner) => learner,
        Err(error) => {
            let seen = || format!("on {name}, its configuration is refused: {error}");
            findings.require(false, seen, "give every hyperparameter a default that works on any problem");
            return;
        }
    };
    let data = training_data(toy, &problem, workloads);
    let Ok(model) = learner.fit(&data, Seed::new(5)) else {
        let seen = || format!("on {name}, {SAMPLES} trials could not be learned from");
        findings.require(false, seen, "fit whatever a few hundred trials allow");
        return;
    };
    let mut rng = Seed::new(1).stream("check_surrogate");
    let unseen: Vec<Design> = (0..SAMPLES).map(|_| toy.space().sample(&mut rng)).collect();
    let mut contexts: Vec<Vec<f64>> = workloads.iter().map(|(_, context, _)| context.to_vec()).collect();
    contexts.push(workloads[0].1.iter().map(|value| value + 1.5).collect()); // of no workload learned from
    for context in &contexts {
        let prediction = model.predict(context, &unseen);
        check_shapes(&prediction, unseen.len(), problem.metrics().len(), name, findings);
        check_alone(model.as_ref(), context, &unseen, &prediction, name, findings);
    }
    check_shapes(&model.predict(&contexts[0], &[]), 0, problem.metrics().len(), name, findings);
    check_saving(entry, toy, model.as_ref(), (&contexts[0], &unseen), name, findings);
    if name == REFITTED {
        let seen = || format!("on {name}, two fits with one seed give different models");
        let is_same = learner.fit(&data, Seed::new(5)).is_ok_and(|again| again.save() == model.save());
        findings.require(is_same, seen, "draw all randomness from the seed, and reduce in a fixed order");
    }
    let seen = || format!("on {name}, a learner made something of no trials at all");
    let nothing = TrainingData::of_trials(Vec::new());
    findings.require(learner.fit(&nothing, Seed::new(5)).is_err(), seen, "return FitError::TooFew");
}

fn training_data(toy: &Toy, problem: &Problem, workloads: &[ToyWorkload<'_>]) -> TrainingData {
    let mut rng = Seed::new(0).stream("check_surrogate");
    let mut groups = |n: usize| -> Vec<WorkloadTrials> {
        let mut trial = |factor: f64| -> Trial {
            let design = toy.space().sample(&mut rng);
            let outcome = match toy.evaluate(&design).expect("toys never fail") {
                Outcome::Measured(metrics) => {
                    Outcome::Measured(metrics.iter().map(|value| value * factor).collect())
                }
                other => other,
            };
            problem.trial(design, outcome)
        };
        let mut group = |&(name, context, factor): &ToyWorkload<'_>| WorkloadTrials {
            workload: WorkloadContext { name: name.to_owned(), context: context.to_vec() },
            trials: (0..n).map(|_| trial(factor)).collect(),
        };
        workloads.iter().map(&mut group).collect()
    };
    let (train, validation) = (groups(SAMPLES), groups(SAMPLES / 4));
    let context_names = (0..workloads[0].1.len()).map(|index| format!("feature_{index}")).collect();
    TrainingData::new(context_names, train, validation).expect("the toys' contexts have names")
}

fn check_shapes(prediction: &Prediction, n: usize, k: usize, name: &str, findings: &mut Findings) {
    let is_shaped = |rows: &[Vec<f64>]| rows.len() == n && rows.iter().all(|row| row.len() == k);
    let is_finite = |rows: &[Vec<f64>]| rows.iter().flatten().all(|value| value.is_finite());
    let seen = || format!("on {name}, the mean is not of shape [{n}][{k}]");
    findings.require(is_shaped(&prediction.mean), seen, "predict every metric of every design");
    let seen = || format!("on {name}, a mean is not finite");
    findings.require(is_finite(&prediction.mean), seen, "predict a finite number everywhere");
    if let Some(std) = &prediction.std {
        let seen = || format!("on {name}, a standard deviation is missing, negative or not finite");
        let is_spread = is_shaped(std) && is_finite(std) && std.iter().flatten().all(|&value| value >= 0.0);
        findings.require(is_spread, seen, "give one for every mean, or return None");
    }
    let p = &prediction.p_feasible;
    let seen = || format!("on {name}, p_feasible is not {n} numbers in [0, 1]");
    let is_probability = p.len() == n && p.iter().all(|p| (0.0..=1.0).contains(p));
    findings.require(is_probability, seen, "give one probability for each design");
}

fn check_alone(
    model: &dyn Surrogate,
    context: &[f64],
    designs: &[Design],
    together: &Prediction,
    name: &str,
    findings: &mut Findings,
) {
    let alone = model.predict(context, &designs[..1]);
    let is_same = alone.mean.first() == together.mean.first()
        && alone.p_feasible.first() == together.p_feasible.first();
    let seen = || format!("on {name}, a design is predicted differently alone and in a batch");
    findings.require(is_same, seen, "predict each design by itself");
}

fn check_saving(
    entry: &LearnerEntry,
    toy: &Toy,
    model: &dyn Surrogate,
    (context, designs): (&[f64], &[Design]),
    name: &str,
    findings: &mut Findings,
) {
    let saved = model.save();
    let seen = || format!("on {name}, a model says that it was saved by `{}`", saved.learner);
    findings.require(saved.learner == entry.id, seen, "save with the learner's ID");
    match entry.load(toy.space(), &saved) {
        Ok(loaded) => {
            let seen = || format!("on {name}, a model predicts differently after it was saved and loaded");
            let is_same = loaded.predict(context, designs) == model.predict(context, designs);
            findings.require(is_same, seen, "save all that a prediction depends on");
        }
        Err(error) => {
            let seen = || format!("on {name}, what was saved cannot be loaded: {error}");
            findings.require(false, seen, "load what the same version saves");
        }
    }
    let half = saved.payload[..saved.payload.len() / 2].to_vec();
    let damaged = Saved { payload: half, ..saved };
    let seen = || format!("on {name}, half of a saved model is loaded as if it were whole");
    findings.require(entry.load(toy.space(), &damaged).is_err(), seen, "return LoadError::Corrupt");
}
