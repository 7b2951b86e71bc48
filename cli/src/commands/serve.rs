//! `tapeout serve`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use tapeout::core::{Catalog, Value as Setting};
use tapeout::experiment::{AskTell, Experiment};

use crate::answer::{Answer, Exit};
use crate::arguments::SpecFlags;
use crate::failure::Failure;
use crate::held_run::{Told, answer, asked, design, experiment, tell};

/// Which run, and what it is if it is not there yet.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the run, which begins if it is not there
    run: PathBuf,
    #[command(flatten)]
    spec: SpecFlags,
}

/// A line of a program.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    /// Which designs does the agent want to know of?
    Ask {},
    /// This became of them.
    Tell(Vec<Told>),
    /// What does the environment say of these designs? Nothing is logged.
    Evaluate(Vec<BTreeMap<String, Setting>>),
}

impl Args {
    /// Answers each line of the standard input with a line, until it ends. A request that cannot be met is answered with what is wrong
    /// with it; a run that fails is over, when that is said.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let experiment = experiment(catalog, &self.run, &self.spec)?;
        let mut run = AskTell::open(&experiment, &self.run)?;
        let (input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
        for line in input.lines() {
            let line =
                line.map_err(|error| Failure::failed(error).context("cannot read the standard input"))?;
            if line.trim().is_empty() {
                continue;
            }
            let said = reply(&mut run, &experiment, &line);
            let line = match &said {
                Ok(said) => said.clone(),
                Err(failure) => json!({ "error": failure.message() }),
            };
            let is_heard = writeln!(output, "{line}").and_then(|()| output.flush()).is_ok();
            if let Err(failure) = said
                && failure.exit() != Exit::BadInput
            {
                return Err(failure);
            }
            if !is_heard {
                break; // nobody listens any more
            }
        }
        Ok(Answer::text(""))
    }
}

fn reply(run: &mut AskTell, experiment: &Experiment, line: &str) -> Result<Value, Failure> {
    let request: Request = serde_json::from_str(line).map_err(|error| {
        Failure::bad_input(error)
            .hint("write `{\"ask\": {}}`, `{\"tell\": [...]}` or `{\"evaluate\": [...]}`")
    })?;
    let env = experiment.env();
    match request {
        Request::Ask {} => asked(run, env.space()),
        Request::Tell(told) => {
            tell(run, env, told)?;
            Ok(json!({ "trials": run.n_trials() }))
        }
        Request::Evaluate(designs) => {
            let said = designs.iter().map(|settings| match design(env.space(), settings) {
                Ok(design) => answer(env, env.evaluate(&design)),
                Err(message) => json!({ "error": message }),
            });
            Ok(json!({ "outcomes": said.collect::<Value>() }))
        }
    }
}
