//! Agents of one's own in any language: a process that speaks lines of JSON.
//!
//! Validated by: shells that hang, die, and propose what is not there; the agent in Python of the guide (`cli/tests/commands/own_agents.rs`).

mod protocol;
pub mod python;

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

/// How a program is asked.
struct Manner {
    limit: Duration,
    retries: u32,
    candidates: usize,
    settings: Map<String, Json>,
}

/// A program that searches.
pub struct Process {
    problem: Problem,
    program: Program,
    manner: Manner,
    seed: Seed,
    rng: Stream,
    /// Started when it is first needed: an agent that is only built asks nothing.
    conversation: Option<Conversation>,
}

impl Process {
    /// The agent that `program` is; it is not started.
    fn new(problem: &Problem, program: Program, manner: Manner, seed: Seed) -> Self {
        let rng = seed.stream("process");
        Self { problem: problem.clone(), program, manner, seed, rng, conversation: None }
    }

    /// Asks, and reads the answer; the program is started and told the problem before the first question.
    fn ask(&mut self, question: &Question<'_>) -> Result<Answer, AgentError> {
        let begins = self.conversation.is_none();
        let conversation = match &mut self.conversation {
            Some(conversation) => conversation,
            empty => {
                let started = self.program.talk().map_err(|error| AgentError::new(error.to_string()))?;
                empty.insert(started)
            }
        };
        if begins {
            let begin = Question::begin(&self.problem, self.seed, &self.manner.settings);
            answer(conversation, &begin, self.manner.limit)?;
        }
        answer(conversation, question, self.manner.limit)
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
            (0..self.manner.candidates).map(|_| space.sample(&mut self.rng)).collect();
        let mut refused: Vec<Refused> = Vec::new();
        for _ in 0..=self.manner.retries {
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
    const PROGRAMS: &'static [&'static str] = &["command"];
    type Config = ProcessConfig;

    fn build(problem: &Problem, config: ProcessConfig, seed: Seed) -> Result<Self, ConfigError> {
        let Some((path, arguments)) = config.command.split_first() else {
            let message = "names no program; write `agent.command = [\"python3\", \"agent.py\"]`";
            return Err(ConfigError::new("command", message));
        };
        let program = Program { arguments: arguments.to_vec(), ..Program::new(path) };
        let (limit, ProcessConfig { retries, candidates, settings, .. }) = (limit(config.timeout_s)?, config);
        Ok(Self::new(problem, program, Manner { limit, retries, candidates, settings }, seed))
    }
}

/// The setting `timeout_s`.
fn limit(timeout_s: f64) -> Result<Duration, ConfigError> {
    check("timeout_s", timeout_s, above(0.0))?;
    Duration::try_from_secs_f64(timeout_s).map_err(|error| ConfigError::new("timeout_s", error.to_string()))
}

#[cfg(test)]
mod tests;
