//! The command line, and what there is by name.

use std::ffi::OsString;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tapeout_cli::Exit;

use crate::env::catalog;
use crate::fault::{Failed, refused};
use crate::waiting::patient;

/// Does what a command line says, the name of the program first, and returns the number of the exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| tapeout_cli::main_of(arguments, catalog())) as u8
}

/// What a command has for its standard output.
#[pyfunction]
pub(crate) fn answer(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<String> {
    let answered = patient(py, |interrupt| tapeout_cli::answer_of(arguments, catalog(), interrupt))?;
    match answered {
        Ok((said, _)) => Ok(String::from_utf8_lossy(&said).into_owned()),
        Err((message, Exit::BadInput)) => Err(PyValueError::new_err(message)),
        Err((message, _)) => Err(Failed::new_err(message)),
    }
}

/// Name, version and a line on each environment.
#[pyfunction]
pub(crate) fn envs() -> Vec<(&'static str, u32, &'static str, bool)> {
    let about = |entry: &'static tapeout::core::EnvEntry| {
        (entry.id, entry.version, entry.summary, entry.required.is_empty())
    };
    catalog().envs().iter().map(about).collect()
}

/// Name of and a line on each agent.
#[pyfunction]
pub(crate) fn agents() -> Vec<(&'static str, &'static str)> {
    catalog().agents().iter().map(|entry| (entry.id, entry.summary)).collect()
}

/// Name of and a line on each learner.
#[pyfunction]
pub(crate) fn learners() -> Vec<(&'static str, &'static str)> {
    catalog().learners().iter().map(|entry| (entry.id, entry.summary)).collect()
}

/// The id in Gymnasium of the environment called `name`.
#[pyfunction]
pub(crate) fn gymnasium_id(name: &str) -> PyResult<String> {
    Ok(tapeout::gymnasium::id_of(catalog().env(name).map_err(|error| refused(&error))?))
}
