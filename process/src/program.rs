//! What is started.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::ending::as_group;

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// A file, or a name that is looked for where programs are.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables that it finds in its surroundings, beside those of this program.
    pub variables: Vec<(String, String)>,
    /// Where it works; where this program works if none is named.
    pub folder: Option<PathBuf>,
    /// How much address space it may have, in byte; without limit if none is named. On Linux only.
    pub memory_byte: Option<u64>,
}

/// A program could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start `{}`: {source}", .path.display())]
pub struct StartError {
    /// The program.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: std::io::Error,
}

impl Program {
    /// A program without arguments, variables, folder or limit of memory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            folder: None,
            memory_byte: None,
        }
    }

    /// Whether memory can be limited here.
    pub const fn can_limit_memory() -> bool {
        cfg!(target_os = "linux")
    }

    /// Starts it with pipes to all three of its streams, as the first of a group of processes.
    pub(crate) fn start(&self) -> Result<Child, StartError> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        as_group(&mut command);
        let started = command.spawn().and_then(|child| {
            limit_memory(&child, self.memory_byte)?;
            Ok(child)
        });
        started.map_err(|source| StartError { path: self.path.clone(), source })
    }
}

/// Limits the address space of a child that has just been started. Source: prlimit(2), `RLIMIT_AS`.
#[cfg(target_os = "linux")]
fn limit_memory(child: &Child, memory_byte: Option<u64>) -> std::io::Result<()> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    if memory_byte.is_some() {
        let limit = Rlimit { current: memory_byte, maximum: memory_byte };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        match prlimit(pid, Resource::As, limit) {
            // A child that has ended already needs no limit.
            Ok(_) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_: &Child, memory_byte: Option<u64>) -> std::io::Result<()> {
    match memory_byte {
        None => Ok(()),
        Some(_) => Err(std::io::Error::other("memory can be limited on Linux only")),
    }
}
