//! `tapeout dataset`: tables of trials to learn from.

mod build;
mod export;
mod generate;
mod import;
mod info;
mod split;

pub(crate) use split::read_split;

use clap::Subcommand;
use tapeout::core::Catalog;

use crate::answer::Answer;
use crate::failure::Failure;

/// What is to be done.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Evaluate designs drawn at random for one or several workloads, infeasible ones included
    Generate(generate::Args),
    /// Gather the logs of runs into one table
    Build(build::Args),
    /// Read a log of somebody else's: CSV, JSON lines or Parquet
    Import(import::Args),
    /// Show counts, infeasible shares by rule, and quantiles of the metrics
    Info(info::Args),
    /// Say which rows to train on, to select by and to hide: by quality, workload or architecture
    Split(split::Args),
    /// Write a data set once more, as CSV or as Parquet
    Export(export::Args),
}

impl Args {
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        match &self.action {
            Action::Generate(args) => args.run(catalog),
            Action::Build(args) => args.run(catalog),
            Action::Import(args) => args.run(),
            Action::Info(args) => args.run(catalog),
            Action::Split(args) => args.run(catalog),
            Action::Export(args) => args.run(catalog),
        }
    }
}
