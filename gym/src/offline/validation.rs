//! What the environment says of proposals: asked once, when all else is done.

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout_core::{Catalog, Design, Env, EvalError, Goal, Metric, Outcome, Problem, Trial};
use tapeout_experiment::EnvSpec;
use tapeout_experiment::dataset::Dataset;

use super::promised::{Kept, Known, kept};
use super::{OfflineError, Proposals, SheetRow, WeightedWorkload};

/// Proposals as their environment sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// How often the environment was asked.
    pub simulator_calls: usize,
    /// What it measures, shape `[k]`.
    pub metrics: Vec<Metric>,
    /// One for each proposal, in their order.
    pub verdicts: Vec<Verdict>,
    /// What the promises were worth.
    pub kept: Kept,
}

/// What became of one proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Nobody has said.
    Unknown,
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
            let failed = |source| OfflineError::Evaluation { env: self.env.id.clone(), number, source };
            let outcome = env.evaluate(design).map_err(failed)?;
            match &outcome {
                Outcome::Failed { cause } => return Err(failed(EvalError::new(cause))),
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
            Outcome::Failed { .. } => unreachable!("invariant: a failure is an error of the validator"),
        };
        Ok((verdict, calls))
    };
    let asked = designs.par_iter().enumerate().map(verdict).collect::<Result<Vec<_>, _>>()?;
    let simulator_calls = asked.iter().map(|(_, calls)| calls).sum();
    let verdicts = asked.into_iter().map(|(verdict, _)| verdict).collect();
    Ok(Validation::new(simulator_calls, proposals, validator.problem(), verdicts))
}

/// What somebody who measured them says of `proposals`: `sheet` is what they filled in, for the data set's workloads.
///
/// # Errors
/// [`OfflineError`] if a proposal is no design of the data set, or the goal names a metric that it does not have.
pub fn validate_by(
    sheet: &[SheetRow],
    dataset: &Dataset,
    proposals: &Proposals,
) -> Result<Validation, OfflineError> {
    let problem = dataset.problem(proposals.goal.clone())?;
    let indices: Vec<usize> =
        proposals.workloads.iter().map(|it| dataset.workload_index(&it.name)).collect::<Result<_, _>>()?;
    let total: f64 = proposals.workloads.iter().map(|it| it.weight).sum();
    let designs = proposals.designs(dataset.space())?;
    let verdict = |design: &Design| {
        let mut mean = vec![0.0; problem.metrics().len()];
        for (it, &index) in proposals.workloads.iter().zip(&indices) {
            // What was measured last counts.
            let mut of_it = sheet.iter().rev().filter(|row| row.workload == index && row.design == *design);
            match of_it.find_map(|row| row.outcome.clone()) {
                None | Some(Outcome::Failed { .. }) => return Verdict::Unknown,
                Some(Outcome::Infeasible { rule, violation }) => {
                    return Verdict::Infeasible { workload: it.name.clone(), rule, violation };
                }
                Some(Outcome::Measured(metrics)) => {
                    mean.iter_mut().zip(metrics).for_each(|(mean, value)| *mean += it.weight / total * value);
                }
            }
        }
        let is_acceptable = problem.judge(&Outcome::Measured(mean.clone())).accepted().is_some();
        Verdict::Measured { metrics: mean, is_acceptable }
    };
    let verdicts = designs.iter().map(verdict).collect();
    Ok(Validation::new(0, proposals, &problem, verdicts))
}

impl Validation {
    /// Reads what was said of proposals, as `serde_json` writes it.
    ///
    /// # Errors
    /// [`OfflineError`] if the file cannot be read, or says something else.
    pub fn read(path: &Path) -> Result<Self, OfflineError> {
        let text = tapeout_input::read_text(path)
            .map_err(|source| OfflineError::File { path: path.to_owned(), source })?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| OfflineError::Content {
            path: path.to_owned(),
            field: error.path().to_string(),
            message: error.inner().to_string(),
        })
    }

    fn new(simulator_calls: usize, proposals: &Proposals, problem: &Problem, verdicts: Vec<Verdict>) -> Self {
        let outcomes: Vec<Option<Outcome>> = verdicts.iter().map(Verdict::outcome).collect();
        let known: Vec<Known<'_>> = proposals
            .proposals
            .iter()
            .zip(&outcomes)
            .filter_map(|(proposal, outcome)| {
                let promised = |metric: &Metric| proposal.intervals.as_ref()?.get(&metric.name).copied();
                let promised = problem.metrics().iter().map(promised).collect();
                Some((promised, Some(proposal.p_feasible), outcome.as_ref()?))
            })
            .collect();
        let kept = kept(problem.metrics(), &known);
        Self { simulator_calls, metrics: problem.metrics().to_vec(), verdicts, kept }
    }
}

impl Verdict {
    /// What became of the design, the mean over workloads; none if nobody has said.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Measured { metrics, .. } => Some(Outcome::Measured(metrics.clone())),
            Self::Infeasible { rule, violation, .. } => Some(Outcome::infeasible(rule, *violation)),
            Self::Unknown => None,
        }
    }
}
