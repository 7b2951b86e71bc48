//! `tapeout man`.

use std::fs;
use std::path::PathBuf;

use clap::CommandFactory;

use crate::Arguments;
use crate::answer::Answer;
use crate::failure::Failure;

/// Where the pages go.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the pages, made if it is not there
    out: PathBuf,
}

impl Args {
    /// A page for the program and one for each command: `tapeout.1`, `tapeout-search.1`.
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        fs::create_dir_all(&self.out)
            .and_then(|()| clap_mangen::generate_to(Arguments::command(), &self.out))
            .map_err(|error| {
                Failure::unwritable(error).context(format!("cannot write into {}", self.out.display()))
            })?;
        Ok(Answer::text(self.out.join("tapeout.1").display().to_string()))
    }
}
