//! `tapeout resume`.

use std::path::PathBuf;

use tapeout::core::Catalog;
use tapeout::experiment::{RunFolder, resume};

use crate::answer::Answer;
use crate::arguments::BudgetFlags;
use crate::failure::Failure;
use crate::session::{RunFlags, Session};

/// Which run to go on with, and how far.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a run
    run: PathBuf,
    #[command(flatten)]
    budget: BudgetFlags,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Goes on, draws, and reports.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let mut budget = RunFolder::open(catalog, &self.run)?.experiment().spec().budget.clone();
        let is_changed = self.budget.apply(&mut budget);
        let mut session = Session::begin(&self.flags, &self.run)?;
        let budget = is_changed.then_some(budget);
        let summary =
            session.watch(|options, observer| resume(catalog, &self.run, budget, options, observer))?;
        session.report(catalog, &summary)
    }
}
