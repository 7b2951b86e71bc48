//! `tapeout leaderboard`.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde_json::json;
use tapeout::core::Catalog;
use tapeout::experiment::comparison::pictures::ranks;
use tapeout::experiment::comparison::{
    Cell, ComparisonError, ComparisonPlan, Conditions, RunCost, Shard, ShardDone, conduct, conduct_shard,
    refuse_stale, tables,
};
use tapeout::experiment::put_whole;
use tapeout::leaderboard::{BOARDS, Board, BoardResults, page};

use crate::answer::{Answer, Exit};
use crate::comparison_report::part_answer;
use crate::failure::Failure;
use crate::number::usize_count;
use crate::watched_run::{RunFlags, interrupt_on_signal};

/// Where runs are, unless somebody chose another place.
const DATA: &str = "runs/leaderboard";
/// Where the page is.
const OUT: &str = "docs/leaderboard";

/// How much is run, and where everything goes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs of each agent on each problem, with seeds from 0
    #[arg(long, value_name = "NUMBER", default_value = "15", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Distinct designs each run evaluates
    #[arg(long, value_name = "DESIGNS", default_value = "100", allow_negative_numbers = true, value_parser = crate::arguments::at_least_one)]
    trials: NonZeroUsize,
    /// The folder of all runs; what is there already is not run again
    #[arg(long, value_name = "FOLDER", default_value = DATA)]
    data: PathBuf,
    /// The folder of the page and its tables
    #[arg(long, value_name = "FOLDER", default_value = OUT)]
    out: PathBuf,
    /// Run a part alone, such as `0/4`, beside other processes or machines that share the folder of runs
    #[arg(long, value_name = "INDEX/PARTS")]
    shard: Option<Shard>,
    #[command(flatten)]
    flags: RunFlags,
}

impl Args {
    /// Runs what is not run yet, and writes the page.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        match self.boards(catalog) {
            Ok(Conducted::Whole(boards)) => self.write(&boards),
            Ok(Conducted::Part(part)) => Ok(part_answer(part, &self.data, &self.flags)),
            Err(BoardError::Comparison(error @ ComparisonError::Interrupted { .. })) => {
                self.flags.watcher().note(&format!("{error}\nhint: the same command goes on"));
                Ok(Answer::text("").with_exit(Exit::Interrupted))
            }
            Err(BoardError::Comparison(error)) => Err(error.into()),
            Err(BoardError::Other(failure)) => Err(failure),
        }
    }

    /// What came of each board, or of a part of all.
    fn boards(&self, catalog: &Catalog) -> Result<Conducted, BoardError> {
        let interrupt = interrupt_on_signal().map_err(BoardError::Other)?;
        let (mut whole, mut part) = (Vec::new(), ShardDone { done: 0, held: 0 });
        for board in &BOARDS {
            let (plan, folder) = (board.plan(catalog, self.seeds, self.trials), self.data.join(board.name));
            let watch = |cell: Cell, n: usize| self.watch(board, &plan.agents[cell.agent].name, n, &plan);
            let conditions =
                Conditions { threads: self.flags.threads(), interrupt: Some(&interrupt), watch: &watch };
            refuse_stale(catalog, &plan, &folder, &conditions, self.shard)?;
            if let Some(shard) = self.shard {
                let ShardDone { done, held } = conduct_shard(catalog, &plan, &folder, &conditions, shard)?;
                part = ShardDone { done: part.done + done, held: part.held + held };
            } else {
                let ran = conduct(catalog, &plan, &folder, &conditions)?;
                whole.push(BoardResults::of(board, &plan, &ran, RunCost::read(&plan, &folder)));
            }
        }
        Ok(if self.shard.is_some() { Conducted::Part(part) } else { Conducted::Whole(whole) })
    }

    fn watch(&self, board: &Board, agent: &str, done: usize, plan: &ComparisonPlan) {
        /// A line of progress at each of so many equal parts of the runs. Ours: a log of both boards stays within two screens.
        const LINES: usize = 50;
        let n_cells = plan.cells().len();
        if done * LINES / n_cells > (done - 1) * LINES / n_cells {
            let (done, all) = (usize_count(done), usize_count(n_cells));
            self.flags.watcher().note(&format!("{}: {done} of {all} runs, the last by {agent}", board.name));
        }
    }

    /// What makes the page again.
    fn command(&self) -> String {
        let mut command =
            format!("cargo run --release -- leaderboard --seeds {} --trials {}", self.seeds, self.trials);
        for (flag, place, default) in [("--data", &self.data, DATA), ("--out", &self.out, OUT)] {
            if place != Path::new(default) {
                command.push_str(&format!(" {flag} {}", place.display()));
            }
        }
        command
    }

    fn write(&self, boards: &[BoardResults<'_>]) -> Result<Answer, Failure> {
        let mut written = Vec::new();
        let mut put = |name: String, text: String| {
            let path = self.out.join(name);
            put_whole(&path, text.as_bytes()).map_err(|error| unwritable(&path, error))?;
            written.push(path);
            Ok::<(), Failure>(())
        };
        fs::create_dir_all(&self.out).map_err(|error| unwritable(&self.out, error))?;
        for board in boards {
            let name = board.board.name;
            put(format!("{name}.csv"), tables::summary_csv(&board.standings))?;
            put(format!("{name}-results.csv"), tables::finals_csv(&board.results))?;
            let ranks = ranks(&board.results, &board.standings).plot.svg()?;
            put(format!("{name}-ranks.svg"), ranks)?;
        }
        let command = self.command();
        put("README.md".to_owned(), page(boards, &command))?;
        let lines: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        let is_json = self.flags.is_json();
        Ok(if is_json {
            Answer::json(&json!({ "written": written }))
        } else {
            Answer::text(lines.join("\n"))
        })
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::unwritable(error)
        .context(format!("{}: cannot write", path.display()))
        .hint("choose a place that can be written to: `--out FOLDER`")
}

/// What came of a call: all boards, or a part of their runs.
enum Conducted {
    Whole(Vec<BoardResults<'static>>),
    Part(ShardDone),
}

/// Why a board has no results.
enum BoardError {
    Comparison(ComparisonError),
    Other(Failure),
}

impl From<ComparisonError> for BoardError {
    fn from(error: ComparisonError) -> Self {
        Self::Comparison(error)
    }
}
