//! `summary.json`: what came of a run. Everything in it follows from the log and the spec.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapeout_core::parameter::Value;
use tapeout_core::pareto::hypervolume;
use tapeout_core::{Judgement, Outcome, Trial};

use crate::budget::StopReason;
use crate::finished;
use crate::search::Search;

/// The version of the summary's format.
pub const SUMMARY_VERSION: u32 = 1;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of this format.
    pub version: u32,
    /// The environment's name.
    pub env: String,
    /// The environment's version.
    pub env_version: u32,
    /// The agent's name.
    pub agent: String,
    /// The seed.
    pub seed: u64,
    /// The objectives, as they are written in a spec.
    pub objectives: Vec<String>,
    /// The constraints, as they are written in a spec.
    pub constraints: Vec<String>,
    /// Why the run ended.
    pub stop: StopReason,
    /// How many designs were evaluated.
    pub trials: usize,
    /// How many of them are acceptable: measured, and within every constraint.
    pub acceptable: usize,
    /// How many were measured but lie outside some constraint.
    pub unacceptable: usize,
    /// How many cannot be built or run, by the rule they break.
    pub infeasible: BTreeMap<String, usize>,
    /// How many have no result, since the evaluator failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: usize,
    /// How many proposals were answered from the log.
    pub duplicates: usize,
    /// How many trials of earlier logs the agent was told before its first proposal; they count nowhere else here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warm_trials: usize,
    /// The acceptable designs that no other dominates, ordered by the first objective; of equal ones the first found.
    pub front: Vec<Standout>,
    /// For each objective, the best acceptable design (the first found, of equals); empty if nothing is acceptable.
    pub best: Vec<BestDesign>,
    /// How much the front dominates; none if nothing is acceptable.
    pub hypervolume: Option<Hypervolume>,
    /// The one part that differs between two runs of the same spec.
    pub timing: SummaryTiming,
}

impl Summary {
    /// What came of `search`, which ended for this reason after so much time.
    pub(crate) fn of(search: &Search, stop: StopReason, wall_s: f64) -> Self {
        let (experiment, trials) = (search.experiment(), search.trials());
        let (spec, problem) = (experiment.spec(), experiment.problem());
        let mut summary = Self {
            version: SUMMARY_VERSION,
            env: spec.env.id.clone(),
            env_version: spec.env.version.unwrap_or_default(),
            agent: spec.agent.id.clone(),
            seed: spec.seed.number(),
            objectives: problem.objectives().iter().map(ToString::to_string).collect(),
            constraints: problem.constraints().iter().map(ToString::to_string).collect(),
            stop,
            trials: trials.len(),
            acceptable: 0,
            unacceptable: 0,
            infeasible: BTreeMap::new(),
            failed: 0,
            duplicates: search.duplicates(),
            warm_trials: search.n_warm(),
            front: search.front().members().iter().map(|member| standout(search, member.trial)).collect(),
            best: (0..problem.n_objectives()).filter_map(|index| best(search, index)).collect(),
            hypervolume: dominated_volume(search),
            timing: SummaryTiming {
                wall_s,
                evaluation_s: search.evaluation_s(),
                agent_s: Some(search.agent_s()),
            },
        };
        for trial in trials {
            match (&trial.judgement, &trial.outcome) {
                (Judgement::Acceptable { .. }, _) => summary.acceptable += 1,
                (_, Outcome::Measured(_)) => summary.unacceptable += 1,
                (_, Outcome::Infeasible { rule, .. }) => {
                    *summary.infeasible.entry(rule.clone()).or_default() += 1;
                }
                (_, Outcome::Failed { .. }) => summary.failed += 1,
            }
        }
        summary
    }

    /// How many designs cannot be built or run.
    pub fn n_infeasible(&self) -> usize {
        self.infeasible.values().sum()
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A design worth naming.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standout {
    /// Its place in the log, from 0.
    pub trial: usize,
    /// Its value for each parameter.
    pub design: BTreeMap<String, Value>,
    /// What was measured and what follows from it, in the metrics' units.
    pub metrics: BTreeMap<String, f64>,
}

/// The best design by one objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestDesign {
    /// The objective, as it is written in a spec.
    pub objective: String,
    /// Its value, in the metric's unit.
    pub value: f64,
    /// The design.
    #[serde(flatten)]
    pub standout: Standout,
}

/// How much a front dominates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypervolume {
    /// The volume, in the product of the objectives' units.
    pub value: f64,
    /// Up to where it is measured: for each objective's metric the worst value among the acceptable designs of this
    /// run. Volumes of runs with other references do not compare.
    pub reference: BTreeMap<String, f64>,
}

/// Where the time went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SummaryTiming {
    /// Wall time of all parts of the run.
    pub wall_s: f64,
    /// Time spent in the environment, added up over trials; more than the wall time where threads work side by side.
    pub evaluation_s: f64,
    /// Processor time of the agent, for all trials; what a program of one's own takes is not in it. None in summaries from before it was
    /// measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_s: Option<f64>,
}

fn standout(search: &Search, index: usize) -> Standout {
    let (problem, trial) = (search.experiment().problem(), search.trials().at(index));
    let values = trial.outcome.metrics().and_then(|metrics| problem.quantity_values(metrics));
    let metrics = problem.quantities().iter().zip(values.unwrap_or_default());
    Standout {
        trial: index,
        design: problem
            .space()
            .values(&trial.design)
            .map(|(parameter, value)| (parameter.name().to_owned(), value))
            .collect(),
        metrics: metrics.map(|(metric, value)| (metric.name.clone(), value)).collect(),
    }
}

fn best(search: &Search, objective: usize) -> Option<BestDesign> {
    let problem = search.experiment().problem();
    let trial = finished::best(search.trials(), objective)?;
    let found = search.trials().at(trial);
    let losses = found.judgement.losses()?;
    Some(BestDesign {
        objective: problem.objectives()[objective].to_string(),
        value: problem.objective_value(objective, losses[objective]),
        standout: standout(search, trial),
    })
}

fn dominated_volume(search: &Search) -> Option<Hypervolume> {
    let problem = search.experiment().problem();
    let worse = |worst: Vec<f64>, losses: &[f64]| worst.iter().zip(losses).map(|(a, b)| a.max(*b)).collect();
    let mut trials = search.trials().iter().filter(|trial| trial.judgement.accepted().is_some());
    let losses = |trial: &Trial| trial.judgement.accepted().map(<[f64]>::to_vec);
    let first = losses(&trials.next()?)?;
    let reference = trials.fold(first, |worst, trial| worse(worst, &losses(&trial).unwrap_or_default()));
    let value = hypervolume(search.front().members(), &reference)
        .expect("judged losses are finite, one for each objective");
    let metric = |(index, &loss): (usize, &f64)| {
        (problem.objective_metric(index).name.clone(), problem.objective_value(index, loss))
    };
    Some(Hypervolume { value, reference: reference.iter().enumerate().map(metric).collect() })
}
