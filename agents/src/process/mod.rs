//! Agents of one's own in any language: a process that speaks lines of JSON.
//!
//! Validated by: shells that hang, die, and propose what is not there; the agent in Python of the guide (`cli/tests/commands/own_agents.rs`).

mod protocol;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tapeout_core::config::{above, check};
use tapeout_core::{
    Agent, AgentError, BuildAgent, ConfigError, Design, ObjectiveSupport, Problem, Seed, Stream, Trial,
};
use tapeout_process::{Conversation, Program};

use protocol::{Answer, Question, Refused};

/// Which program, and how long it may think.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessConfig {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Seconds that it may take for an answer.
    pub timeout_s: f64,
    /// How often it is asked again for a batch in which a design is not legal, with the reason.
    pub retries: u32,
    /// Legal designs drawn at random that are sent along with each `suggest`.
    pub candidates: usize,
    /// Whatever the program wants to know; handed to it as it is.
    pub settings: Map<String, Json>,
}

impl Default for ProcessConfig {
    /// Ours: ten minutes, in which a language model has answered; three attempts.
    fn default() -> Self {
        Self { command: Vec::new(), timeout_s: 600.0, retries: 3, candidates: 0, settings: Map::new() }
    }
}

/// A program that searches.
pub struct Process {
    problem: Problem,
    config: ProcessConfig,
    limit: Duration,
    seed: Seed,
    rng: Stream,
    /// Started when it is first needed: an agent that is only built asks nothing.
    conversation: Option<Conversation>,
}

impl Process {
    /// Asks, and reads the answer; the program is started and told the problem before the first question.
    fn ask(&mut self, question: &Question<'_>) -> Result<Answer, AgentError> {
        let begins = self.conversation.is_none();
        let conversation = match &mut self.conversation {
            Some(conversation) => conversation,
            empty => {
                let (path, arguments) =
                    self.config.command.split_first().expect("invariant: `build` checks it");
                let program = Program { arguments: arguments.to_vec(), ..Program::new(path) };
                let started = program.talk().map_err(|error| AgentError::new(error.to_string()))?;
                empty.insert(started)
            }
        };
        if begins {
            let begin = Question::begin(&self.problem, self.seed, &self.config.settings);
            answer(conversation, &begin, self.limit)?;
        }
        answer(conversation, question, self.limit)
    }
}

fn answer(
    conversation: &mut Conversation,
    question: &Question<'_>,
    limit: Duration,
) -> Result<Answer, AgentError> {
    let line = question.line();
    let heard = conversation.ask(&line, limit).map_err(|silence| AgentError::new(silence.to_string()))?;
    Answer::read(&heard).map_err(AgentError::new)
}

impl Agent for Process {
    fn suggest(&mut self, count: usize) -> Result<Vec<Design>, AgentError> {
        let problem = self.problem.clone();
        let space = problem.space();
        let candidates: Vec<Design> =
            (0..self.config.candidates).map(|_| space.sample(&mut self.rng)).collect();
        let mut refused: Vec<Refused> = Vec::new();
        for _ in 0..=self.config.retries {
            let answer = self.ask(&Question::suggest(&problem, count, &candidates, &refused))?;
            let proposed = answer.designs(&problem).map_err(AgentError::new)?;
            match proposed {
                Ok(designs) => return Ok(designs),
                Err(reasons) => refused = reasons,
            }
        }
        let Refused { design, why } = refused.swap_remove(0);
        Err(AgentError::new(format!("it proposed {design}, which is no design: {why}")))
    }

    fn observe(&mut self, trials: &[Trial]) -> Result<(), AgentError> {
        let problem = self.problem.clone();
        self.ask(&Question::observe(&problem, trials)).map(|_| ())
    }
}

impl BuildAgent for Process {
    const ID: &'static str = "process";
    const SUMMARY: &'static str = "An agent of your own: a program in any language that speaks lines of JSON";
    const DESCRIPTION: &'static str = include_str!("page.md");
    const OBJECTIVES: ObjectiveSupport = ObjectiveSupport::Any;
    const REQUIRED: &'static [&'static str] = &["command"];
    const FILES: &'static [&'static str] = &["command"];
    type Config = ProcessConfig;

    fn build(problem: &Problem, config: ProcessConfig, seed: Seed) -> Result<Self, ConfigError> {
        if config.command.is_empty() {
            let message = "names no program; write `agent.command = [\"python3\", \"agent.py\"]`";
            return Err(ConfigError::new("command", message));
        }
        check("timeout_s", config.timeout_s, above(0.0))?;
        let limit = Duration::try_from_secs_f64(config.timeout_s)
            .map_err(|error| ConfigError::new("timeout_s", error.to_string()))?;
        let rng = seed.stream("process");
        Ok(Self { problem: problem.clone(), config, limit, seed, rng, conversation: None })
    }
}

#[cfg(test)]
mod tests;
