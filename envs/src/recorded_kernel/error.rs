//! Why a tuning file cannot be used.

/// Why a tuning file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuningFileError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not valid gzip to the end.
    #[error("the gzip data cannot be unpacked: {0}")]
    Compression(std::io::Error),
    /// The JSON ends too early, and not as an interrupted run leaves a cache.
    #[error("the JSON is cut off ({0}), and not behind a point of a Kernel Tuner cache")]
    Truncated(serde_json::Error),
    /// Not JSON, or not of the form that it begins with.
    #[error("cannot be read: {0}")]
    Json(serde_json::Error),
    /// JSON, but of none of the forms.
    #[error(
        "no record of a tuning run: neither `cache` (Kernel Tuner), `results` (T4) nor `Results` (KTT) is in it"
    )]
    UnknownForm,
    /// A tuning problem in the place of a record.
    #[error(
        "a tuning problem (T1), which has no results; name the file of the results here, and this one as `problem`"
    )]
    Problem,
    /// Something other than a tuning problem where one is expected.
    #[error("no tuning problem (T1): `ConfigurationSpace` is not in it")]
    NotAProblem,
    /// No configuration was recorded.
    #[error("`{list}` holds no points")]
    NoPoints {
        /// The list of points.
        list: &'static str,
    },
    /// A parameter without values.
    #[error("`tune_params` lists no values for parameter `{parameter}` of `tune_params_keys`")]
    NoValues {
        /// The parameter.
        parameter: String,
    },
    /// A point lacks a parameter.
    #[error("{point} has no value for parameter `{parameter}`")]
    MissingParameter {
        /// The point.
        point: String,
        /// The parameter.
        parameter: String,
    },
    /// A point has a value that is not listed.
    #[error("{point}: {got} is not among the values of `{parameter}` in {list}")]
    UnlistedValue {
        /// The point.
        point: String,
        /// The parameter.
        parameter: String,
        /// The value.
        got: String,
        /// Where the values are listed.
        list: &'static str,
    },
    /// Neither a measurement nor a failure.
    #[error("{point}: `{objective}` is {got}; expected {expected}")]
    BadObjective {
        /// The point.
        point: String,
        /// The objective.
        objective: String,
        /// What stands there.
        got: String,
        /// What should.
        expected: &'static str,
    },
    /// Nothing is measured at every point.
    #[error("no number is there for every point that ran, and no `objective` is named")]
    NoMetrics,
    /// Every configuration failed.
    #[error("none of the {points} configurations ran: there is nothing to search for")]
    NothingRan {
        /// How many there are.
        points: usize,
    },
    /// A unit of time that is not known.
    #[error(
        "{what}: `{got}` is no unit of time; expected nanoseconds, microseconds, milliseconds or seconds"
    )]
    TimeUnit {
        /// What has the unit.
        what: String,
        /// The unit.
        got: String,
    },
    /// As many points as configurations are needed.
    #[error("`cache` holds {points} points for {configurations} different legal configurations")]
    Repeated {
        /// How many points there are.
        points: usize,
        /// How many configurations there should be.
        configurations: u128,
    },
    /// The parameters do not make a space.
    #[error(transparent)]
    Space(#[from] tapeout_core::SpaceError),
}
