//! Classes in Python as programs: an interpreter, and the adapter that is embedded here. It needs no package.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::once::RunFault;
use crate::program::Program;

/// The adapter.
const WORKER: &str = include_str!("worker.py");

/// The interpreter, if nobody names one.
pub const PYTHON: &str = "python3";

/// How long an interpreter may take to find a module. Ours: it looks in folders, and may start from a cold disk.
const FIND: Duration = Duration::from_secs(60);

/// The longest file of a class, in byte. Ours: a thousand times what people write.
const SOURCE: u64 = 64 << 20;

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
    /// Its file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
}

impl Program {
    /// The class `class` in the role that is to be played: `FILE.py:Class`, or `module:Class` as `python` finds modules. All its processes
    /// run what is in the file now; one that finds something else there complains. Modules that the class imports are not covered.
    /// `settings`: what an environment is made with, as a JSON object.
    ///
    /// # Errors
    /// [`FindClassError`] if there is no such module, or its file cannot be read.
    pub fn python(
        python: &str,
        role: PythonRole,
        class: &str,
        settings: &str,
    ) -> Result<Self, FindClassError> {
        let class = find_python_class(python, class)?;
        let file = class.rsplit_once(':').map_or(class.as_str(), |(file, _)| file);
        let sha256 =
            digest(file).map_err(|source| FindClassError::Unreadable { file: file.to_owned(), source })?;
        Ok(match role {
            PythonRole::Agent => Self::worker(python, &["agent", &class, &sha256]),
            PythonRole::Env => Self::worker(python, &["env", &class, &sha256, settings]),
        })
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

/// The SHA-256 of a file in hexadecimal. Source: FIPS 180-4, section 6.2.
fn digest(file: &str) -> io::Result<String> {
    let mut source = Vec::new();
    File::open(file)?.take(SOURCE + 1).read_to_end(&mut source)?;
    if source.len() as u64 > SOURCE {
        return Err(io::Error::other(format!("it has more than {SOURCE} byte")));
    }
    Ok(Sha256::digest(&source).iter().map(|byte| format!("{byte:02x}")).collect())
}
