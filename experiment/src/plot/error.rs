//! Why a plot could not be drawn or written.

use std::io;
use std::path::PathBuf;

use tapeout_core::UnknownName;

/// A plot that cannot be drawn from what it holds, or a picture that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// A scatter plot without any acceptable design.
    #[error("nothing to plot: no acceptable design among {trials} trials")]
    NoAcceptableDesign {
        /// Trials that were made, infeasible ones included.
        trials: usize,
    },
    /// The progress of a search without any acceptable design.
    #[error("no progress of `{search}` to show: no acceptable design among {trials} trials")]
    NoProgress {
        /// What the search is called.
        search: String,
        /// Trials that were made, infeasible ones included.
        trials: usize,
    },
    /// The problem has no metric or objective of this name.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// A chart without series, boxes or bars.
    #[error("nothing to plot: `{plot}` has no {missing}")]
    Empty {
        /// Title of the plot.
        plot: String,
        /// What it lacks, in the plural.
        missing: &'static str,
    },
    /// A series or a box without values.
    #[error("nothing to plot: `{series}` has no values")]
    NoValues {
        /// Name of the series.
        series: String,
    },
    /// A value is NaN or infinite.
    #[error("`{series}`: value {index} is {value}; expected a finite number")]
    NotFinite {
        /// Name of the series, or of the set of points.
        series: String,
        /// Position in the series, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A logarithmic axis was asked for, and there are values that have no logarithm.
    #[error("axis `{axis}`: value {value} has no place on a logarithmic axis; expected positive values")]
    NotPositive {
        /// Label of the axis.
        axis: String,
        /// The least value.
        value: f64,
    },
    /// A bar has more or fewer parts than there are names of parts.
    #[error("bar `{bar}`: {got} parts; expected {expected}")]
    Parts {
        /// Name of the bar.
        bar: String,
        /// Parts it has.
        got: usize,
        /// Names of parts.
        expected: usize,
    },
    /// A part of a stacked bar is below zero.
    #[error("bar `{bar}`: part `{part}` is {value}; expected zero or more")]
    Negative {
        /// Name of the bar.
        bar: String,
        /// Name of the part.
        part: String,
        /// Its value.
        value: f64,
    },
    /// A picture with more pixels than a bitmap can hold.
    #[error("`{plot}`: {height} pixels are too high for a png; expected fewer rows")]
    TooHigh {
        /// Title of the plot.
        plot: String,
        /// Height of its page.
        height: f64,
    },
    /// A file could not be written or renamed.
    #[error("writing `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
