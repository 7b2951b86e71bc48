//! `tapeout export`.

use std::path::PathBuf;

use clap::ValueEnum;
use tapeout::core::Catalog;
use tapeout::experiment::{ExportForm, Run, export, put_whole};

use crate::answer::Answer;
use crate::failure::Failure;

/// What to write, and where.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a run
    run: PathBuf,
    /// What to write
    #[arg(long = "as", value_name = "FORM", default_value = "json")]
    form: Form,
    /// How many designs, best first; with several objectives those of the front come first
    #[arg(long, value_name = "DESIGNS", default_value_t = 10)]
    best: usize,
    /// Write here, in place of the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// A list of designs with their metrics
    Json,
    /// Results in the common format of autotuners, T4
    T4,
    /// A cache file of Kernel Tuner
    KernelTuner,
}

impl Args {
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let run = Run::open(catalog, &self.run)?;
        let form = match self.form {
            Form::Json => ExportForm::Json,
            Form::T4 => ExportForm::T4,
            Form::KernelTuner => ExportForm::KernelTuner,
        };
        if run.trials().iter().all(|trial| trial.judgement.accepted().is_none()) {
            let none = anyhow::anyhow!("{}: no acceptable design in the log", self.run.display());
            return Err(Failure::bad_input(none).hint("loosen the constraints, or search for longer"));
        }
        let text = export(&run, self.best, form);
        let Some(out) = &self.out else { return Ok(Answer::text(text)) };
        put_whole(out, text.as_bytes())
            .map_err(|error| Failure::unwritable(error).context(format!("cannot write {}", out.display())))?;
        Ok(Answer::text(format!("written to {}", out.display())))
    }
}
