//! Environments of one's own as classes in Python, in processes that live on, as [`CommandEnv`](super::CommandEnv) has them.
//!
//! Validated by: the class of the guide, on several threads, with workers that are killed (`cli/tests/commands/own_python.rs`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Outcome, Parameter,
};
use tapeout_process::{Conversation, PYTHON, Program, PythonRole, find_python_class};

use super::answer::Answers;
use super::declaration::{CommandText, Declaration, Mode};
use super::runner::{Runner, greet};

/// The question that a class answers with its declaration.
const DECLARE: &str = r#"{"declare":{}}"#;

/// The columns that the frames of Python have beside parameters and metrics (`python/package/tapeout/_outcomes.py`, `_run.py`), and what the
/// answer of a class says of a rule.
const TAKEN: [&str; 6] = ["acceptable", "failed", "infeasible", "rule", "status", "violation"];

/// Which class.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PythonEnvConfig {
    /// `FILE.py:Class`, or `module:Class` as the interpreter finds modules; a resolved spec has the file.
    pub class: String,
    /// The interpreter; if none is named, the one that runs this program, or `python3`.
    pub python: Option<String>,
    /// Keywords that the class is made with.
    pub settings: Map<String, Json>,
    /// Seconds that a design may take.
    pub timeout_s: f64,
    /// Fresh attempts after a process has died.
    pub retries: u32,
    /// Designs are evaluated side by side, each in a process of its own.
    pub parallel: bool,
    /// A design may have several answers.
    pub noisy: bool,
}

impl Default for PythonEnvConfig {
    /// As a program of one's own.
    fn default() -> Self {
        let CommandText { timeout_s, retries, parallel, noisy, .. } = CommandText::default();
        let (class, settings) = (String::new(), Map::new());
        Self { class, python: None, settings, timeout_s, retries, parallel, noisy }
    }
}

/// A class that evaluates.
pub struct PythonEnv {
    space: DesignSpace,
    metrics: Vec<Metric>,
    goal: Goal,
    is_noisy: bool,
    is_parallel: bool,
    runner: Runner,
}

/// What a class answers.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Declared {
    Declaration(String),
    Error(String),
}

impl Env for PythonEnv {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        self.runner.evaluate(&self.space, design)
    }

    fn is_noisy(&self) -> bool {
        self.is_noisy
    }

    fn is_parallel(&self) -> bool {
        self.is_parallel
    }
}

impl BuildEnv for PythonEnv {
    const ID: &'static str = "python";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "A simulator of your own: a class in Python";
    const DESCRIPTION: &'static str = include_str!("python.md");
    const REQUIRED: &'static [&'static str] = &["class"];
    const FILES: &'static [&'static str] = &["class"];
    const PROGRAMS: &'static [&'static str] = &["python"];
    type Config = PythonEnvConfig;

    fn found(config: PythonEnvConfig) -> Result<PythonEnvConfig, ConfigError> {
        let python = config.python.as_deref().unwrap_or(PYTHON);
        let class = find_python_class(python, &config.class)
            .map_err(|error| ConfigError::new("class", error.to_string()))?;
        Ok(PythonEnvConfig { class, ..config })
    }

    fn build(config: PythonEnvConfig) -> Result<Self, ConfigError> {
        let PythonEnvConfig { class, python, settings, timeout_s, retries, parallel, noisy } = config;
        let settings = Json::Object(settings).to_string();
        let python = python.as_deref().unwrap_or(PYTHON);
        let program = Program::python(python, PythonRole::Env, &class, &settings)
            .map_err(|error| ConfigError::new("class", error.to_string()))?;
        let refused = |message: String| ConfigError::new("class", format!("{class}: {message}"));
        let mut first: Conversation =
            program.talk().map_err(|error| ConfigError::new("python", error.to_string()))?;
        let line = greet(&mut first, DECLARE).map_err(|silence| refused(silence.to_string()))?;
        let declared = serde_json::from_str(&line).map_err(|error| refused(error.to_string()))?;
        let text = match declared {
            Declared::Declaration(text) => text,
            Declared::Error(said) => return Err(refused(said)),
        };
        let Declaration { space, metrics, goal, .. } =
            Declaration::read(&text).map_err(|error| refused(error.message().to_owned()))?;
        let names = space.parameters().iter().map(Parameter::name);
        let mut names = names.chain(metrics.iter().map(|metric| metric.name.as_str()));
        if let Some(taken) = names.find(|name| TAKEN.contains(name)) {
            let taken = format!(
                "`{taken}` is what tables of trials call something of their own; name it otherwise: {} are taken",
                TAKEN.join(", ")
            );
            return Err(refused(taken));
        }
        let (answers, mode) = (Answers::json(&metrics), Mode::Lines);
        let command = CommandText { mode, timeout_s, retries, parallel, noisy, ..CommandText::default() };
        let runner = Runner::greeted(program, command, answers, (DECLARE, line), first)
            .map_err(|message| ConfigError::new("timeout_s", message))?;
        Ok(Self { space, metrics, goal, is_noisy: noisy, is_parallel: parallel, runner })
    }

    fn default_goal(&self) -> Goal {
        self.goal.clone()
    }
}
