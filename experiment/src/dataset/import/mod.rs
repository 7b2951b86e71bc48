//! A data set of somebody's log: CSV, JSON lines or Parquet, whose columns a `logs.toml` explains.
//!
//! | file | holds |
//! |---|---|
//! | [`columns`] | what the columns mean: `logs.toml` |
//! | `file` | a log, record by record |
//! | `rows` | records as rows, and why some do not fit |
//! | `draft` | a `logs.toml` made from a log, with what is doubtful marked |
//! | [`error`] | what can be wrong with all of these |
//!
//! No row is dropped in silence: one that does not fit is in [`Imported::refused`] with its line and reason, one that says again
//! what another said is counted, and several measurements of one design that differ are all kept, as noise.

pub mod columns;
mod draft;
pub mod error;
mod file;
mod rows;

use std::path::{Path, PathBuf};

use serde::Serialize;
use tapeout_core::names::nearest_name;
use tapeout_core::{Design, DesignSpace, Goal, Metric, Outcome, Problem, Seed};

use self::columns::LogColumns;
use self::error::ImportError;
use self::file::Flow;
use self::rows::{Became, Gathered, Kept};
use super::logged::{Logged, LoggedConfig};
use super::table::{About, Dataset, DatasetSource, DatasetWorkload, Row};

pub use draft::draft;

/// What came of a log.
#[derive(Debug)]
pub struct Imported {
    /// The data set.
    pub dataset: Dataset,
    /// Rows that do not fit, file by file, line by line.
    pub refused: Vec<Refused>,
    /// Rows that say of a design what another row said already; they are left out.
    pub repeated: usize,
    /// Designs that were measured several times, with different results.
    pub noise: Noise,
    /// Columns of the files that `logs.toml` does not name, each once.
    pub unnamed: Vec<String>,
}

/// A row that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The file.
    pub file: String,
    /// Its line, from 1; of Parquet the row.
    pub line: usize,
    /// Why it does not fit.
    pub reason: String,
}

/// How far measurements of the same design are apart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Noise {
    /// Designs with several different results in one workload.
    pub designs: usize,
    /// Of these, designs that were found feasible as well as infeasible.
    pub in_doubt: usize,
    /// For each metric the spread, from least to most over the mean, of the median and of the worst of these designs.
    pub spreads: Vec<NoiseOfMetric>,
}

/// How far measurements of one metric are apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseOfMetric {
    /// The metric.
    pub metric: String,
    /// Half of the designs that were measured several times are spread less than this.
    pub median: f64,
    /// The widest spread.
    pub worst: f64,
}

/// Imports the logs in `files`, whose columns are explained by `columns`.
///
/// # Errors
/// [`ImportError`] if a file cannot be read, lacks a column, or no row is fit.
pub fn import(files: &[PathBuf], columns: &LogColumns) -> Result<Imported, ImportError> {
    if files.is_empty() {
        return Err(ImportError::NoFiles);
    }
    let needed = columns.needed();
    let (mut gathered, mut refused, mut unnamed) = (Gathered::new(columns)?, Vec::new(), Vec::new());
    for (source, path) in files.iter().enumerate() {
        check_columns(path, columns, &needed, &mut unnamed)?;
        file::each_record(path, &needed, &mut |line, fields| {
            let added = fields.and_then(|fields| gathered.add(source, line, fields));
            if let Err(reason) = added {
                refused.push(Refused { file: path.display().to_string(), line, reason });
            }
            Flow::GoOn
        })?;
    }
    if gathered.kept.is_empty() {
        let first = refused.first().map_or_else(|| "there are none".to_owned(), |it| it.reason.clone());
        return Err(ImportError::NoRows { rows: refused.len(), first });
    }
    let (dataset, repeated, noise) = dataset(&gathered, columns, files)?;
    Ok(Imported { dataset, refused, repeated, noise, unnamed })
}

/// Reads the `logs.toml` at `path`.
///
/// # Errors
/// [`ImportError`] if it cannot be read or understood.
pub fn read_columns(path: &Path) -> Result<LogColumns, ImportError> {
    let text = tapeout_input::read_text(path)
        .map_err(|error| ImportError::File { path: path.to_owned(), reason: error.to_string() })?;
    LogColumns::parse(&text).map_err(|(field, reason)| ImportError::Columns {
        path: path.to_owned(),
        field,
        reason,
    })
}

/// Fails if a needed column is not in the file; adds those that nobody names to `unnamed`.
fn check_columns(
    path: &Path,
    columns: &LogColumns,
    needed: &[&str],
    unnamed: &mut Vec<String>,
) -> Result<(), ImportError> {
    let known = file::columns_of(path)?;
    let missing = needed.iter().find(|needed| !known.iter().any(|known| known == *needed));
    if let Some(column) = missing {
        let nearest = nearest_name(column, known.iter().map(String::as_str));
        return Err(ImportError::NoColumn {
            path: path.to_owned(),
            column: (*column).to_owned(),
            nearest,
            known,
        });
    }
    for column in known {
        let is_named = needed.contains(&column.as_str()) || columns.unused.contains(&column);
        if !is_named && !unnamed.contains(&column) {
            unnamed.push(column);
        }
    }
    Ok(())
}

/// The data set of what was gathered, how many rows say what another said, and what was measured differently.
fn dataset(
    gathered: &Gathered<'_>,
    columns: &LogColumns,
    files: &[PathBuf],
) -> Result<(Dataset, usize, Noise), ImportError> {
    let (parameters, levels): (Vec<_>, Vec<_>) = gathered.parameters().into_iter().unzip();
    let space = DesignSpace::new(parameters.clone(), Vec::new())?
        .with_products(&columns.products)?
        .with_equal_levels(&columns.equal_levels)?;
    let metrics: Vec<Metric> = columns
        .metrics
        .iter()
        .map(|it| Metric::new(it.name(), &it.unit, &format!("column `{}` of the log", it.column)))
        .collect();
    let goal =
        Goal { objectives: columns.goal.objectives.clone(), constraints: columns.goal.constraints.clone() };
    Problem::new(space.clone(), metrics.clone(), goal.clone())?;
    let rows = rows_of(gathered, &space, &levels, metrics.len())?;
    let (rows, repeated, noise) = apart(rows, &metrics);
    let config = LoggedConfig {
        name: columns.name.clone(),
        workload: String::new(),
        parameters,
        products: columns.products.clone(),
        equal_levels: columns.equal_levels.clone(),
        metrics: metrics.clone(),
        goal,
    };
    let workloads = gathered.workloads.iter().map(|it| DatasetWorkload {
        name: it.name.clone(),
        settings: Logged::workload(&it.name),
        context: it.context.clone(),
    });
    let source = |path: &PathBuf| DatasetSource {
        name: path.display().to_string(),
        agent: "log".to_owned(),
        seed: Seed::new(0),
    };
    let about = About {
        space,
        env: config.spec(),
        is_noisy: noise.designs > 0,
        metrics,
        workloads: workloads.collect(),
        sources: files.iter().map(source).collect(),
    };
    Ok((Dataset { about, rows }, repeated, noise))
}

/// All rows, workload by workload; in each in the order of the files.
fn rows_of(
    gathered: &Gathered<'_>,
    space: &DesignSpace,
    levels: &[Vec<u32>],
    k: usize,
) -> Result<Vec<Row>, ImportError> {
    let mut metrics = gathered.metrics.chunks_exact(k);
    let row = |(kept, codes): (&Kept, &[u32])| -> Result<Row, ImportError> {
        let at: Vec<u32> = codes.iter().zip(levels).map(|(&code, levels)| levels[code as usize]).collect();
        let outcome = match kept.became {
            Became::Measured => {
                Outcome::Measured(metrics.next().expect("invariant: measured rows have metrics").to_vec())
            }
            Became::Infeasible(rule, violation) => Outcome::infeasible(&gathered.rules[rule], violation),
        };
        let (workload, source, trial) = (kept.workload, kept.source, kept.line.saturating_sub(1));
        Ok(Row { workload, design: space.design(&at)?, outcome, source, trial })
    };
    let records = gathered.kept.iter().zip(gathered.codes.chunks_exact(levels.len()));
    let mut rows: Vec<Row> = records.map(row).collect::<Result<_, _>>()?;
    rows.sort_by_key(|row| row.workload); // stable
    Ok(rows)
}

/// The rows without those that repeat another, how many these are, and how far others of one design are apart.
fn apart(rows: Vec<Row>, metrics: &[Metric]) -> (Vec<Row>, usize, Noise) {
    fn key(row: &Row) -> (usize, &Design) {
        (row.workload, &row.design)
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&a, &b| key(&rows[a]).cmp(&key(&rows[b]))); // stable: copies come after what they copy
    let mut is_repeated = vec![false; rows.len()];
    let (mut noise, mut spreads) = (Noise::default(), vec![Vec::new(); metrics.len()]);
    for same in order.chunk_by(|&a, &b| key(&rows[a]) == key(&rows[b])).filter(|same| same.len() > 1) {
        let mut different: Vec<&Outcome> = Vec::new();
        for &index in same {
            // Measured again with the same result to the last digit, a row was copied: it says nothing new.
            if different.contains(&&rows[index].outcome) {
                is_repeated[index] = true;
            } else {
                different.push(&rows[index].outcome);
            }
        }
        let measured: Vec<&[f64]> = different.iter().filter_map(|outcome| outcome.metrics()).collect();
        if different.len() > 1 && !measured.is_empty() {
            noise.designs += 1;
            noise.in_doubt += usize::from(measured.len() < different.len());
            if measured.len() > 1 {
                for (index, spreads) in spreads.iter_mut().enumerate() {
                    spreads.push(relative_spread(measured.iter().map(|metrics| metrics[index])));
                }
            }
        }
    }
    let of_metric = |(metric, mut spreads): (&Metric, Vec<f64>)| {
        spreads.sort_by(f64::total_cmp);
        Some(NoiseOfMetric {
            metric: metric.name.clone(),
            median: *spreads.get(spreads.len() / 2)?,
            worst: *spreads.last()?,
        })
    };
    noise.spreads = metrics.iter().zip(spreads).filter_map(of_metric).collect();
    let n_repeated = is_repeated.iter().filter(|&&is| is).count();
    let kept = rows.into_iter().zip(is_repeated).filter(|(_, is_repeated)| !is_repeated);
    (kept.map(|(row, _)| row).collect(), n_repeated, noise)
}

/// From least to most, over the size of the mean; 0 if that is 0.
fn relative_spread(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let mean = (values.clone().sum::<f64>() / n).abs();
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::NEG_INFINITY, f64::max);
    if mean == 0.0 { 0.0 } else { (most - least) / mean }
}
