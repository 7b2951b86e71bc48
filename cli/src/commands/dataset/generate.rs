//! `tapeout dataset generate`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde_json::Map;
use tapeout::core::{Catalog, Seed};
use tapeout::experiment::dataset::{Dataset, DatasetPlan, generate};
use tapeout::experiment::{EnvSpec, RunOptions};

use super::info;
use crate::answer::{Answer, Exit};
use crate::arguments::Setting;
use crate::failure::Failure;
use crate::goal_flags::PartFlags;
use crate::number::{count, usize_count};
use crate::watched_run::{RunFlags, interrupt_on_signal};

/// What to draw, and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The environment
    env: String,
    /// The workloads, apart by commas: a value of the setting that names the workload, such as a network [default: the one
    /// that the settings say]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    workloads: Vec<String>,
    /// Designs for each workload
    #[arg(long, value_name = "NUMBER", default_value = "1000", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    designs: NonZeroUsize,
    /// A setting that all workloads share: `env.clock_hz=1e9`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
    #[command(flatten)]
    part: PartFlags,
    /// Where all randomness comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 63), allow_negative_numbers = true, value_parser = crate::arguments::seed)]
    seed: u64,
    /// The folder of the data set; what was begun in it is gone on with
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// What is in the new data set.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let plan = self.plan()?;
        let interrupt = interrupt_on_signal()?;
        let options = RunOptions {
            threads: self.flags.threads(),
            interrupt: Some(&interrupt),
            ..RunOptions::default()
        };
        let mut watcher = self.flags.watcher();
        let mut failed = 0;
        let made = generate(catalog, &plan, &self.out, &options, &mut |at| {
            failed = at.failed;
            watcher.advance(at.done, at.total, at.workload);
        });
        watcher.finish();
        if !made? {
            watcher.note("hint: the same command goes on with the workload that was interrupted");
            return Ok(Answer::text("").with_exit(Exit::Interrupted));
        }
        let dataset = Dataset::read(catalog, &self.out)?;
        let there_are = dataset.space().cardinality();
        if there_are < plan.designs as u128 {
            let (there_are, asked) = (count(there_are), usize_count(plan.designs));
            watcher.note(&format!("there are no more than {there_are} designs; {asked} were asked for"));
        }
        if failed > 0 {
            let failed = usize_count(failed);
            watcher.note(&format!("{failed} designs have no row, since their evaluation failed"));
        }
        watcher.note(&format!("{} rows in {}", usize_count(dataset.rows().len()), self.out.display()));
        Ok(info::answer(&dataset, self.flags.is_json()))
    }

    fn plan(&self) -> Result<DatasetPlan, Failure> {
        let (mut config, mut agent) = (Map::new(), Map::new());
        self.set.iter().for_each(|setting| setting.apply(&mut config, &mut agent));
        if let Some((key, _)) = agent.iter().next() {
            let error = anyhow::anyhow!("`agent.{key}`: designs are drawn at random, by no agent");
            return Err(Failure::bad_input(error).hint("to log what an agent proposes, use `tapeout search`"));
        }
        let mut env = EnvSpec { config, ..EnvSpec::named(&self.env) };
        self.part.narrow(&mut env);
        Ok(DatasetPlan {
            designs: self.designs.get(),
            seed: Seed::new(self.seed),
            workloads: self.workloads.clone(),
            env,
        })
    }
}
