//! The conformance check of learners and what they fit.

use super::Findings;
use super::toy::Toy;
use crate::catalog::LearnerEntry;
use crate::env::Env;
use crate::outcome::Trial;
use crate::seed::Seed;
use crate::space::Design;
use crate::surrogate::{Prediction, Surrogate};

/// How many designs are learned from, and how many are predicted.
const SAMPLES: usize = 200;

/// Checks that a learner keeps its contract, on toy problems of every kind.
///
/// # Errors
/// [`Findings`]: every departure, with how to mend it.
pub fn check_surrogate(entry: &LearnerEntry) -> Result<(), Findings> {
    let mut findings = Findings::default();
    for (name, toy) in [
        ("a plain problem", Toy::bowl()),
        ("two metrics", Toy::tradeoff()),
        ("a space tied by rules", Toy::tied()),
    ] {
        check_on(entry, &toy, name, &mut findings);
    }
    findings.into_result()
}

fn check_on(entry: &LearnerEntry, toy: &Toy, name: &str, findings: &mut Findings) {
    let problem = toy.problem();
    let learner = match entry.build(&problem, &serde_json::Value::Null) {
        Ok(learner) => learner,
        Err(error) => {
            let seen = || format!("on {name}, the default configuration is refused: {error}");
            findings.require(false, seen, "give every hyperparameter a default that works on any problem");
            return;
        }
    };
    let mut rng = Seed::new(0).stream("check_surrogate");
    let mut draw = || -> Vec<Design> { (0..SAMPLES).map(|_| toy.space().sample(&mut rng)).collect() };
    let outcome = |design: &Design| toy.evaluate(design).expect("toys never fail");
    let trials: Vec<Trial> =
        draw().into_iter().map(|design| problem.trial(design.clone(), outcome(&design))).collect();
    let unseen = draw();
    let mut models = (0..2).map(|_| learner.fit(&trials, Seed::new(5)));
    let (first, second) = (models.next(), models.next());
    let (Some(Ok(first)), Some(Ok(second))) = (first, second) else {
        let seen = || format!("on {name}, {SAMPLES} trials could not be learned from");
        findings.require(false, seen, "fit whatever a few hundred trials allow");
        return;
    };
    let prediction = first.predict(&unseen);
    check_shapes(&prediction, unseen.len(), problem.metrics().len(), name, findings);
    let seen = || format!("on {name}, two fits with one seed predict differently");
    findings.require(
        prediction == second.predict(&unseen),
        seen,
        "draw all randomness from the seed, and reduce in a fixed order",
    );
    check_alone(first.as_ref(), &unseen, &prediction, name, findings);
    let seen = || format!("on {name}, a learner made something of no trials at all");
    findings.require(learner.fit(&[], Seed::new(5)).is_err(), seen, "return FitError::TooFew");
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
    designs: &[Design],
    together: &Prediction,
    name: &str,
    findings: &mut Findings,
) {
    let alone = model.predict(&designs[..1]);
    let is_same = alone.mean.first() == together.mean.first()
        && alone.p_feasible.first() == together.p_feasible.first();
    let seen = || format!("on {name}, a design is predicted differently alone and in a batch");
    findings.require(is_same, seen, "predict each design by itself");
}
