//! The trials of a run or a data set, as columns that a page reads.

use std::collections::BTreeMap;

use serde::Serialize;
use tapeout_core::breakdown::Breakdown;
use tapeout_core::parameter::Value;
use tapeout_core::{Direction, Outcome, Problem, Trial};
use tapeout_experiment::Run;

use crate::course::Course;
use crate::importance::{Importance, METHOD, importance};
use crate::packed::{Columns, width_of};

/// Designs that are taken apart, at most: those best in one objective first. Ours: each costs an evaluation.
const BREAKDOWNS: usize = 4;

/// Trials as somebody has them: a run's, or those of one workload in a data set.
pub struct ReportedTrials<'a> {
    /// What they are called.
    pub name: &'a str,
    /// What was wanted.
    pub problem: &'a Problem,
    /// The trials, in the order in which they were made.
    pub trials: &'a [Trial],
    /// What there is to know about them: a name and what it is, each.
    pub facts: Vec<(String, String)>,
    /// The command that evaluates one of them, before the number of the trial; none if there is none.
    pub command: Option<String>,
}

/// Trials as the page has them.
#[derive(Debug, Serialize)]
pub(crate) struct SearchedPart {
    name: String,
    facts: Vec<(String, String)>,
    command: Option<String>,
    trials: usize,
    parameters: Vec<ParameterColumn>,
    metrics: Vec<MetricColumn>,
    constraints: Vec<String>,
    /// What became of a trial: acceptable, outside a constraint, or infeasible by the rule that stands here.
    states: Vec<String>,
    state_width: usize,
    /// The trials of the front.
    front: Vec<usize>,
    course: Course,
    importance_method: &'static str,
    importance: Vec<Importance>,
    breakdowns: Vec<DesignParts>,
    /// All columns: levels of each parameter, metrics, states.
    packed: String,
}

/// A parameter; its column holds indices into `levels`.
#[derive(Debug, Serialize)]
struct ParameterColumn {
    name: String,
    unit: String,
    is_categorical: bool,
    /// The levels that some trial has, rising.
    levels: Vec<Value>,
    width: usize,
}

#[derive(Debug, Serialize)]
struct MetricColumn {
    name: String,
    unit: String,
    summary: String,
    /// Which way it is to go, if it is an objective.
    direction: Option<Direction>,
}

/// A design, taken apart.
#[derive(Debug, Serialize)]
struct DesignParts {
    title: String,
    trial: usize,
    #[serde(flatten)]
    breakdown: Breakdown,
}

impl SearchedPart {
    /// The columns of `reported`; volumes end at `reference`, in losses.
    pub(crate) fn of(reported: &ReportedTrials<'_>, reference: Option<&[f64]>) -> Self {
        let (problem, trials) = (reported.problem, reported.trials);
        let (course, front) = Course::of(problem, trials, reference);
        let mut columns = Columns::default();
        let parameters = parameters(problem, trials, &mut columns);
        let values: Vec<Option<Vec<f64>>> =
            trials.iter().map(|trial| problem.quantity_values(trial.outcome.metrics()?)).collect();
        let metric = |(index, metric): (usize, &tapeout_core::Metric)| {
            let value = |values: &Option<Vec<f64>>| values.as_ref().map_or(f64::NAN, |values| values[index]);
            columns.numbers(&values.iter().map(value).collect::<Vec<_>>());
            let objective = problem.objectives().iter().find(|objective| objective.metric == metric.name);
            MetricColumn {
                name: metric.name.clone(),
                unit: metric.unit.clone(),
                summary: metric.summary.clone(),
                direction: objective.map(|objective| objective.direction),
            }
        };
        let metrics = problem.quantities().iter().enumerate().map(metric).collect();
        let (states, by_trial) = states(trials);
        let state_width = width_of(states.len());
        columns.counts(state_width, &by_trial);
        Self {
            name: reported.name.to_owned(),
            facts: reported.facts.clone(),
            command: reported.command.clone(),
            trials: trials.len(),
            parameters,
            metrics,
            constraints: problem.constraints().iter().map(ToString::to_string).collect(),
            states,
            state_width,
            front,
            course,
            importance_method: METHOD,
            importance: importance(problem, trials),
            breakdowns: Vec::new(),
            packed: columns.text(),
        }
    }

    /// The same with the parts of the designs that are best in each objective, and of the middle of the front, as far as the run's
    /// environment can tell on this machine.
    pub(crate) fn with_breakdowns(mut self, run: &Run) -> Self {
        let env = run.experiment().env();
        if env.missing().is_some() {
            return self;
        }
        for (title, trial) in self.worth_taking_apart(run) {
            // A report is of what is logged: an environment that fails now has no say in it.
            if let Ok(Some(breakdown)) = env.breakdown(&run.trials().at(trial).design) {
                self.breakdowns.push(DesignParts { title, trial, breakdown });
            }
        }
        self
    }

    fn worth_taking_apart(&self, run: &Run) -> Vec<(String, usize)> {
        let problem = run.experiment().problem();
        let losses = |trial: usize| -> Vec<f64> {
            run.trials().at(trial).judgement.accepted().map(<[f64]>::to_vec).unwrap_or_default()
        };
        let best = |objective: usize| {
            let least = |&&a: &&usize, &&b: &&usize| losses(a)[objective].total_cmp(&losses(b)[objective]);
            let trial = *self.front.iter().min_by(least)?;
            Some((format!("best {}", problem.objective_metric(objective).name), trial))
        };
        let mut chosen: Vec<(String, usize)> = (0..problem.n_objectives()).filter_map(best).collect();
        chosen.extend(
            self.front.get(self.front.len() / 2).map(|&trial| ("middle of the front".to_owned(), trial)),
        );
        let mut seen = Vec::new();
        chosen.retain(|(_, trial)| {
            !seen.contains(trial) && {
                seen.push(*trial);
                true
            }
        });
        chosen.truncate(BREAKDOWNS);
        chosen
    }
}

/// What is told of every parameter, and its column.
fn parameters(problem: &Problem, trials: &[Trial], columns: &mut Columns) -> Vec<ParameterColumn> {
    let column = |(index, parameter): (usize, &tapeout_core::Parameter)| {
        let taken: Vec<u32> = trials.iter().map(|trial| trial.design.levels()[index]).collect();
        let mut levels = taken.clone();
        levels.sort_unstable();
        levels.dedup();
        let place = |level: &u32| levels.partition_point(|other| other < level) as u32;
        let width = width_of(levels.len());
        columns.counts(width, &taken.iter().map(place).collect::<Vec<_>>());
        ParameterColumn {
            name: parameter.name().to_owned(),
            unit: parameter.unit_name().to_owned(),
            is_categorical: parameter.is_categorical(),
            levels: levels.into_iter().map(|level| parameter.value(level)).collect(),
            width,
        }
    };
    problem.space().parameters().iter().enumerate().map(column).collect()
}

/// What stands among the rules for a trial without a result; no rule has a space in its name.
const FAILED: &str = "evaluation failed";

/// What can become of a trial, and what became of each: an index into that. Shapes `[states]`, `[n]`.
fn states(trials: &[Trial]) -> (Vec<String>, Vec<u32>) {
    let mut states = vec!["acceptable".to_owned(), "outside a constraint".to_owned()];
    let mut index_by_rule: BTreeMap<&str, u32> = BTreeMap::new();
    let state = |trial: &'_ Trial| match &trial.outcome {
        Outcome::Measured(_) => u32::from(trial.judgement.accepted().is_none()),
        Outcome::Infeasible { .. } | Outcome::Failed { .. } => 2,
    };
    let mut by_trial: Vec<u32> = trials.iter().map(state).collect();
    for (trial, state) in trials.iter().zip(&mut by_trial) {
        let rule = match &trial.outcome {
            Outcome::Infeasible { rule, .. } => Some(rule.as_str()),
            Outcome::Failed { .. } => Some(FAILED),
            Outcome::Measured(_) => None,
        };
        if let Some(rule) = rule {
            *state = *index_by_rule.entry(rule).or_insert_with(|| {
                states.push(rule.to_owned());
                states.len() as u32 - 1
            });
        }
    }
    (states, by_trial)
}

/// What there is to know about a run: a name and what it is, each.
pub fn facts_of(run: &Run) -> Vec<(String, String)> {
    let (spec, problem) = (run.experiment().spec(), run.experiment().problem());
    let settings = |config: &serde_json::Map<String, serde_json::Value>| {
        let set = config
            .iter()
            .filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        set.map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ")
    };
    let texts = |texts: Vec<String>| texts.join(", ");
    let mut facts = vec![
        ("environment", format!("{}, version {}", spec.env.id, spec.env.version.unwrap_or_default())),
        ("its settings", settings(&spec.env.config)),
        ("agent", spec.agent.id.clone()),
        ("its settings", settings(&spec.agent.config)),
        ("seed", spec.seed.number().to_string()),
        ("objectives", texts(problem.objectives().iter().map(ToString::to_string).collect())),
        ("constraints", texts(problem.constraints().iter().map(ToString::to_string).collect())),
        ("derived metrics", texts(spec.derived.iter().map(ToString::to_string).collect())),
        ("designs in the space", problem.space().cardinality().to_string()),
        ("budget", format!("{} trials", spec.budget.trials)),
        ("batch", spec.batch.to_string()),
        (
            "learned from first",
            texts(spec.warm_start.iter().map(|warm| warm.log.display().to_string()).collect()),
        ),
    ];
    facts.retain(|(_, fact)| !fact.is_empty());
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()
}
