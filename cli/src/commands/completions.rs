//! `tapeout completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::Arguments;
use crate::answer::Answer;

/// Which shell completes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    /// A script for the shell to read.
    pub(crate) fn run(&self) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "tapeout", &mut script);
        Answer::text(String::from_utf8_lossy(&script))
    }
}
