//! Agents of one's own as classes in Python, which an interpreter asks as [`Process`] asks a program.
//!
//! Validated by: the class of the guide, in the loop, in a comparison, resumed and replayed (`cli/tests/commands/own_python.rs`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Trial,
};
use tapeout_process::{PYTHON, Program, PythonRole, find_python_class};

use super::{Manner, Process, limit};

/// Which class, and how long it may think.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PythonAgentConfig {
    /// `FILE.py:Class`, or `module:Class` as the interpreter finds modules; a resolved spec has the file.
    pub class: String,
    /// The interpreter; if none is named, the one that runs this program, or `python3`.
    pub python: Option<String>,
    /// Seconds that it may take for an answer.
    pub timeout_s: f64,
    /// How often it is asked again for a batch in which a design is not legal.
    pub retries: u32,
    /// Legal designs drawn at random that come with each question for designs.
    pub candidates: usize,
    /// Keywords that the class is made with.
    pub settings: Map<String, Json>,
}

impl Default for PythonAgentConfig {
    /// Ours: as many candidates as a batch has if nobody says; the rest as a program of one's own.
    fn default() -> Self {
        let (class, settings) = (String::new(), Map::new());
        Self { class, python: None, timeout_s: 600.0, retries: 3, candidates: 32, settings }
    }
}

/// A class that searches.
pub struct PythonAgent(Process);

impl Agent for PythonAgent {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        self.0.suggest(count)
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        self.0.observe(trials)
    }
}

impl BuildAgent for PythonAgent {
    const ID: &'static str = "python";
    const SUMMARY: &'static str = "An agent of your own: a class in Python";
    const DESCRIPTION: &'static str = include_str!("python.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    const REQUIRED: &'static [&'static str] = &["class"];
    const FILES: &'static [&'static str] = &["class"];
    const PROGRAMS: &'static [&'static str] = &["python"];
    type Config = PythonAgentConfig;

    fn found(config: PythonAgentConfig) -> Result<PythonAgentConfig, ConfigError> {
        let python = config.python.as_deref().unwrap_or(PYTHON);
        let class = find_python_class(python, &config.class)
            .map_err(|error| ConfigError::new("class", error.to_string()))?;
        Ok(PythonAgentConfig { class, ..config })
    }

    fn build(problem: &Problem, config: PythonAgentConfig, seed: Seed) -> Result<Self, ConfigError> {
        let limit = limit(config.timeout_s)?;
        let python = config.python.as_deref().unwrap_or(PYTHON);
        let program = Program::python(python, PythonRole::Agent, &config.class, "")
            .map_err(|error| ConfigError::new("class", error.to_string()))?;
        let PythonAgentConfig { retries, candidates, settings, .. } = config;
        Ok(Self(Process::new(problem, program, Manner { limit, retries, candidates, settings }, seed)))
    }
}
