//! What the environment says of proposals: asked once, when all else is done.

use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;
use tapeout_core::{Catalog, Design, Env, Goal, Metric, Outcome, Problem, Trial};
use tapeout_experiment::EnvSpec;

use super::{OfflineError, Proposals, WeightedWorkload};

/// Proposals as their environment sees them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validation {
    /// How often the environment was asked.
    pub simulator_calls: usize,
    /// What it measures, shape `[k]`.
    pub metrics: Vec<Metric>,
    /// One for each proposal, in their order.
    pub verdicts: Vec<Verdict>,
}

/// What became of one proposal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Measured in all workloads.
    Measured {
        /// The weighted mean over workloads of each metric, shape `[k]`.
        metrics: Vec<f64>,
        /// Whether that is within every constraint of the goal.
        is_acceptable: bool,
    },
    /// Cannot be built, or cannot run one of them.
    Infeasible {
        /// The first workload it cannot run.
        workload: String,
        /// The rule it breaks.
        rule: String,
        /// By how much, in the rule's own measure.
        violation: f64,
    },
}

/// Asks the environment of each workload about designs; the goal is over the mean of what they measure.
pub struct Validator {
    env: EnvSpec,
    parts: Vec<(WeightedWorkload, Box<dyn Env>)>,
    problem: Problem,
}

/// A design that every workload's environment was asked about, until one found it infeasible.
pub struct Evaluated<'a> {
    /// The design with the weighted mean of each metric, or the first infeasibility.
    pub trial: Trial,
    /// The workload that it cannot run.
    pub broken_in: Option<&'a str>,
    /// How many environments were asked.
    pub calls: usize,
}

impl Validator {
    /// Builds the environment of every workload.
    ///
    /// # Errors
    /// [`OfflineError`] if there is no such environment, it has another version, a setting is refused, or the goal names a metric
    /// that it does not have.
    pub fn new(
        catalog: &Catalog,
        env: &EnvSpec,
        workloads: &[WeightedWorkload],
        goal: &Goal,
    ) -> Result<Self, OfflineError> {
        let entry = catalog.env(&env.id)?;
        if let Some(got) = env.version.filter(|&version| version != entry.version) {
            return Err(OfflineError::EnvVersion { env: env.id.clone(), got, expected: entry.version });
        }
        let build = |workload: &WeightedWorkload| -> Result<(WeightedWorkload, Box<dyn Env>), OfflineError> {
            let mut settings = env.config.clone();
            settings.extend(workload.settings.clone());
            let (built, _) = catalog.build_env(&env.id, &Value::Object(settings)).map_err(|error| {
                OfflineError::built(|| format!("environment `{}` for `{}`", env.id, workload.name), error)
            })?;
            Ok((workload.clone(), built))
        };
        let parts: Vec<(WeightedWorkload, Box<dyn Env>)> =
            workloads.iter().map(build).collect::<Result<_, _>>()?;
        let first = &parts.first().expect("invariant: there is a workload").1;
        let problem = Problem::new(first.space().clone(), first.metrics().to_vec(), goal.clone())?;
        Ok(Self { env: env.clone(), parts, problem })
    }

    /// The problem, over the weighted mean of each metric.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Asks every workload's environment about a design; infeasible if one of them finds it so.
    ///
    /// # Errors
    /// [`OfflineError::Evaluation`] if an environment fails.
    pub fn evaluate(&self, number: usize, design: &Design) -> Result<Evaluated<'_>, OfflineError> {
        let total: f64 = self.parts.iter().map(|(workload, _)| workload.weight).sum();
        let mut mean = vec![0.0; self.problem.metrics().len()];
        for (index, (workload, env)) in self.parts.iter().enumerate() {
            let outcome = env.evaluate(design).map_err(|source| OfflineError::Evaluation {
                env: self.env.id.clone(),
                number,
                source,
            })?;
            match &outcome {
                Outcome::Measured(metrics) => {
                    mean.iter_mut()
                        .zip(metrics)
                        .for_each(|(mean, value)| *mean += workload.weight / total * value);
                }
                Outcome::Infeasible { .. } => {
                    let trial = self.problem.trial(design.clone(), outcome);
                    return Ok(Evaluated { trial, broken_in: Some(&workload.name), calls: index + 1 });
                }
            }
        }
        let trial = self.problem.trial(design.clone(), Outcome::Measured(mean));
        Ok(Evaluated { trial, broken_in: None, calls: self.parts.len() })
    }
}

/// Asks the environment about each of `proposals`, once for each workload.
///
/// # Errors
/// [`OfflineError`] if the validator cannot be built, a proposal is no design of its space, or an evaluation fails.
pub fn validate(catalog: &Catalog, proposals: &Proposals) -> Result<Validation, OfflineError> {
    let validator = Validator::new(catalog, &proposals.env, &proposals.workloads, &proposals.goal)?;
    let designs = proposals.designs(validator.problem().space())?;
    let verdict = |(index, design): (usize, &Design)| -> Result<(Verdict, usize), OfflineError> {
        let Evaluated { trial, broken_in, calls } = validator.evaluate(index + 1, design)?;
        let is_acceptable = trial.judgement.accepted().is_some();
        let verdict = match trial.outcome {
            Outcome::Measured(metrics) => Verdict::Measured { metrics, is_acceptable },
            Outcome::Infeasible { rule, violation } => {
                Verdict::Infeasible { workload: broken_in.unwrap_or_default().to_owned(), rule, violation }
            }
        };
        Ok((verdict, calls))
    };
    let asked = designs.par_iter().enumerate().map(verdict).collect::<Result<Vec<_>, _>>()?;
    let simulator_calls = asked.iter().map(|(_, calls)| calls).sum();
    let verdicts = asked.into_iter().map(|(verdict, _)| verdict).collect();
    Ok(Validation { simulator_calls, metrics: validator.problem().metrics().to_vec(), verdicts })
}
