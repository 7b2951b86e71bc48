//! `tapeout completions`.

use clap::ValueEnum;
use clap_complete::env::Shells;

use crate::answer::Answer;
use crate::completion::VARIABLE;
use crate::failure::Failure;

/// Which shell completes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// A shell that can ask the program.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

impl Args {
    /// A script for the shell to read: it asks this program, wherever it lies, what there is to name.
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let program = std::env::current_exe().map_err(Failure::failed)?;
        let shells = Shells::builtins();
        let shell = shells.completer(self.shell.name()).expect("invariant: a shell that is built in");
        let mut script = Vec::new();
        let (name, program) = ("tapeout", program.to_string_lossy());
        shell.write_registration(VARIABLE, name, name, &program, &mut script).map_err(Failure::failed)?;
        Ok(Answer::text(String::from_utf8_lossy(&script)))
    }
}
