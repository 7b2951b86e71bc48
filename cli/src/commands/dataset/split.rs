//! `tapeout dataset split`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tapeout::core::{Catalog, Constraint, Objective, Seed, Value};
use tapeout::experiment::dataset::split::{DEFAULT_BAND, DEFAULT_UNRANKED, DEFAULT_WORST};
use tapeout::experiment::dataset::{Dataset, Split, SplitBy, SplitError};
use tapeout::experiment::put_whole;

use crate::answer::Answer;
use crate::arguments::toml_value;
use crate::failure::Failure;
use crate::number::usize_count;
use crate::table::{Column, Table};

/// What to split, and by what. Where several rules speak, a row is trained on only if all of them agree.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a data set
    dataset: PathBuf,
    /// By quality: train on the worst designs in this respect, hide the best: `latency_s`, `max:utilization`
    #[arg(long, value_name = "METRIC")]
    objective: Option<Objective>,
    /// What is acceptable; designs outside are never hidden: `area_m2 <= 2.7e-5`; again for several
    #[arg(long, value_name = "LIMIT", requires = "objective")]
    constraint: Vec<Constraint>,
    #[command(flatten)]
    cut: CutFlags,
    /// Where all randomness comes from
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true, value_parser = crate::arguments::seed)]
    seed: u64,
    /// A file for the split: the rules, the seed, and the indices of the rows, as JSON
    #[arg(long, value_name = "FILE.json")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where rows are cut off.
#[derive(clap::Args)]
struct CutFlags {
    /// The share of the acceptable designs of each workload that is trained on: the worst
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT_WORST)]
    worst: f64,
    /// The next better share, which selects among models
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT_BAND)]
    band: f64,
    /// The share of the other designs, infeasible or outside a limit, that selects among models
    #[arg(long, value_name = "SHARE", default_value_t = DEFAULT_UNRANKED)]
    unranked: f64,
    /// Workloads that are hidden, apart by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    hide: Vec<String>,
    /// Workloads that select among models
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    validate: Vec<String>,
    /// A level of a parameter that is hidden: `pes_x=32`; again for several
    #[arg(long, value_name = "PARAMETER=VALUE")]
    hide_level: Vec<Level>,
    /// A level that selects among models
    #[arg(long, value_name = "PARAMETER=VALUE")]
    validate_level: Vec<Level>,
}

/// A split, and how to make it again.
#[derive(Serialize, Deserialize)]
struct SplitFile {
    by: Vec<SplitBy>,
    seed: Seed,
    rows: Split,
}

/// Reads the split in the file at `path`, of a data set of `n_rows`.
pub(crate) fn read_split(path: &Path, n_rows: usize) -> Result<Split, Failure> {
    let named = |failure: Failure| failure.context(format!("{}: is no split", path.display()));
    let text = tapeout::input::read_text(path).map_err(|error| named(Failure::bad_input(error)))?;
    let split: SplitFile = serde_json::from_str(&text).map_err(|error| named(Failure::bad_input(error)))?;
    let Split { train, validation, hidden } = &split.rows;
    let mut is_met = vec![false; n_rows];
    for &row in train.iter().chain(validation).chain(hidden) {
        let reason = match is_met.get_mut(row) {
            None => format!("row {row} of {n_rows}, counted from 0: it is of another data set"),
            Some(true) => format!("row {row} occurs twice, expected once in one of the three lists"),
            Some(is_met) => {
                *is_met = true;
                continue;
            }
        };
        return Err(named(Failure::bad_input(anyhow::anyhow!(reason))));
    }
    Ok(split.rows)
}

impl Args {
    /// How many rows of each workload are for what.
    pub(crate) fn run(&self, catalog: &Catalog) -> Result<Answer, Failure> {
        let dataset = Dataset::read(catalog, &self.dataset)?;
        let by = self.cut.rules(self.objective.as_ref(), &self.constraint);
        let seed = Seed::new(self.seed);
        let rows = dataset.split(&by, seed).map_err(|error| match error {
            SplitError::NoRule => {
                Failure::bad_input(error).hint("`--objective`, `--hide` or `--hide-level` says it")
            }
            error => Failure::bad_input(error),
        })?;
        let split = SplitFile { by, seed, rows };
        if let Some(path) = &self.out {
            let text = serde_json::to_string(&split).map_err(Failure::failed)?;
            put_whole(path, text.as_bytes()).map_err(|error| {
                Failure::unwritable(error).context(format!("{}: cannot write", path.display()))
            })?;
        }
        if self.json {
            return Ok(Answer::json(&split));
        }
        Ok(Answer::text(table(&dataset, &split.rows)))
    }
}

impl CutFlags {
    /// What rows are cut off by.
    fn rules(&self, objective: Option<&Objective>, constraints: &[Constraint]) -> Vec<SplitBy> {
        let mut rules = Vec::new();
        if let Some(objective) = objective {
            rules.push(SplitBy::Quality {
                objective: objective.clone(),
                constraints: constraints.to_vec(),
                worst: self.worst,
                band: self.band,
                unranked: self.unranked,
            });
        }
        if !(self.hide.is_empty() && self.validate.is_empty()) {
            rules.push(SplitBy::Workload { hidden: self.hide.clone(), validation: self.validate.clone() });
        }
        let mut levels: BTreeMap<&str, [Vec<Value>; 2]> = BTreeMap::new();
        for (index, part) in [&self.hide_level, &self.validate_level].into_iter().enumerate() {
            for Level { parameter, value } in part {
                levels.entry(parameter).or_default()[index].push(value.clone());
            }
        }
        rules.extend(levels.into_iter().map(|(parameter, [hidden, validation])| SplitBy::Architecture {
            parameter: parameter.to_owned(),
            hidden,
            validation,
        }));
        rules
    }
}

fn table(dataset: &Dataset, split: &Split) -> String {
    let mut columns = vec![("workload", Column::Words)];
    columns.extend(["train", "validation", "hidden"].map(|name| (name, Column::Numbers)));
    let mut table = Table::new(&columns);
    for (index, workload) in dataset.workloads().iter().enumerate() {
        let n = |rows: &[usize]| {
            usize_count(rows.iter().filter(|&&row| dataset.rows()[row].workload == index).count())
        };
        table.row([workload.name.clone(), n(&split.train), n(&split.validation), n(&split.hidden)]);
    }
    table.text()
}

/// `pes_x=32`.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    parameter: String,
    value: Value,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (parameter, value) =
            text.split_once('=').ok_or("expected a parameter and one of its levels such as `pes_x=32`")?;
        let number = toml_value(value.trim()).and_then(|value| value.as_f64()).map(Value::number);
        Ok(Self {
            parameter: parameter.trim().to_owned(),
            value: number.unwrap_or_else(|| Value::from(value.trim())),
        })
    }
}
