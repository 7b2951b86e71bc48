//! Simulators of one's own: programs that are given a design and say what it is worth.
//!
//! Validated by: programs in C and Python that stand in for simulators, and SCALE-Sim (`gym/tests/own_simulators.rs`).

mod answer;
mod declaration;
mod placeholders;
pub(crate) mod python;
mod runner;

use std::path::Path;

use serde::{Deserialize, Serialize};
use tapeout_core::{BuildEnv, ConfigError, Design, DesignSpace, Env, EvalError, Goal, Metric, Outcome};

use declaration::Declaration;
use runner::Runner;

/// What is said of a file without a command.
const NO_COMMAND: &str = "the file names no command, so designs are evaluated by whoever holds the loop: use `tapeout ask`, `tell` or `serve`";

/// Which simulator.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandConfig {
    /// The TOML file that names parameters, rules, metrics and the command.
    pub file: String,
}

/// A program as an environment.
pub struct CommandEnv {
    space: DesignSpace,
    metrics: Vec<Metric>,
    goal: Goal,
    is_noisy: bool,
    is_parallel: bool,
    /// None if whoever holds the loop evaluates the designs.
    runner: Option<Runner>,
}

impl Env for CommandEnv {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        match &self.runner {
            Some(runner) => runner.evaluate(&self.space, design),
            None => Err(EvalError::new(NO_COMMAND)),
        }
    }

    fn is_noisy(&self) -> bool {
        self.is_noisy
    }

    fn is_parallel(&self) -> bool {
        self.is_parallel
    }

    fn missing(&self) -> Option<String> {
        self.runner.is_none().then(|| NO_COMMAND.to_owned())
    }
}

impl BuildEnv for CommandEnv {
    const ID: &'static str = "command";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str =
        "A simulator of your own: any program that is given a design and says what it is worth";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const REQUIRED: &'static [&'static str] = &["file"];
    const FILES: &'static [&'static str] = &["file"];
    type Config = CommandConfig;

    fn build(config: CommandConfig) -> Result<Self, ConfigError> {
        let path = Path::new(&config.file);
        let in_file = |message: String| ConfigError::new("file", format!("{}: {message}", path.display()));
        if config.file.is_empty() {
            return Err(ConfigError::new("file", "names no file; write `env.file = \"simulator.toml\"`"));
        }
        let text =
            tapeout_input::read_text(path).map_err(|error| in_file(format!("cannot be read: {error}")))?;
        let declaration = Declaration::read(&text)
            .map_err(|error| ConfigError::new("file", format!("{}:{error}", path.display())))?;
        let Declaration { space, metrics, goal, command, answers } = declaration;
        let is_noisy = command.as_ref().is_some_and(|command| command.noisy);
        let is_parallel = command.as_ref().is_none_or(|command| command.parallel);
        let home = path.parent().unwrap_or_else(|| Path::new(".")).to_owned();
        let runner = command.map(|command| Runner::new(command, answers, &space, &home).map_err(in_file));
        let runner = runner.transpose()?;
        Ok(Self { space, metrics, goal, is_noisy, is_parallel, runner })
    }

    fn default_goal(&self) -> Goal {
        self.goal.clone()
    }
}

#[cfg(test)]
mod tests;
