//! A run whose loop somebody else holds, in JSON: what it asks for, and what it is told.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tapeout::core::{Catalog, Design, DesignSpace, Env, EvalError, Outcome, Value as Setting};
use tapeout::experiment::folder::spec_path;
use tapeout::experiment::{AskTell, Asked, Experiment, Run};

use crate::arguments::SpecFlags;
use crate::failure::Failure;

/// What became of a design, as it is told: metrics, the rule that it breaks, or why there is no result.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    metrics: Option<BTreeMap<String, f64>>,
    infeasible: Option<String>,
    violation: Option<f64>,
    failed: Option<String>,
    /// The design, for those who like to see that it is the one that was asked about.
    design: Option<BTreeMap<String, Setting>>,
}

/// The run in `folder`; if there is none, the one that the flags say.
pub(crate) fn experiment(catalog: &Catalog, folder: &Path, flags: &SpecFlags) -> Result<Experiment, Failure> {
    if spec_path(folder).is_file() {
        return Ok(Run::open(catalog, folder)?.experiment().clone());
    }
    flags.prepare(catalog)
}

/// What the run wants to know, as data.
pub(crate) fn asked(run: &mut AskTell, space: &DesignSpace) -> Result<Value, Failure> {
    let asked = run.ask()?;
    let trials = run.n_trials();
    Ok(match asked {
        Asked::Designs(designs) => {
            let designs: Vec<Value> = designs.iter().map(|design| settings(space, design)).collect();
            json!({ "designs": designs, "trials": trials })
        }
        Asked::Over(stop) => json!({ "designs": [], "trials": trials, "over": stop }),
    })
}

/// Tells the run what became of the designs that it asked about, in its order.
pub(crate) fn tell(run: &mut AskTell, env: &dyn Env, told: Vec<Told>) -> Result<(), Failure> {
    let designs = match run.ask()? {
        Asked::Designs(designs) => designs,
        Asked::Over(stop) => return Err(Failure::bad_input(anyhow::anyhow!("the run is over: {stop}"))),
    };
    let mut outcomes = Vec::with_capacity(told.len());
    for (index, told) in told.into_iter().enumerate() {
        let outcome = told.outcome(env, designs.get(index));
        outcomes.push(
            outcome.map_err(|message| Failure::bad_input(anyhow::anyhow!("answer {index}: {message}")))?,
        );
    }
    Ok(run.tell(outcomes)?)
}

/// Each parameter with what it is set to.
pub(crate) fn settings(space: &DesignSpace, design: &Design) -> Value {
    let values = space.values(design);
    values.map(|(parameter, value)| (parameter.name().to_owned(), json!(value))).collect::<Map<_, _>>().into()
}

/// The design with these settings.
pub(crate) fn design(space: &DesignSpace, settings: &BTreeMap<String, Setting>) -> Result<Design, String> {
    let named = settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    space.design_of(named).map_err(|error| error.to_string())
}

/// What an environment says of a design, as it would be told.
pub(crate) fn answer(env: &dyn Env, outcome: Result<Outcome, EvalError>) -> Value {
    match outcome {
        Ok(Outcome::Measured(values)) => {
            let metrics = env.metrics().iter().zip(values);
            let metrics: Map<String, Value> =
                metrics.map(|(metric, value)| (metric.name.clone(), json!(value))).collect();
            json!({ "metrics": metrics })
        }
        Ok(Outcome::Infeasible { rule, violation }) => json!({ "infeasible": rule, "violation": violation }),
        Ok(Outcome::Failed { cause }) => json!({ "error": cause }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

impl Told {
    /// The outcome, if it is one of `env` and about `asked`.
    fn outcome(self, env: &dyn Env, asked: Option<&Design>) -> Result<Outcome, String> {
        if let (Some(settings), Some(asked)) = (&self.design, asked)
            && design(env.space(), settings)? != *asked
        {
            return Err("it is about another design than was asked about".to_owned());
        }
        match (self.metrics, self.infeasible, self.failed) {
            (Some(metrics), None, None) => {
                let values = env.metrics().iter().map(|metric| {
                    let value = metrics.get(&metric.name).copied();
                    value.ok_or_else(|| format!("`{}` is not among its metrics", metric.name))
                });
                Ok(Outcome::Measured(values.collect::<Result<_, _>>()?))
            }
            (None, Some(rule), None) => {
                let rule = rule.replace(char::is_whitespace, "_");
                Ok(Outcome::infeasible(&rule, self.violation.unwrap_or(1.0)))
            }
            (None, None, Some(cause)) => Ok(Outcome::Failed { cause }),
            _ => Err("expected `metrics`, `infeasible` or `failed`".to_owned()),
        }
    }
}
