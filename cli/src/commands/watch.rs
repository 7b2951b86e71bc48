//! `tapeout watch`.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use tapeout::core::Catalog;
use tapeout::experiment::{Following, LinePace};

use crate::answer::{Answer, Exit};
use crate::board::{Board, Screen};
use crate::failure::Failure;
use crate::progress::write_line;
use crate::watched_run::interrupt_on_signal;

/// Between two looks at the log. Ours: often enough to see it grow, and no load for a disk.
const LOOK: Duration = Duration::from_millis(250);

/// Which run to watch.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a run
    run: PathBuf,
    /// Print JSON when it has ended
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Shows the run until nobody is running it; a line at times where there is no terminal.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let interrupt = interrupt_on_signal()?;
        let mut following = Following::open(catalog, &self.run)?;
        let experiment = following.experiment().clone();
        let (mut screen, mut board) = (Screen::open(&experiment), Board::new(&experiment));
        let mut pace = LinePace::default();
        let exit = loop {
            let news = following.news()?;
            let shown = screen.as_mut().map_or(&mut board, |screen| &mut screen.board);
            if news.is_anew {
                *shown = Board::new(&experiment);
            }
            news.trials.iter().for_each(|trial| shown.see(trial));
            if !news.trials.is_empty() {
                shown.elapsed(news.elapsed_s);
            }
            let progress = *shown.progress();
            match &mut screen {
                Some(screen) if !news.trials.is_empty() || news.is_over => screen.draw(),
                None if pace.is_due(progress.trials, progress.budget_trials, progress.elapsed_s) => {
                    write_line(&format!("{progress}; {}", board.best()));
                }
                _ => {}
            }
            if news.is_over {
                break Exit::Done;
            }
            if interrupt.load(Ordering::Relaxed) {
                break Exit::Interrupted;
            }
            if news.trials.is_empty() {
                sleep(LOOK);
            }
        };
        let board = screen.as_ref().map_or(&board, |screen| &screen.board);
        Ok(self.answer(board).with_exit(exit))
    }

    fn answer(&self, board: &Board<'_>) -> Answer {
        let progress = board.progress();
        if !self.json {
            return Answer::text(format!("{progress}; {}", board.best()));
        }
        Answer::json(&json!({
            "trials": progress.trials, "budget_trials": progress.budget_trials, "acceptable": progress.acceptable,
            "infeasible": progress.infeasible, "failed": progress.failed, "front": progress.front,
            "elapsed_s": progress.elapsed_s, "best": board.best_by_metric(),
        }))
    }
}
