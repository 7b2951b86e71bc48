//! A learned model in the simulator's place.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tapeout::core::{BuildEnv, Catalog, Design, Env, Outcome, Problem, Seed, TrainingData, Trial};
use tapeout::envs::{DramController, DramControllerConfig, DramSpace};

use crate::Failed;
use crate::plan::WORKLOADS;

/// Learners that are tried, and what is set of them.
const LEARNERS: [(&str, &str); 3] =
    [("random-forest", "{}"), ("random-forest", r#"{"bootstrap":false}"#), ("boosted-trees", "{}")];

/// Metrics that errors are stated of.
const METRICS: [&str; 3] = ["time_s", "energy_j", "latency_mean_s"];

/// How a model did on one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelErrors {
    /// The traffic.
    pub workload: String,
    /// The learner, and what was set of it.
    pub learner: String,
    /// Root mean square of the relative errors of time, energy and mean latency on the designs left out.
    pub errors: [f64; 3],
}

/// Fits models to four fifths of `n` different designs of each workload, and asks them about the rest.
///
/// Designs that are provably equal are one here, so that none of them is on both sides.
///
/// # Errors
/// Whatever goes wrong.
pub fn learned(catalog: &Catalog, n: usize) -> Result<Vec<ModelErrors>, Failed> {
    let mut all = Vec::new();
    for workload in WORKLOADS {
        let config = DramControllerConfig {
            workload: workload.to_owned(),
            space: DramSpace::Powers,
            ..Default::default()
        };
        let env = DramController::build(config)?;
        let designs = different(&env, n)?;
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), env.default_goal())?;
        let trial = |design: &Design| -> Result<Trial, Failed> {
            let outcome = env.evaluate(design)?;
            Ok(Trial { design: design.clone(), judgement: problem.judge(&outcome), outcome })
        };
        let trials: Vec<Trial> = designs.iter().map(trial).collect::<Result<_, Failed>>()?;
        let (train, test) = trials.split_at(4 * n / 5);
        for learner in LEARNERS {
            all.push(fitted(catalog, &env, (workload, learner), train, test)?);
        }
    }
    Ok(all)
}

/// Draws in a row that may bring nothing new. Ours: with one different design in a hundred left, all miss once in 20,000 times.
const MOST_MISSES: usize = 1000;

/// Random designs with refreshes, no two of which are provably equal.
fn different(env: &DramController, n: usize) -> Result<Vec<Design>, Failed> {
    let (mut seen, mut designs) = (BTreeSet::new(), Vec::new());
    let mut rng = Seed::new(0).stream("designs");
    let mut misses = 0;
    while designs.len() < n {
        if misses > MOST_MISSES {
            return Err(format!("{n} different designs are wanted, {} were found", designs.len()).into());
        }
        misses += 1;
        let design = env.space().sample(&mut rng);
        if env.precheck(&design).is_none() && seen.insert(env.setting(&design)) {
            designs.push(design);
            misses = 0;
        }
    }
    Ok(designs)
}

fn fitted(
    catalog: &Catalog,
    env: &DramController,
    (workload, (name, settings)): (&str, (&str, &str)),
    train: &[Trial],
    test: &[Trial],
) -> Result<ModelErrors, Failed> {
    let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), env.default_goal())?;
    let learner = catalog.learner(name)?.build(&problem, &serde_json::from_str(settings)?)?;
    let model = learner.fit(&TrainingData::of_trials(train.to_vec()), Seed::new(0))?;
    let designs: Vec<Design> = test.iter().map(|trial| trial.design.clone()).collect();
    let predicted = model.predict(&[], &designs).mean;
    let errors = METRICS.map(|metric| {
        let column = env.metrics().iter().position(|known| known.name == metric).unwrap_or(0);
        let square = |(trial, row): (&Trial, &Vec<f64>)| match &trial.outcome {
            Outcome::Measured(metrics) => (row[column] / metrics[column] - 1.0).powi(2),
            Outcome::Infeasible { .. } | Outcome::Failed { .. } => 0.0,
        };
        (test.iter().zip(&predicted).map(square).sum::<f64>() / test.len() as f64).sqrt()
    });
    let learner = if settings == "{}" { name.to_owned() } else { format!("{name} {settings}") };
    let workload = workload.to_owned();
    Ok(ModelErrors { workload, learner, errors })
}
