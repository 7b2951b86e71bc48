//! What is said to the program, and what it may answer: lines of JSON. The page documents them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tapeout_core::{Design, DesignSpace, Judgement, Metric, Outcome, Parameter, Problem, Seed, Trial, Value};

/// The version of the protocol. Raised when a program that keeps to it would no longer understand, or no longer be understood.
const VERSION: u32 = 1;

/// A line to the program.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question<'a> {
    /// What is to be searched, once.
    Begin(Box<Begin<'a>>),
    /// A batch is wanted.
    Suggest(Suggest),
    /// What became of designs.
    Observe(Vec<Json>),
}

#[derive(Serialize)]
pub(super) struct Begin<'a> {
    protocol: u32,
    seed: u64,
    parameters: Vec<Json>,
    rules: Vec<Json>,
    designs: String,
    metrics: &'a [Metric],
    objectives: Vec<String>,
    constraints: Vec<String>,
    settings: &'a Map<String, Json>,
}

#[derive(Serialize)]
pub(super) struct Suggest {
    count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused>,
}

/// A proposal that is no design, and why.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Refused {
    pub(super) design: Json,
    pub(super) why: String,
}

impl<'a> Question<'a> {
    /// The problem.
    pub(super) fn begin(problem: &'a Problem, seed: Seed, settings: &'a Map<String, Json>) -> Self {
        let space = problem.space();
        let parameter = |parameter: &Parameter| {
            let levels: Vec<Value> = (0..parameter.n_levels()).map(|level| parameter.value(level)).collect();
            json!({
                "name": parameter.name(), "unit": parameter.unit_name(), "about": parameter.summary(),
                "is_ordered": !parameter.is_categorical(), "levels": levels,
            })
        };
        let rules = space.rules().iter();
        Self::Begin(Box::new(Begin {
            protocol: VERSION,
            seed: seed.number(),
            parameters: space.parameters().iter().map(parameter).collect(),
            rules: rules
                .map(|rule| json!({ "name": rule.name(), "holds": rule.text(), "parameters": rule.scope() }))
                .collect(),
            designs: space.cardinality().to_string(),
            metrics: problem.metrics(),
            objectives: problem.objectives().iter().map(ToString::to_string).collect(),
            constraints: problem.constraints().iter().map(ToString::to_string).collect(),
            settings,
        }))
    }

    /// A question for up to `count` designs.
    pub(super) fn suggest(
        problem: &Problem,
        count: usize,
        candidates: &[Design],
        refused: &[Refused],
    ) -> Self {
        let candidates = candidates.iter().map(|design| settings(problem.space(), design)).collect();
        Self::Suggest(Suggest { count, candidates, refused: refused.to_vec() })
    }

    /// News of trials, in the order of the proposals.
    pub(super) fn observe(problem: &Problem, trials: &[Trial]) -> Self {
        Self::Observe(trials.iter().map(|trial| told(problem, trial)).collect())
    }

    /// The line.
    pub(super) fn line(&self) -> String {
        serde_json::to_string(self).expect("invariant: plain data with text keys")
    }
}

fn settings(space: &DesignSpace, design: &Design) -> Json {
    let values = space.values(design);
    values.map(|(parameter, value)| (parameter.name().to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

/// A trial: the design, what was measured, the rule that it breaks or why there is no result, and what it is worth.
fn told(problem: &Problem, trial: &Trial) -> Json {
    let mut told = json!({ "design": settings(problem.space(), &trial.design) });
    match &trial.outcome {
        Outcome::Measured(values) => {
            let metrics = problem.metrics().iter().zip(values);
            let metrics: Map<String, Json> =
                metrics.map(|(metric, value)| (metric.name.clone(), json!(value))).collect();
            told["metrics"] = metrics.into();
        }
        Outcome::Infeasible { rule, violation } => {
            told["infeasible"] = json!(rule);
            told["violation"] = json!(violation);
        }
        Outcome::Failed { cause } => told["failed"] = json!(cause),
    }
    if let Some(losses) = trial.judgement.losses() {
        told["losses"] = json!(losses);
        told["acceptable"] = json!(trial.judgement.accepted().is_some());
    }
    if let Judgement::Unacceptable { violation, .. } = &trial.judgement {
        told["violation"] = json!(violation);
    }
    told
}

/// A line from the program.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answer {
    designs: Option<Vec<BTreeMap<String, Value>>>,
    error: Option<String>,
}

impl Answer {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, or what the program complains of.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        let answer: Self = serde_json::from_str(line).map_err(|error| {
            let shown: String = line.trim().chars().take(200).collect();
            format!("`{shown}` is no answer: {error}")
        })?;
        match answer.error {
            Some(message) => Err(format!("it says: {message}")),
            None => Ok(answer),
        }
    }

    /// The proposals as designs, or those that are none.
    ///
    /// # Errors
    /// If the answer has no proposals at all.
    pub(super) fn designs(self, problem: &Problem) -> Result<Result<Vec<Design>, Vec<Refused>>, String> {
        let proposals = self.designs.ok_or("its answer to `suggest` has no `designs`")?;
        let (mut designs, mut refused) = (Vec::with_capacity(proposals.len()), Vec::new());
        for proposal in proposals {
            let values = proposal.iter().map(|(name, value)| (name.as_str(), value.clone()));
            match problem.space().design_of(values) {
                Ok(design) => designs.push(design),
                Err(error) => refused.push(Refused { design: json!(proposal), why: error.to_string() }),
            }
        }
        Ok(if refused.is_empty() { Ok(designs) } else { Err(refused) })
    }
}
