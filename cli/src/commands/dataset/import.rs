//! `tapeout dataset import`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde_json::json;
use tapeout::experiment::dataset::import::{Imported, Noise, draft, import, read_columns};
use tapeout::experiment::dataset::{DatasetError, TableFormat};
use tapeout::experiment::put_whole;

use super::info;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::number::{counted, usize_count};

/// Refused rows that are printed; all are in the folder. Ours: a screen.
const SHOWN: usize = 20;

/// What to read, and where to.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The logs: files that end in .csv, .jsonl or .parquet, with the same columns
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What the columns mean
    #[arg(long, value_name = "FILE.toml", required_unless_present = "draft")]
    columns: Option<PathBuf>,
    /// Write what the columns of the first file seem to mean, with what is doubtful marked, and read no further
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["columns", "out"])]
    draft: Option<PathBuf>,
    /// The folder of the data set
    #[arg(long, value_name = "FOLDER", required_unless_present = "draft")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What is in the new data set, and what did not fit.
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match (&self.draft, &self.columns, &self.out) {
            (Some(path), _, _) => self.draft(path),
            (None, Some(columns), Some(out)) => self.import(columns, out),
            _ => unreachable!("invariant: clap asks for `--columns` and `--out`, or for `--draft`"),
        }
    }

    fn draft(&self, path: &Path) -> Result<Answer, Failure> {
        if path.exists() {
            let error = anyhow!("{}: there is a file already", path.display());
            return Err(Failure::bad_input(error).hint("name another, or delete this one"));
        }
        let text = draft(&self.files[0])?;
        put_whole(path, text.as_bytes()).map_err(|error| {
            Failure::unwritable(error).context(format!("{}: cannot write", path.display()))
        })?;
        let n_doubtful = text.lines().filter(|line| line.contains("# doubtful")).count();
        Ok(Answer::text(format!(
            "{text}\nthis is {}; {} doubtful: mend them, then `tapeout dataset import {} --columns {} --out FOLDER`",
            path.display(),
            if n_doubtful == 1 { "1 line is".to_owned() } else { format!("{n_doubtful} lines are") },
            self.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" "),
            path.display()
        )))
    }

    fn import(&self, columns: &Path, out: &Path) -> Result<Answer, Failure> {
        if out.join("dataset.toml").exists() {
            return Err(DatasetError::Exists { path: out.to_owned() }.into());
        }
        let imported = import(&self.files, &read_columns(columns)?)?;
        imported.dataset.write(out, TableFormat::Parquet)?;
        if !imported.refused.is_empty() {
            let path = out.join("refused.jsonl");
            let lines = imported.refused.iter().map(|it| serde_json::to_string(it).map_err(Failure::failed));
            let text = lines.collect::<Result<Vec<String>, Failure>>()?.join("\n") + "\n";
            put_whole(&path, text.as_bytes()).map_err(|error| {
                Failure::unwritable(error).context(format!("{}: cannot write", path.display()))
            })?;
        }
        if self.json {
            return Ok(Answer::json(&json!({
                "rows": imported.dataset.rows().len(),
                "workloads": imported.dataset.workloads(),
                "overviews": imported.dataset.overviews(),
                "refused": imported.refused,
                "repeated": imported.repeated,
                "noise": imported.noise,
                "unnamed": imported.unnamed,
            })));
        }
        let overview = info::text(&imported.dataset);
        Ok(Answer::text(format!("{overview}\n{}", remarks(&imported, out))))
    }
}

/// What did not fit, what was said twice, and what was said differently.
fn remarks(imported: &Imported, out: &Path) -> String {
    let Imported { refused, repeated, noise, unnamed, .. } = imported;
    let mut text = String::new();
    let mut line = |it: String| {
        writeln!(text, "{it}").expect("invariant: a text can be written to");
    };
    if !refused.is_empty() {
        line(format!("{} did not fit:", counted(refused.len(), "row")));
        for row in refused.iter().take(SHOWN) {
            line(format!("  {}:{}: {}", row.file, row.line, row.reason));
        }
        let others = refused.len().saturating_sub(SHOWN);
        if others > 0 {
            line(format!("  and {} more: {}", usize_count(others), out.join("refused.jsonl").display()));
        }
    }
    if *repeated > 0 {
        line(format!("{} said again what another says, and are left out", counted(*repeated, "row")));
    }
    noise_lines(noise).into_iter().for_each(&mut line);
    if !unnamed.is_empty() {
        line(format!("columns that nobody names: {}", unnamed.join(", ")));
    }
    line(format!("the data set is {}", out.display()));
    text
}

fn noise_lines(noise: &Noise) -> Vec<String> {
    if noise.designs == 0 {
        return Vec::new();
    }
    let in_doubt = match noise.in_doubt {
        0 => String::new(),
        n => format!(", {} of them found feasible as well as infeasible", usize_count(n)),
    };
    let mut lines = vec![format!(
        "{} measured several times with different results, all kept as noise{in_doubt}",
        if noise.designs == 1 {
            "1 design was".to_owned()
        } else {
            format!("{} designs were", usize_count(noise.designs))
        },
    )];
    lines.extend(noise.spreads.iter().map(|it| {
        let [median, worst] = [it.median, it.worst].map(|share| format!("{:.2} %", 100.0 * share));
        format!("  {}: from least to most {median} of the mean in the median, {worst} at worst", it.metric)
    }));
    lines
}
