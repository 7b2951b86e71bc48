//! The flags that say what to search, shared by the commands that search, and what they make of a spec.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use serde_json::{Map, Value};
use tapeout::core::{Catalog, Constraint, Objective, Seed};
use tapeout::experiment::{AgentSpec, Budget, BudgetTarget, EnvSpec, Experiment, Spec, SpecError, WarmStart};

use crate::failure::Failure;
use crate::goal_flags::GoalFlags;
use crate::progress::write_line;

/// What `search` searches when nobody says.
pub(crate) const DEFAULT_ENV: &str = "edge-accelerator";
/// Who searches when nobody says.
pub(crate) const DEFAULT_AGENT: &str = "nsga2";
/// How many designs are evaluated when nobody says.
const DEFAULT_TRIALS: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not 0");

/// What to search, for what, how long. What the flags say goes before what the spec says.
#[derive(clap::Args)]
pub(crate) struct SpecFlags {
    /// A spec in TOML; without one, NSGA-II searches an edge accelerator
    #[arg(value_name = "SPEC.toml")]
    spec: Option<PathBuf>,
    /// The environment to search [default: that of the spec, or edge-accelerator]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The agent that searches [default: that of the spec, or nsga2]
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// A setting of the environment or the agent: `env.networks=["bert-base"]`, `agent.population=64`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    /// What to optimise: `latency_s`, `max:utilization`; again for several
    #[arg(long, value_name = "METRIC")]
    objective: Vec<Objective>,
    /// What is acceptable: `area_m2 <= 27 mm2`, `latency_s < 30 ms`; again for several
    #[arg(long, value_name = "LIMIT")]
    constraint: Vec<Constraint>,
    #[command(flatten)]
    goal: GoalFlags,
    /// Where all randomness comes from [default: that of the spec, or 0]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = seed)]
    seed: Option<u64>,
    /// Designs asked for at once; part of the result, unlike the number of threads [default: that of the spec, or 32]
    #[arg(long, value_name = "DESIGNS", allow_negative_numbers = true, value_parser = at_least_one)]
    batch: Option<NonZeroUsize>,
    /// An earlier run or its log, which the agent learns from first; again for several
    #[arg(long, value_name = "RUN")]
    warm_start: Vec<PathBuf>,
    #[command(flatten)]
    budget: BudgetFlags,
}

/// When a search ends: at the first of these.
#[derive(clap::Args)]
pub(crate) struct BudgetFlags {
    /// End after so many distinct designs [default: those of the spec or the run, or 1000]
    #[arg(long, value_name = "DESIGNS", allow_negative_numbers = true, value_parser = at_least_one)]
    trials: Option<NonZeroUsize>,
    /// End after this time: `60s`, `10m`, `2h`
    #[arg(long, value_name = "TIME")]
    wall: Option<WallTime>,
    /// End when an objective reaches a value: `latency_s=1e-3`
    #[arg(long, value_name = "METRIC=VALUE")]
    target: Option<TargetValue>,
}

impl SpecFlags {
    /// The spec that is to be run, checked, with every default filled in.
    pub(crate) fn prepare(&self, catalog: &Catalog) -> Result<Experiment, Failure> {
        let mut spec = match &self.spec {
            Some(path) => Spec::read(path)?,
            None => Spec::new(DEFAULT_ENV, DEFAULT_AGENT, Budget::trials(DEFAULT_TRIALS)),
        };
        let overridden = self.apply(&mut spec);
        let experiment = Experiment::prepare(catalog, spec).map_err(|error| unplaced(error, &overridden))?;
        for note in experiment.notes() {
            write_line(&format!("note: {note}"));
        }
        Ok(experiment)
    }

    /// Writes the flags over the spec, and returns the fields that are no longer what the file says.
    fn apply(&self, spec: &mut Spec) -> Vec<String> {
        let mut overridden = Vec::new();
        if let Some(id) = self.env.as_ref().filter(|&id| *id != spec.env.id) {
            spec.env = EnvSpec::named(id);
            overridden.push("env".to_owned());
        }
        if let Some(id) = self.agent.as_ref().filter(|&id| *id != spec.agent.id) {
            spec.agent = AgentSpec::named(id);
            overridden.push("agent".to_owned());
        }
        for setting in &self.set {
            setting.apply(&mut spec.env.config, &mut spec.agent.config);
            overridden.push(format!("{}.config.{}", setting.part.name(), setting.path[0]));
        }
        if !self.objective.is_empty() {
            spec.objectives = Some(self.objective.clone());
            overridden.push("objectives".to_owned());
        }
        if !self.constraint.is_empty() {
            spec.constraints = Some(self.constraint.clone());
            overridden.push("constraints".to_owned());
        }
        overridden.extend(self.goal.narrow(&mut spec.env));
        if let Some(derived) = self.goal.derived() {
            spec.derived = derived;
            overridden.push("derived".to_owned());
        }
        if let Some(seed) = self.seed {
            spec.seed = Seed::new(seed);
            overridden.push("seed".to_owned());
        }
        if let Some(batch) = self.batch {
            spec.batch = batch;
        }
        if !self.warm_start.is_empty() {
            spec.warm_start = self.warm_start.iter().map(WarmStart::from_log).collect();
            overridden.push("warm_start".to_owned());
        }
        if self.budget.apply(&mut spec.budget) {
            overridden.push("budget".to_owned());
        }
        overridden
    }
}

impl BudgetFlags {
    /// Writes the flags over the budget, and returns whether there were any.
    pub(crate) fn apply(&self, budget: &mut Budget) -> bool {
        if let Some(trials) = self.trials {
            budget.trials = trials;
        }
        if let Some(WallTime(wall_s)) = self.wall {
            budget.wall_s = Some(wall_s);
        }
        if let Some(TargetValue(target)) = &self.target {
            budget.target = Some(target.clone());
        }
        self.trials.is_some() || self.wall.is_some() || self.target.is_some()
    }
}

/// An error about a field that a flag has set is not in the file.
fn unplaced(mut error: SpecError, overridden: &[String]) -> SpecError {
    let is_of_flag = |field: &String| {
        error
            .field
            .strip_prefix(field.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    if overridden.iter().any(is_of_flag) {
        (error.path, error.position) = (None, None);
    }
    error
}

/// A seed, as a spec can hold it.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let number: Option<u64> = text.parse().ok().filter(|&number: &u64| i64::try_from(number).is_ok());
    number.ok_or_else(|| format!("expected a whole number from 0 to {}", i64::MAX))
}

/// A count of what there must be one of, as a spec can hold it.
pub(crate) fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    let number: Option<NonZeroUsize> =
        text.parse().ok().filter(|it: &NonZeroUsize| i64::try_from(it.get()).is_ok());
    number.ok_or_else(|| format!("expected a whole number from 1 to {}", i64::MAX))
}

/// `env.networks=["bert-base"]`: a setting of the environment or the agent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    part: Part,
    /// At least one key.
    path: Vec<String>,
    value: Value,
}

impl Setting {
    /// Writes it over the settings of whom it is for.
    pub(crate) fn apply(&self, env: &mut Map<String, Value>, agent: &mut Map<String, Value>) {
        let config = match self.part {
            Part::Env => env,
            Part::Agent => agent,
        };
        insert(config, &self.path, self.value.clone());
    }
}

/// Whose setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Env,
    Agent,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Agent => "agent",
        }
    }
}

impl FromStr for Setting {
    type Err = String;

    /// A value is read as in TOML; what is not TOML is text, so that names need no quotes.
    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected `env.KEY=VALUE` or `agent.KEY=VALUE`")?;
        let mut path = key.split('.').map(|step| step.trim().to_owned());
        let part = match path.next().as_deref() {
            Some("env") => Part::Env,
            Some("agent") => Part::Agent,
            _ => return Err(format!("`{key}` is a setting of nobody; write `env.{key}` or `agent.{key}`")),
        };
        let path: Vec<String> = path.collect();
        if path.is_empty() || path.iter().any(String::is_empty) {
            return Err(format!("`{key}` names no setting; write `{}.KEY=VALUE`", part.name()));
        }
        Ok(Self { part, path, value: setting_value(value) })
    }
}

/// The value of a setting: as in TOML, or text if it is not TOML.
pub(crate) fn setting_value(text: &str) -> Value {
    let text = text.trim();
    toml_value(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// What TOML reads in `text`; none if it is not one value, or holds a number that JSON has not: infinity or NaN.
pub(crate) fn toml_value(text: &str) -> Option<Value> {
    let table = toml::from_str::<BTreeMap<String, Value>>(&format!("value = {text}")).ok()?;
    let mut table = Some(table).filter(|table| table.len() == 1)?;
    table.remove("value").filter(|value| !holds_null(value))
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(object) => object.values().any(holds_null),
        other => other.is_null(),
    }
}

/// Sets the value at `path`, making tables on the way.
pub(crate) fn insert(config: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            config.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let inner = config.entry(key.clone()).or_insert(Value::Null);
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// A time in seconds, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct WallTime(f64);

impl FromStr for WallTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit_s = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];
        let parsed = unit_s.iter().find_map(|&(unit, seconds)| {
            let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            Some(number * seconds).filter(|wall_s| wall_s.is_finite() && *wall_s > 0.0)
        });
        parsed.map(Self).ok_or_else(|| "expected a time above 0 such as `60s`, `10m` or `2h`".to_owned())
    }
}

/// `latency_s=1e-3`.
#[derive(Debug, Clone, PartialEq)]
struct TargetValue(BudgetTarget);

impl FromStr for TargetValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a metric and a number such as `latency_s=1e-3`";
        let (metric, value) = text.split_once('=').ok_or(expected)?;
        let value: f64 = value.trim().parse().map_err(|_| expected)?;
        Ok(Self(BudgetTarget { metric: metric.trim().to_owned(), value }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    // Claim: values are read as in TOML, names need no quotes, and dots lead into tables.
    #[test]
    fn settings_are_read_as_they_would_stand_in_a_spec() {
        let mut spec = Spec::new("e", "a", Budget::trials(DEFAULT_TRIALS));
        for text in
            ["env.networks=[\"bert-base\"]", "env.dataflow=os", "env.dram.channels = 2", "env.clock=1e9"]
        {
            let setting: Setting = text.parse().unwrap();
            insert(&mut spec.env.config, &setting.path, setting.value);
        }
        assert_eq!(
            Value::Object(spec.env.config),
            json!({ "networks": ["bert-base"], "dataflow": "os", "dram": { "channels": 2 }, "clock": 1e9 })
        );
    }

    #[test]
    fn a_setting_of_nobody_is_refused_with_the_remedy() {
        let error = "population=64".parse::<Setting>().unwrap_err();
        assert_eq!(
            error,
            "`population` is a setting of nobody; write `env.population` or `agent.population`"
        );
        assert!("env".parse::<Setting>().is_err());
        assert!("env=1".parse::<Setting>().is_err());
        assert!("env.=1".parse::<Setting>().is_err());
    }

    // Claim: infinity is no setting that is absent; whoever reads a number is told what was written.
    #[test]
    fn what_is_no_number_of_json_stays_text() {
        for text in ["inf", "nan", "[1.0, -inf]"] {
            assert_eq!(setting_value(text), json!(text));
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_told_what_does() {
        assert_eq!(seed("-1").unwrap_err(), "expected a whole number from 0 to 9223372036854775807");
        assert_eq!(at_least_one("0").unwrap_err(), "expected a whole number from 1 to 9223372036854775807");
        assert_eq!(
            (seed("9223372036854775807"), at_least_one("1")),
            (Ok(i64::MAX as u64), Ok(NonZeroUsize::MIN))
        );
        assert!(seed("9223372036854775808").is_err() && at_least_one("18446744073709551615").is_err());
        let error = "env.=1".parse::<Setting>().unwrap_err();
        assert_eq!(error, "`env.` names no setting; write `env.KEY=VALUE`");
    }

    // Claim: a value cannot smuggle in another key.
    #[test]
    fn a_line_break_makes_no_second_setting() {
        let setting: Setting = "agent.a=1\nb=2".parse().unwrap();
        assert_eq!(setting.value, json!("1\nb=2"));
    }

    #[test]
    fn times_have_units() {
        assert_eq!("1.5m".parse(), Ok(WallTime(90.0)));
        assert_eq!("2h".parse(), Ok(WallTime(7200.0)));
        for text in ["60", "-1s", "0s", "infs", "s"] {
            assert!(text.parse::<WallTime>().is_err(), "{text}");
        }
    }
}
