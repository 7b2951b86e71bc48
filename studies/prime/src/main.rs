//! The program of the study: `run` does what is missing of it, `report` writes down again what is recorded.

use std::error::Error;
use std::io::{Write, stderr};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use clap::{Parser, Subcommand};
use prime_study::{StudyError, StudyPlan, StudyProgress, StudyResults, conduct, report};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tapeout::experiment::RunOptions;

/// The exit code of a run that was interrupted: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// The study of PRIME: models learned from logs against searches that ask the simulator.
#[derive(Parser)]
#[command(name = "prime-study", version, max_term_width = 110)]
struct Arguments {
    /// The folder of answers, report and pictures
    #[arg(long, value_name = "FOLDER", default_value = "docs/studies/prime", global = true)]
    out: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer what is not answered yet, and report on all of it
    Run(RunArguments),
    /// Report on what is answered
    Report,
}

/// How much of the study, and how.
#[derive(clap::Args)]
struct RunArguments {
    /// The folder of the data set
    #[arg(long, value_name = "FOLDER", default_value = "runs/study/data")]
    data: PathBuf,
    /// The full study, which takes days; the short one takes hours
    #[arg(long)]
    full: bool,
    /// Seeds from 0
    #[arg(long, value_name = "NUMBER")]
    seeds: Option<NonZeroU64>,
    /// Cells answered side by side [default: one for each core]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZeroUsize>,
}

fn main() -> ExitCode {
    let Arguments { out, command } = Arguments::parse();
    let done = match &command {
        Command::Run(arguments) => arguments.run(&out),
        Command::Report => report_recorded(&out),
    };
    done.unwrap_or_else(|error| {
        say(&format!("error: {error}"));
        let mut told = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            if !told.contains(&cause.to_string()) {
                told = cause.to_string();
                say(&format!("  caused by: {told}"));
            }
            next = cause.source();
        }
        if let Some(hint) = error.hint() {
            say(&format!("hint: {hint}"));
        }
        ExitCode::FAILURE
    })
}

fn report_recorded(out: &Path) -> Result<ExitCode, StudyError> {
    let plan = StudyPlan::read(&out.join("plan.json"))?;
    reported(&plan, &StudyResults::read(out)?, out)?;
    Ok(ExitCode::SUCCESS)
}

fn reported(plan: &StudyPlan, results: &StudyResults, out: &Path) -> Result<(), StudyError> {
    report(plan, results, out)?;
    say(&format!("{} answers; the report is {}", results.answers.len(), out.join("README.md").display()));
    Ok(())
}

impl RunArguments {
    fn run(&self, out: &Path) -> Result<ExitCode, StudyError> {
        let mut plan = if self.full { StudyPlan::full() } else { StudyPlan::short() };
        if let Some(seeds) = self.seeds {
            plan.seeds = seeds.get();
        }
        let interrupt = interrupt_on_signal()?;
        let threads = self.threads.unwrap_or_else(|| available_parallelism().unwrap_or(NonZeroUsize::MIN));
        let options = RunOptions { threads, interrupt: Some(&interrupt), ..RunOptions::default() };
        let results = conduct(&tapeout::builtin(), &plan, out, &self.data, &options, &watch)?;
        reported(&plan, &results, out)?;
        if interrupt.load(Ordering::Relaxed) {
            say("hint: the same command goes on");
            return Ok(INTERRUPTED.into());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Listens for Ctrl-C: the first sets the flag that is returned, the second ends the program.
fn interrupt_on_signal() -> Result<Arc<AtomicBool>, StudyError> {
    let interrupt = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: what kills looks at the flag before this very signal sets it.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&interrupt))
            .and_then(|_| flag::register(signal, Arc::clone(&interrupt)))
            .map_err(StudyError::Signal)?;
    }
    Ok(interrupt)
}

fn watch(progress: StudyProgress<'_>) {
    match progress {
        StudyProgress::Logging { done, total } => say(&format!("{done} of {total} designs logged")),
        StudyProgress::Answered { answer, done, total } => {
            say(&format!(
                "{done} of {total} cells: {} by {}, seed {}",
                answer.question, answer.method, answer.seed
            ));
        }
    }
}

/// A line on the standard error; whoever closed it does not want it.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
