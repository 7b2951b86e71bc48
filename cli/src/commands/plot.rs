//! `tapeout plot`.

use std::path::{Path, PathBuf};

use serde_json::json;
use tapeout::core::Catalog;
use tapeout::experiment::Run;
use tapeout::experiment::comparison::pictures::ranks;
use tapeout::experiment::comparison::{OpenedComparison, Standings};
use tapeout::experiment::plot::{DrawnRun, Picture, Spacing};

use crate::answer::Answer;
use crate::failure::Failure;

/// What to draw, and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders of runs: one shows its front, several show the progress of each; or one of a comparison, which shows its ranks
    #[arg(required = true, value_name = "RUN|COMPARISON")]
    runs: Vec<PathBuf>,
    /// The metric to the right [default: the first objective]
    #[arg(long, value_name = "METRIC", requires = "y")]
    x: Option<String>,
    /// The metric upwards [default: the second objective; with several runs, the first]
    #[arg(long, value_name = "METRIC")]
    y: Option<String>,
    /// Draw the axis to the right by equal ratios [default: where values spread over 30 times; designs evaluated by equal steps]
    #[arg(long, conflicts_with = "linear_x")]
    log_x: bool,
    /// Draw the axis to the right by equal steps
    #[arg(long)]
    linear_x: bool,
    /// Draw the axis upwards by equal ratios [default: where values spread over 30 times]
    #[arg(long, conflicts_with = "linear_y")]
    log_y: bool,
    /// Draw the axis upwards by equal steps
    #[arg(long)]
    linear_y: bool,
    /// The picture's path without extension [default: in the folder of the run, the first of several]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The paths of the pictures.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let picture = match self.runs.as_slice() {
            [folder] if OpenedComparison::is_in(folder) => self.ranks(catalog, folder)?,
            runs => self.of_runs(catalog, runs)?,
        };
        let stem = self.out.clone().unwrap_or_else(|| self.runs[0].join(&picture.name));
        let paths = picture.plot.write(&stem)?;
        if self.json {
            return Ok(Answer::json(&json!({ "plots": paths })));
        }
        Ok(Answer::text(paths.map(|path| format!("{}\n", path.display())).concat()))
    }

    fn ranks(&self, catalog: &Catalog, folder: &Path) -> Result<Picture, Failure> {
        if self.x.is_some() || self.y.is_some() {
            return Err(Failure::bad_input(anyhow::anyhow!("`--x` and `--y` are for runs")).hint(
                "a comparison shows average ranks; name one of its runs, `COMPARISON/ENV/AGENT/SEED`",
            ));
        }
        let opened = OpenedComparison::open(catalog, folder)?;
        Ok(ranks(&opened.results, &Standings::of(&opened.results, None)))
    }

    fn of_runs(&self, catalog: &Catalog, paths: &[PathBuf]) -> Result<Picture, Failure> {
        let opened = paths.iter().map(|path| Ok((name(path), Run::open(catalog, path)?)));
        let folders: Vec<(String, Run)> = opened.collect::<Result<_, Failure>>()?;
        let runs: Vec<DrawnRun<'_>> = folders.iter().map(|(name, run)| DrawnRun { name, run }).collect();
        self.picture(&runs)
    }

    fn spacing(&self) -> [Spacing; 2] {
        [(self.log_x, self.linear_x), (self.log_y, self.linear_y)].map(|asked| match asked {
            (true, _) => Spacing::Log,
            (_, true) => Spacing::Linear,
            _ => Spacing::Auto,
        })
    }

    fn picture(&self, runs: &[DrawnRun<'_>]) -> Result<Picture, Failure> {
        match (runs, &self.x, &self.y) {
            ([run], Some(x), Some(y)) => Ok(run.front([x, y], self.spacing())?),
            ([run], None, None) => Ok(run.picture(self.spacing())?),
            (_, Some(_), _) => {
                Err(Failure::bad_input(anyhow::anyhow!("`--x` is for one run, got {}", runs.len()))
                    .hint("leave out `--x`; `--y` is the objective whose progress is shown"))
            }
            (runs, None, y) => {
                let objectives = runs[0].run.experiment().problem().objectives();
                let objective = y.as_ref().unwrap_or(&objectives[0].metric);
                Ok(DrawnRun::progress(runs, objective, self.spacing())?)
            }
        }
    }
}

/// What the legend calls a run: the name of its folder.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
