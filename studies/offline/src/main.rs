//! The study of learners for offline design: `offline-study` answers what is not answered yet, and writes the report.
//!
//! Answers are lines of JSON, a line for each problem, method and seed; so the study can be stopped at any time, and goes on. All answers
//! in a folder are of one size, which is in `size.json` beside them; `remark.md`, if it is there, is told to readers of the report.

mod cell;
mod problems;
mod report;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write, stderr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use cell::{Answer, CellQuestion, Failed, Size};
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
    let Arguments { designs, model_calls, proposals, .. } = *arguments;
    let size = Size { designs, model_calls, proposals };
    hold_to(size, &arguments.out.join("size.json"))?;
    let mut answers = answered(&path)?;
    if !arguments.report {
        let catalog = tapeout::builtin();
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        for seed in 0..arguments.seeds {
            for problem in &PROBLEMS {
                let asked = CellQuestion::new(&catalog, problem, size, seed, &arguments.data)?;
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
    let command =
        format!("cargo run --release -p offline-study -- --seeds {} {}", arguments.seeds, size.flags());
    let remark = remark(&arguments.out.join("remark.md"))?;
    fs::write(arguments.out.join("README.md"), report(&answers, &command, &remark))?;
    Ok(())
}

/// Notes the size of the answers, or fails if those that are there are of another one.
fn hold_to(size: Size, path: &Path) -> Result<(), Failed> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(fs::write(path, serde_json::to_string(&size)? + "\n")?);
        }
        Err(error) => return Err(error.into()),
    };
    let there: Size = serde_json::from_str(&text)?;
    if there == size {
        return Ok(());
    }
    let (path, there, size) = (path.display(), there.flags(), size.flags());
    Err(format!("{path}: the answers beside it are of `{there}`, got `{size}`; name another `--out`").into())
}

/// What is answered already.
fn answered(path: &Path) -> Result<Vec<Answer>, Failed> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// What the report says of how the answers were made, if anything is recorded.
fn remark(path: &Path) -> Result<String, Failed> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error.into()),
    }
}

/// A line on the standard error; whoever closed it does not want it.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the answers of `docs/studies/offline`, and its report.
    fn recorded() -> (tempfile::TempDir, String) {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/studies/offline");
        let folder = tempfile::tempdir().unwrap();
        for name in ["answers.jsonl", "size.json", "remark.md"] {
            fs::copy(shipped.join(name), folder.path().join(name)).unwrap();
        }
        (folder, fs::read_to_string(shipped.join("README.md")).unwrap())
    }

    fn reported(folder: &Path, flags: &[&str]) -> Result<(), Failed> {
        let arguments = ["offline-study", "--report", "--out", folder.to_str().unwrap()];
        run(&Arguments::parse_from(arguments.iter().chain(flags)))
    }

    /// The report in `docs/studies/offline` says what the answers beside it say.
    #[test]
    fn the_report_is_made_of_the_recorded_answers() {
        let (folder, expected) = recorded();
        reported(folder.path(), &[]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("README.md")).unwrap(), expected);
    }

    #[test]
    fn answers_of_another_size_are_not_mixed_with_those_there() {
        let (folder, _) = recorded();
        let error = reported(folder.path(), &["--designs", "200"]).unwrap_err().to_string();
        assert!(
            error.contains("`--designs 1000 --model-calls 2000 --proposals 16`, got `--designs 200 "),
            "{error}"
        );
        assert!(!folder.path().join("README.md").exists(), "no report says what is not so");
    }
}
