//! The study of learners for offline design: `offline-study` answers what is not answered yet, and writes the report.
//!
//! Answers are lines of JSON, a line for each problem, method and seed; so the study can be stopped at any time, and goes on.

mod cell;
mod problems;
mod report;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write, stderr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use cell::{Answer, Failed, Question, Size};
use problems::{LEARNERS, PROBLEMS, SEARCHES};
use report::report;

/// Learners for offline design on problems whose infeasibility is not arithmetic.
#[derive(Parser)]
#[command(name = "offline-study", version, max_term_width = 110)]
struct Arguments {
    /// The folder of answers and report
    #[arg(long, value_name = "FOLDER", default_value = "docs/studies/offline")]
    out: PathBuf,
    /// The folder of the logs
    #[arg(long, value_name = "FOLDER", default_value = "runs/study/offline")]
    data: PathBuf,
    /// Seeds from 0
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    seeds: u64,
    /// Random designs that are logged
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    designs: usize,
    /// How often a model is asked
    #[arg(long, value_name = "NUMBER", default_value = "2000")]
    model_calls: NonZeroUsize,
    /// Designs that are proposed
    #[arg(long, value_name = "NUMBER", default_value = "16")]
    proposals: NonZeroUsize,
    /// Only write the report anew
    #[arg(long)]
    report: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failed> {
    fs::create_dir_all(&arguments.out)?;
    let path = arguments.out.join("answers.jsonl");
    let mut answers = answered(&path)?;
    let Arguments { designs, model_calls, proposals, .. } = *arguments;
    let size = Size { designs, model_calls, proposals };
    if !arguments.report {
        let catalog = tapeout::builtin();
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        for seed in 0..arguments.seeds {
            for problem in &PROBLEMS {
                let asked = Question::new(&catalog, problem, size, seed, &arguments.data)?;
                for method in LEARNERS.iter().chain(&SEARCHES) {
                    let is_same =
                        |it: &Answer| it.problem == problem.name && it.method == *method && it.seed == seed;
                    if answers.iter().any(is_same) {
                        continue;
                    }
                    let answer = asked.answer(&catalog, method, size)?;
                    writeln!(file, "{}", serde_json::to_string(&answer)?)?;
                    say(&format!("{}, {method}, seed {seed}", problem.name));
                    answers.push(answer);
                }
            }
        }
    }
    let command = format!(
        "cargo run --release -p offline-study -- --seeds {} --designs {designs} --model-calls {model_calls}",
        arguments.seeds
    );
    fs::write(arguments.out.join("README.md"), report(&answers, &command))?;
    Ok(())
}

/// What is answered already.
fn answered(path: &Path) -> Result<Vec<Answer>, Failed> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// A line on the standard error; whoever closed it does not want it.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
