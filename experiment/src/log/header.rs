//! The first line of the log: what the trials below are trials of.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tapeout_core::env::ContextFeature;
use tapeout_core::{Constraint, Definition, Env, Objective, Parameter, Problem, Seed};

use super::{LogFault, RecordFormat};
use crate::input_files::{as_written, by_contents, programs_as_written};
use crate::spec::{AgentSpec, EnvSpec, Spec};
use crate::warm_start::{Lesson, WarmStart};

/// The version of the format of new logs.
pub const LOG_VERSION: u32 = 3;
/// The first version, whose trials have no checksum. Logs of it are read and gone on with as they are, as those of the second, in which no
/// trial was made that failed. One of either that is gone on with may gain such trials under its old version: this program reads them, and
/// one that knows no later version than that of the log says which line it cannot read.
pub(crate) const UNCHECKED_VERSION: u32 = 1;

const FORMAT: &str = "tapeout-trials";

/// What the trials of a log are trials of: all of the spec that has a bearing on them, and what it led to.
///
/// The budget is not among it: the log of a smaller budget is the beginning of the log of a larger one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    format: String,
    version: u32,
    /// The environment, its version and all its settings.
    pub env: EnvSpec,
    /// What is measured, in the order in which it stands in each trial.
    pub metrics: Vec<LoggedMetric>,
    /// The parameters of a design.
    pub parameters: Vec<Parameter>,
    /// The fingerprint of the space, in hexadecimal: it tells apart spaces that differ in their rules alone.
    pub space: String,
    /// Who searched for what.
    pub search: LoggedSearch,
    /// What designs ran; absent from logs of before it was logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<LoggedWorkload>,
}

/// What the environment says of the workload that designs ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedWorkload {
    /// The settings that name it.
    pub settings: Vec<String>,
    /// The numbers that describe it.
    pub context: Vec<ContextFeature>,
    /// Whether a design may have several outcomes.
    pub is_noisy: bool,
}

impl LoggedWorkload {
    /// What `env` says of its workload.
    pub fn of(env: &dyn Env) -> Self {
        Self {
            settings: env.workload_settings().iter().map(|&name| name.to_owned()).collect(),
            context: env.context(),
            is_noisy: env.is_noisy(),
        }
    }
}

/// A metric, as a log needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedMetric {
    /// Its name.
    pub name: String,
    /// Its unit in SI; empty for a ratio or a count.
    pub unit: String,
}

/// Who searched for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedSearch {
    /// The agent and all its hyperparameters.
    pub agent: AgentSpec,
    /// The seed.
    pub seed: Seed,
    /// How many designs were asked for at once.
    pub batch: NonZeroUsize,
    /// What was optimised.
    pub objectives: Vec<Objective>,
    /// What was acceptable.
    pub constraints: Vec<Constraint>,
    /// Metrics that follow from the logged ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Definition>,
    /// What the agent was told before its first proposal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm_start: Vec<Lesson>,
}

impl EnvSpec {
    /// The same environment, with files told by what is in them, wherever they are.
    fn by_contents(&self) -> Self {
        Self { config: by_contents(&self.config, &self.files), files: BTreeMap::new(), ..self.clone() }
    }
}

impl AgentSpec {
    /// The same agent, with files told by what is in them, wherever they are.
    fn by_contents(&self) -> Self {
        Self { config: by_contents(&self.config, &self.files), files: BTreeMap::new(), ..self.clone() }
    }
}

/// What every version of the format has in its first line.
#[derive(Deserialize)]
struct Mark {
    format: String,
    version: u64,
}

impl Header {
    /// The header of the log of what `spec` says, searching `problem` by asking `env`.
    pub(crate) fn of(spec: &Spec, env: &dyn Env, problem: &Problem) -> Self {
        let metric = |metric: &tapeout_core::Metric| LoggedMetric {
            name: metric.name.clone(),
            unit: metric.unit.clone(),
        };
        Self {
            format: FORMAT.to_owned(),
            version: LOG_VERSION,
            env: spec.env.clone(),
            metrics: problem.metrics().iter().map(metric).collect(),
            parameters: problem.space().parameters().to_vec(),
            space: format!("{:016x}", problem.space().fingerprint()),
            search: LoggedSearch {
                agent: spec.agent.clone(),
                seed: spec.seed,
                batch: spec.batch,
                objectives: problem.objectives().to_vec(),
                constraints: problem.constraints().to_vec(),
                derived: problem.definitions().to_vec(),
                warm_start: spec.warm_start.iter().filter_map(WarmStart::lesson).collect(),
            },
            workload: Some(LoggedWorkload::of(env)),
        }
    }

    /// The first part of what a design is, and of what it is measured by, in which two headers differ, and what either
    /// has there: the environment with its settings, and the space.
    pub(crate) fn first_difference_of_spaces(&self, other: &Self) -> Option<(String, Value, Value)> {
        let space = |header: &Self| {
            let env = header.env.by_contents();
            serde_json::json!({ "env": env, "parameters": header.parameters, "space": header.space })
        };
        first_difference(&space(self), &space(other), String::new())
    }

    /// How trials of `problem` stand in the log with this header.
    pub(crate) fn record_format(&self, problem: &Problem) -> RecordFormat {
        let format = RecordFormat::of(problem);
        if self.version == UNCHECKED_VERSION { format } else { format.checked() }
    }

    /// The line, newline included.
    pub(crate) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("a header is plain data with text keys");
        line.push('\n');
        line
    }

    /// Reads the line.
    ///
    /// # Errors
    /// [`LogFault`] if it is no header, or of another version.
    pub fn parse(line: &str) -> Result<Self, LogFault> {
        let mark: Mark =
            serde_json::from_str(line).map_err(|error| LogFault::NotAHeader(error.to_string()))?;
        if mark.format != FORMAT {
            let message = format!("`format` is `{}`; expected `{FORMAT}`", mark.format);
            return Err(LogFault::NotAHeader(message));
        }
        if !(u64::from(UNCHECKED_VERSION)..=u64::from(LOG_VERSION)).contains(&mark.version) {
            return Err(LogFault::Version { got: mark.version });
        }
        let mut deserializer = serde_json::Deserializer::from_str(line);
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| LogFault::NotAHeader(format!("`{}`: {}", error.path(), error.inner())))
    }

    /// Fails unless a log with this header belongs to the run whose log has the header `here`.
    pub(crate) fn check(&self, here: &Self) -> Result<(), LogFault> {
        // What describes the workload follows from the environment; logs of before it was logged belong here too, and those of
        // another version.
        let data = |header: &Self| {
            let (env, agent) = (header.env.by_contents(), header.search.agent.by_contents());
            let search = LoggedSearch { agent, ..header.search.clone() };
            let header = Self { version: LOG_VERSION, workload: None, env, search, ..header.clone() };
            serde_json::to_value(header).expect("a header is plain data with text keys")
        };
        let (logged, mut expected) = (data(self), data(here));
        if self.env.files.is_empty() {
            // A log of before files were known by their contents has their paths as they were written.
            expected["env"]["config"] =
                as_written(&self.env.config, &here.env.config, &here.env.files).into();
        }
        // Programs have their full paths, or in logs of before the ones that were written; they may lie elsewhere on another machine.
        let agents = [self, here].map(|header| header.search.agent.by_contents());
        expected["search"]["agent"]["config"] =
            programs_as_written(&agents[0].config, &agents[1].config).into();
        let difference = first_difference(&logged, &expected, String::new());
        difference.map_or(Ok(()), |(field, logged, here)| {
            Err(LogFault::OtherRun {
                env: self.env.id.clone(),
                version: self.env.version.unwrap_or_default(),
                field,
                logged: logged.to_string(),
                here: here.to_string(),
            })
        })
    }
}

/// The first place in which two trees differ, and what stands there; null stands for what is absent.
fn first_difference(a: &Value, b: &Value, path: String) -> Option<(String, Value, Value)> {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            let dot = if path.is_empty() { "" } else { "." };
            let value =
                |object: &serde_json::Map<String, Value>, key| object.get(key).cloned().unwrap_or_default();
            keys.into_iter().find_map(|key| {
                first_difference(&value(left, key), &value(right, key), format!("{path}{dot}{key}"))
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => (left.iter().zip(right))
            .enumerate()
            .find_map(|(index, (a, b))| first_difference(a, b, format!("{path}[{index}]"))),
        _ => (a != b).then(|| (path, a.clone(), b.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_found_by_its_path() {
        let a = json!({ "x": { "y": [1, { "z": 2 }] }, "only": 1 });
        let mut b = a.clone();
        assert_eq!(first_difference(&a, &b, String::new()), None);
        b["x"]["y"][1]["z"] = json!(3);
        assert_eq!(
            first_difference(&a, &b, String::new()),
            Some(("x.y[1].z".to_owned(), json!(2), json!(3)))
        );
        let absent = json!({ "x": a["x"] });
        assert_eq!(
            first_difference(&a, &absent, String::new()),
            Some(("only".to_owned(), json!(1), Value::Null))
        );
    }

    #[test]
    fn another_version_is_told_before_anything_else_is_read() {
        let error = Header::parse(r#"{"format":"tapeout-trials","version":4,"new":{}}"#).unwrap_err();
        assert_eq!(error.to_string(), "log version 4; this program reads versions 1 to 3");
        let error = Header::parse(r#"{"design":{}}"#).unwrap_err();
        assert!(error.to_string().starts_with("the first line is not the header of a trial log"), "{error}");
    }
}
