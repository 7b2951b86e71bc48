//! The commands: a file each, and a row each in [`Command`].
//!
//! A file holds an `Args` struct and `run(&self, &Catalog) -> Result<Answer, Failure>`. To add a command, write the file,
//! its `mod` line, its row here and its arm below.

mod ask;
mod check;
mod compare;
mod completions;
mod compress;
mod dataset;
mod describe;
mod evaluate;
mod explain;
mod export;
mod fit;
mod leaderboard;
mod list;
mod man;
mod measure;
mod measure_worker;
mod network;
mod offline;
mod plot;
mod predict;
mod replay;
mod report;
mod resume;
mod schema;
mod search;
mod serve;
mod simulate;
mod spec;
mod sweep;
mod tell;
mod timeloop;
mod tuning_page;
mod validate;
mod watch;

use clap::Subcommand;
use tapeout::core::Catalog;

use crate::answer::Answer;
use crate::failure::Failure;

/// What can be asked for.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List environments, agents, learners and networks
    List(list::Args),
    /// Show all there is to know about an environment, agent, learner or network
    Describe(describe::Args),
    /// Search a design space: with no arguments, an edge accelerator for ResNet-50
    Search(search::Args),
    /// Print the spec that `search` would run, with every default filled in
    Spec(spec::Args),
    /// Go on with a run that was interrupted, or for longer
    Resume(resume::Args),
    /// Search again from the log of a run and stop at the first difference
    Replay(replay::Args),
    /// Watch a run that somebody else is running, until it ends
    Watch(watch::Args),
    /// Ask a run whose loop you hold which designs its agent wants to know of
    Ask(ask::Args),
    /// Tell such a run what became of them
    Tell(tell::Args),
    /// Ask and tell in lines of JSON, for as long as a program likes
    Serve(serve::Args),
    /// Pack the logs of runs that have ended, into a quarter of their size or less
    Compress(compress::Args),
    /// Draw one run, or several side by side
    Plot(plot::Args),
    /// Write one HTML file about runs, a comparison, a data set or proposals
    Report(report::Args),
    /// Evaluate one design: all its metrics, and where they come from
    Evaluate(evaluate::Args),
    /// Compare two designs: what differs, and what each difference costs
    Explain(explain::Args),
    /// Write the best designs of a run as JSON, T4 or a cache of Kernel Tuner
    Export(export::Args),
    /// Compare agents over environments and seeds: tables with intervals and tests, CSV, pictures
    Compare(compare::Args),
    /// Compare hyperparameters of one agent
    Sweep(sweep::Args),
    /// Run every agent on every environment that needs no device, and write the page that says which to take for what
    Leaderboard(leaderboard::Args),
    /// Check that what is registered keeps its contract, a spec can be run, or a log holds what its environment says
    Check(check::Args),
    /// Cost a layer or a network on an accelerator, or check the model against Timeloop's results
    Simulate(simulate::Args),
    /// Read networks from files that other programs write
    Network(network::Args),
    /// Read a design of Timeloop v4 (YAML) and write architecture, network and mapping as TOML
    Timeloop(timeloop::Args),
    /// Make, look at and split tables of trials to learn from
    Dataset(dataset::Args),
    /// Learn a model from a data set
    Fit(fit::Args),
    /// Ask a model about designs
    Predict(predict::Args),
    /// Design from a data set alone: learn a model, search it, propose the best
    Offline(offline::Args),
    /// Ask the real environment about proposals, once
    Validate(validate::Args),
    /// Measure GPU kernels into a table, or merge tables
    Measure(measure::Args),
    /// What `measure` starts for each batch of kernels
    #[command(hide = true)]
    MeasureWorker(measure_worker::Args),
    /// Print the JSON Schema of what a command prints with `--json`
    Schema(schema::Args),
    /// Write man pages into a folder
    #[command(hide = true)]
    Man(man::Args),
    /// Print shell completions
    Completions(completions::Args),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        match self {
            Self::List(args) => args.run(catalog),
            Self::Describe(args) => args.run(catalog),
            Self::Search(args) => args.run(catalog),
            Self::Spec(args) => args.run(catalog),
            Self::Resume(args) => args.run(catalog),
            Self::Replay(args) => args.run(catalog),
            Self::Watch(args) => args.run(catalog),
            Self::Ask(args) => args.run(catalog),
            Self::Tell(args) => args.run(catalog),
            Self::Serve(args) => args.run(catalog),
            Self::Compress(args) => args.run(catalog),
            Self::Plot(args) => args.run(catalog),
            Self::Report(args) => args.run(catalog),
            Self::Evaluate(args) => args.run(catalog),
            Self::Explain(args) => args.run(catalog),
            Self::Export(args) => args.run(catalog),
            Self::Compare(args) => args.run(catalog),
            Self::Sweep(args) => args.run(catalog),
            Self::Leaderboard(args) => args.run(catalog),
            Self::Check(args) => args.run(catalog),
            Self::Simulate(args) => args.run(catalog),
            Self::Network(args) => args.run(),
            Self::Timeloop(args) => args.run(),
            Self::Dataset(args) => args.run(catalog),
            Self::Fit(args) => args.run(catalog),
            Self::Predict(args) => args.run(catalog),
            Self::Offline(args) => args.run(catalog),
            Self::Validate(args) => args.run(catalog),
            Self::Measure(args) => args.run(catalog),
            Self::MeasureWorker(args) => args.run(),
            Self::Schema(args) => args.run(),
            Self::Man(args) => args.run(),
            Self::Completions(args) => args.run(),
        }
    }
}
