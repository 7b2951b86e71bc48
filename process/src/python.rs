//! Classes in Python as programs: an interpreter, and the adapter that is embedded here. It needs no package.

use std::time::Duration;

use crate::once::RunFault;
use crate::program::Program;

/// The adapter.
const WORKER: &str = include_str!("worker.py");

/// The interpreter, if nobody names one.
pub const PYTHON: &str = "python3";

/// How long an interpreter may take to find a module. Ours: it looks in folders, and may start from a cold disk.
const FIND: Duration = Duration::from_secs(60);

/// What a class is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PythonRole {
    /// Propose designs, as an agent.
    Agent,
    /// Evaluate them, as an environment.
    Env,
}

/// A class could not be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindClassError {
    /// The interpreter gave no answer.
    #[error(transparent)]
    Run(#[from] RunFault),
    /// What it says.
    #[error("{0}")]
    NotFound(String),
}

impl Program {
    /// The class `class` in the role that is to be played: `FILE.py:Class`, or `module:Class` as `python` finds modules.
    /// `settings`: what an environment is made with, as a JSON object.
    pub fn python(python: &str, role: PythonRole, class: &str, settings: &str) -> Self {
        match role {
            PythonRole::Agent => Self::worker(python, &["agent", class]),
            PythonRole::Env => Self::worker(python, &["env", class, settings]),
        }
    }

    fn worker(python: &str, arguments: &[&str]) -> Self {
        let arguments = ["-c", WORKER].iter().chain(arguments).map(|&text| text.to_owned()).collect();
        // Sets of text are in an order that does not change from process to process.
        let variables = vec![("PYTHONHASHSEED".to_owned(), "0".to_owned())];
        Self { arguments, variables, ..Self::new(python) }
    }
}

/// The class with the file of its module: `/a/b.py:Class`. A file that is named is not looked for.
///
/// # Errors
/// [`FindClassError`] if the interpreter cannot be run, or does not know the module.
pub fn find_python_class(python: &str, class: &str) -> Result<String, FindClassError> {
    if class.rsplit_once(':').is_some_and(|(module, name)| module.ends_with(".py") && !name.is_empty()) {
        return Ok(class.to_owned());
    }
    let ended = Program::worker(python, &["find", class]).run(b"", FIND)?;
    match ended.code {
        Some(0) => Ok(ended.output.trim_end().to_owned()),
        _ => Err(FindClassError::NotFound(ended.how)),
    }
}
