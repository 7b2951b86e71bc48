//! The study of the memory controller: does the choice of agent matter, or that of its hyperparameters? `dram-study` runs what was not run
//! yet, and writes the answers and the report. Runs are in folders, so that the study can be stopped at any time, and goes on.

mod learned;
mod lottery;
mod plan;
mod report;

use std::error::Error;
use std::fs;
use std::io::{Write, stderr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tapeout::experiment::comparison::{ComparisonResults, Conditions, Shard, conduct, conduct_shard};

/// Whatever goes wrong.
type Failed = Box<dyn Error + Send + Sync>;

/// Agents, hyperparameters and a learned model on the memory controller.
#[derive(Parser)]
#[command(name = "dram-study", version, max_term_width = 110)]
struct Arguments {
    /// The folder of answers and report
    #[arg(long, value_name = "FOLDER", default_value = "docs/studies/dram")]
    out: PathBuf,
    /// The folder of the runs
    #[arg(long, value_name = "FOLDER", default_value = "runs/study/dram")]
    data: PathBuf,
    /// Seeds from 0
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    seeds: u64,
    /// Distinct designs of a run
    #[arg(long, value_name = "NUMBER", default_value = "100")]
    trials: NonZeroUsize,
    /// Combinations of hyperparameters of an agent
    #[arg(long, value_name = "NUMBER", default_value = "6")]
    variants: NonZeroUsize,
    /// Different designs that the learned model is fitted to and tested on
    #[arg(long, value_name = "NUMBER", default_value_t = 4000)]
    designs: usize,
    /// Runs at once
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    threads: NonZeroUsize,
    /// Only run a part, such as `0/4`, beside other processes or machines that share the folder of runs; without it all parts are gathered
    #[arg(long, value_name = "INDEX/PARTS", conflicts_with = "report")]
    shard: Option<Shard>,
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
    let path = arguments.out.join("answers.json");
    if !arguments.report {
        let catalog = tapeout::builtin();
        let plan = plan::plan(arguments.seeds, arguments.trials, arguments.variants);
        let n_cells = plan.cells().len();
        let watch = |_, done: usize| {
            if done.is_multiple_of(100) {
                say(&format!("{done} of {n_cells} runs"));
            }
        };
        let conditions = Conditions { threads: arguments.threads, interrupt: None, watch: &watch };
        if let Some(shard) = arguments.shard {
            let part = conduct_shard(&catalog, &plan, &arguments.data, &conditions, shard)?;
            say(&format!("{} runs of part {shard} are done, another process is at {}", part.done, part.held));
            return Ok(());
        }
        let (problems, traces) = conduct(&catalog, &plan, &arguments.data, &conditions)?;
        let results = ComparisonResults::of(&plan, &problems, &traces);
        let answers = report::DramAnswers {
            regrets: lottery::regrets(&results)?,
            learned: learned::learned(&catalog, arguments.designs)?,
            seeds: arguments.seeds,
            trials: arguments.trials,
            variants: arguments.variants,
            designs: arguments.designs,
        };
        fs::create_dir_all(&arguments.out)?;
        fs::write(&path, serde_json::to_string_pretty(&answers)? + "\n")?;
    }
    let answers: report::DramAnswers = serde_json::from_str(&fs::read_to_string(&path)?)?;
    fs::write(arguments.out.join("README.md"), report::report(&answers))?;
    Ok(())
}

/// A line on the standard error; whoever closed it does not want it.
fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}
