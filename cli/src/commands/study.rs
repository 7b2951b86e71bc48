//! `tapeout study`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::RunOptions;
use tapeout::study::{Plan, StudyProgress, conduct, report};

use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::watched_run::{RunFlags, interrupt_on_signal};

/// How much of the study, and where.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of results, report and pictures; what is done in it is not done again
    #[arg(long, value_name = "FOLDER", default_value = "docs/studies/prime")]
    out: PathBuf,
    /// The folder of the data set and of what is only needed meanwhile
    #[arg(long, value_name = "FOLDER", default_value = "runs/study")]
    scratch: PathBuf,
    /// The full study, which takes days; the short one takes hours
    #[arg(long)]
    full: bool,
    /// Seeds from 0
    #[arg(long, value_name = "NUMBER")]
    seeds: Option<NonZeroU64>,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Runs what is missing, and reports on all of it.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let mut plan = if self.full { Plan::full() } else { Plan::short() };
        if let Some(seeds) = self.seeds {
            plan.seeds = seeds.get();
        }
        let interrupt = interrupt_on_signal()?;
        let options = RunOptions { threads: self.flags.threads(), interrupt: Some(&interrupt) };
        let watcher = std::sync::Mutex::new(self.flags.watcher());
        let watch = |progress: StudyProgress<'_>| {
            let mut watcher = watcher.lock().expect("invariant: nothing that shows progress panics");
            match progress {
                StudyProgress::Logging { done, total } => watcher.advance(done, total, "designs logged"),
                StudyProgress::Answered { answer, done, total } => {
                    let at_hand = format!("{} by {}, seed {}", answer.question, answer.method, answer.seed);
                    watcher.advance(done, total, &at_hand);
                }
            }
        };
        let results = conduct(catalog, &plan, &self.out, &self.scratch, &options, &watch)?;
        let watcher = watcher.into_inner().expect("invariant: nothing that shows progress panics");
        watcher.finish();
        report::report(&plan, &results.answers, &results.stand_ins, &self.out)?;
        let exit = if interrupt.load(std::sync::atomic::Ordering::Relaxed) {
            watcher.note("hint: the same command goes on");
            Exit::Interrupted
        } else {
            Exit::Done
        };
        if self.flags.is_json() {
            return Ok(Answer::json(&results.answers).with_exit(exit));
        }
        let text = format!(
            "{} answers; the report is {}",
            results.answers.len(),
            self.out.join("README.md").display()
        );
        Ok(Answer::text(text).with_exit(exit))
    }
}
