//! Errors as exceptions: what was given is wrong (`ValueError`), or something failed on the way (`tapeout.Failed`).

use std::error::Error;

use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use tapeout::experiment::RunError;

create_exception!(
    tapeout,
    Failed,
    PyRuntimeError,
    "Something failed on the way: an evaluator, an agent, a file. `__cause__` says why."
);

/// What was given cannot be used.
pub(crate) fn refused(error: &(dyn Error + 'static)) -> PyErr {
    chained(error, &|message| PyValueError::new_err(message))
}

/// Something failed on the way.
pub(crate) fn failed(error: &(dyn Error + 'static)) -> PyErr {
    chained(error, &|message| Failed::new_err(message))
}

/// A run that cannot begin because of its spec was asked for wrongly; any other failed.
pub(crate) fn run_failed(error: &RunError) -> PyErr {
    match error {
        RunError::Spec(_) | RunError::Told { .. } | RunError::NoRun { .. } | RunError::Exists { .. } => {
            refused(error)
        }
        _ => failed(error),
    }
}

/// The exception for `error`, with one for each of its causes behind it. What Python raised is itself.
fn chained(error: &(dyn Error + 'static), make: &dyn Fn(String) -> PyErr) -> PyErr {
    if let Some(raised) = error.downcast_ref::<PyErr>() {
        return Python::attach(|py| raised.clone_ref(py));
    }
    let outer = make(error.to_string());
    if let Some(cause) = error.source() {
        Python::attach(|py| outer.set_cause(py, Some(chained(cause, make))));
    }
    outer
}
