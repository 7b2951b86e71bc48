//! Why a comparison could not be made.

use std::io;
use std::path::PathBuf;

use crate::error::RunError;
use crate::plot::PlotError;
use crate::workers::ThreadsError;

/// A comparison that cannot begin or go on. The runs made until then stay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComparisonError {
    /// Nothing to compare.
    #[error("nothing to compare: no {missing}")]
    Empty {
        /// What there must be at least one of.
        missing: &'static str,
    },
    /// Two environments or two agents share a name, and so a folder.
    #[error("{kind} `{name}` stands twice")]
    Twice {
        /// Environment or agent.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A fixed coordinate of a reference point is of no use.
    #[error("reference `{got}`: expected {expected}")]
    Reference {
        /// What was fixed.
        got: String,
        /// What could be.
        expected: String,
    },
    /// A run cannot begin or go on.
    #[error("{}: {agent} on {env}, seed {seed}", .path.display())]
    Run {
        /// The folder.
        path: PathBuf,
        /// Who searched.
        agent: String,
        /// Where.
        env: String,
        /// With which seed.
        seed: u64,
        /// Why not.
        #[source]
        source: Box<RunError>,
    },
    /// There are fewer seeds than it takes to show a difference between two agents.
    #[error(
        "{seeds} seeds in stages of {stage} cannot show any difference: that takes {takes} seeds at least"
    )]
    Stages {
        /// How many seeds there are.
        seeds: u64,
        /// How many a stage has.
        stage: u64,
        /// How many it takes.
        takes: u64,
    },
    /// Two folders hold the same run with different trials.
    #[error("{} and {} are the same run, but differ in trial {trial}", .one.display(), .other.display())]
    Differ {
        /// One folder.
        one: PathBuf,
        /// The other.
        other: PathBuf,
        /// The first trial that differs.
        trial: usize,
    },
    /// A folder to be merged holds none of the runs.
    #[error("{}: holds no run of this comparison", .path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// A run cannot be copied.
    #[error("{}: cannot copy it to {}", .from.display(), .to.display())]
    Copy {
        /// Where it is.
        from: PathBuf,
        /// Where it is to be.
        to: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Somebody asked for the end.
    #[error("interrupted; {done} of {cells} runs are done")]
    Interrupted {
        /// How many runs are finished.
        done: usize,
        /// How many there are.
        cells: usize,
    },
    /// A run that is to be read is not finished.
    #[error("{}: not finished", .path.display())]
    Unfinished {
        /// Its folder.
        path: PathBuf,
    },
    /// Runs that are there were made by another version of the agent: it would not propose the same designs.
    #[error("{}: made by another version, so it cannot stand beside runs of this one", .path.display())]
    Stale {
        /// The folder of the run.
        path: PathBuf,
        /// What differs.
        #[source]
        source: Box<RunError>,
    },
    /// Other processes are at some of the runs.
    #[error("{held} of {cells} runs are another process's, and not done yet")]
    Held {
        /// How many.
        held: usize,
        /// How many runs there are.
        cells: usize,
    },
    /// No threads to run on.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// A table cannot be written.
    #[error("{}: cannot write", .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A table cannot be encoded.
    #[error("encoding the results as parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A picture cannot be drawn or written.
    #[error(transparent)]
    Plot(#[from] PlotError),
}
