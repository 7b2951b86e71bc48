//! A tuning file of whatever form, read and checked: a space of configurations, and what became of each.

use std::collections::BTreeMap;

use serde::Deserialize;
use tapeout_core::{DesignSpace, Direction, Metric, Outcome, Parameter};

use super::error::TuningFileError;
use super::kernel_tuner::{CachePoints, CacheText};
use super::ktt::{self, KttResult};
use super::record::{Level, Point, Quantity, RawRecord, TuningForm};
use super::t4::{self, ConfigurationSpace, T4Result};
use super::text::{closed, unpacked};

/// A recorded tuning run.
#[derive(Debug)]
pub struct TuningFile {
    /// What the file is.
    pub form: TuningForm,
    /// The device the run was made on; empty if the file does not say.
    pub device_name: String,
    /// The kernel that was tuned; empty if the file does not say.
    pub kernel_name: String,
    /// What was measured at every configuration that ran: the objectives of the file, then the rest; shape `[k]`.
    pub metrics: Vec<Metric>,
    /// What the run was tuned for, by its metric, and which way if that is known.
    pub objectives: Vec<(String, Option<Direction>)>,
    /// What of the file was not taken, in words.
    pub notes: Vec<String>,
    parameters: Vec<Parameter>,
    /// The levels of each configuration.
    rows: Vec<Vec<u32>>,
    outcomes: Vec<Outcome>,
}

/// The keys of all forms.
#[derive(Deserialize)]
struct FileText {
    #[serde(default)]
    device_name: Option<String>,
    #[serde(default)]
    kernel_name: Option<String>,
    tune_params_keys: Option<Vec<String>>,
    tune_params: Option<BTreeMap<String, Vec<Level>>>,
    objective: Option<OneOrMore<String>>,
    objective_higher_is_better: Option<OneOrMore<bool>>,
    cache: Option<CachePoints>,
    results: Option<Vec<T4Result>>,
    #[serde(rename = "Results")]
    ktt_results: Option<Vec<KttResult>>,
    #[serde(rename = "Metadata")]
    ktt_metadata: Option<ktt::Metadata>,
    #[serde(rename = "ConfigurationSpace")]
    space: Option<ConfigurationSpace>,
    #[serde(rename = "General")]
    general: Option<General>,
}

#[derive(Deserialize)]
struct General {
    #[serde(rename = "BenchmarkName", default)]
    benchmark_name: String,
}

/// `"time"` or `["time", "energy"]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn list(this: Option<Self>) -> Vec<T> {
        match this {
            None => Vec::new(),
            Some(Self::One(one)) => vec![one],
            Some(Self::More(more)) => more,
        }
    }
}

impl TuningFile {
    /// Reads a file's bytes, gzipped or not: a cache of Kernel Tuner, results in T4, or the output of KTT.
    ///
    /// `problem`: the bytes of the T1 file that T4 results belong to, if there is one.
    ///
    /// # Errors
    /// [`TuningFileError`] saying what is broken: the compression, the JSON, or the file's own structure.
    pub fn read(bytes: &[u8], problem: Option<&[u8]>) -> Result<Self, TuningFileError> {
        let mut notes = Vec::new();
        let raw = {
            let text = parsed(bytes, &mut notes)?;
            let problem = problem.map(|bytes| parsed(bytes, &mut notes)).transpose()?;
            raw(text, problem)?
        };
        Self::checked(&raw, notes)
    }

    /// The configurations as a list.
    ///
    /// # Errors
    /// [`TuningFileError::Space`] if the parameters do not make a space.
    pub fn listed_space(&self) -> Result<DesignSpace, TuningFileError> {
        Ok(DesignSpace::of_rows(self.parameters.clone(), self.rows.clone())?)
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The levels of each configuration with what became of it, in the order of the file.
    pub fn points(&self) -> impl Iterator<Item = (&[u32], &Outcome)> {
        self.rows.iter().map(Vec::as_slice).zip(&self.outcomes)
    }

    fn checked(raw: &RawRecord, mut notes: Vec<String>) -> Result<Self, TuningFileError> {
        let RawRecord { form, device_name, kernel_name, values_are_in, quantities, .. } = raw;
        let parameters: Vec<Parameter> =
            raw.parameters.iter().map(|(name, values)| parameter(name, values)).collect();
        let rows = (raw.points.iter().map(|point| levels(&parameters, point, values_are_in)))
            .collect::<Result<Vec<Vec<u32>>, _>>()?;
        check_objectives(raw)?;
        let kept = kept_quantities(raw, &mut notes);
        if kept.is_empty() {
            let points = raw.points.len();
            let is_none = raw.points.iter().all(|point| point.failure.is_some());
            return Err(if is_none {
                TuningFileError::NothingRan { points }
            } else {
                TuningFileError::NoMetrics
            });
        }
        let mut by_row: Vec<(Vec<u32>, Outcome)> = Vec::with_capacity(rows.len());
        let outcomes = raw.points.iter().map(|point| outcome(point, &kept, quantities));
        by_row.extend(rows.into_iter().zip(outcomes));
        if *form != TuningForm::KernelTuner {
            drop_repeats(&mut by_row, &mut notes);
        }
        let objectives = raw.objectives.iter().filter_map(|objective| {
            let quantity = quantities.iter().find(|quantity| quantity.name == objective.name)?;
            Some((quantity.metric.name.clone(), objective.direction(quantity)))
        });
        let (rows, outcomes) = by_row.into_iter().unzip();
        Ok(Self {
            form: *form,
            device_name: device_name.clone(),
            kernel_name: kernel_name.clone(),
            metrics: kept.iter().map(|&index| quantities[usize::from(index)].metric.clone()).collect(),
            objectives: objectives.collect(),
            notes,
            parameters,
            rows,
            outcomes,
        })
    }
}

/// The keys of a file, also of a cache whose run was interrupted.
fn parsed(bytes: &[u8], notes: &mut Vec<String>) -> Result<FileText, TuningFileError> {
    let text = unpacked(bytes)?;
    let error = match serde_json::from_slice(&text) {
        Ok(parsed) => return Ok(parsed),
        Err(error) if error.is_eof() => error,
        Err(error) => return Err(TuningFileError::Json(error)),
    };
    for (is_whole_point, note) in [
        (true, "the run was interrupted: the file was closed behind its last point"),
        (false, "the run was interrupted within a point, which is left out"),
    ] {
        if let Ok(parsed) = serde_json::from_slice::<FileText>(&closed(&text, is_whole_point))
            && parsed.cache.is_some()
        {
            notes.push(note.to_owned());
            return Ok(parsed);
        }
    }
    Err(TuningFileError::Truncated(error))
}

/// The record of whichever form the keys are of.
fn raw(text: FileText, problem: Option<FileText>) -> Result<RawRecord, TuningFileError> {
    let problem = match problem {
        None => None,
        Some(FileText { space: Some(space), general, .. }) => {
            Some((space, general.map_or_else(String::new, |general| general.benchmark_name)))
        }
        Some(_) => return Err(TuningFileError::NotAProblem),
    };
    if let (Some(points), Some(keys)) = (text.cache, text.tune_params_keys) {
        let mut directions = OneOrMore::list(text.objective_higher_is_better).into_iter();
        let objectives = OneOrMore::list(text.objective);
        let cache = CacheText {
            device_name: text.device_name.unwrap_or_default(),
            kernel_name: text.kernel_name.unwrap_or_default(),
            keys,
            values: text.tune_params.unwrap_or_default(),
            objectives: objectives.into_iter().map(|name| (name, directions.next())).collect(),
            points,
        };
        return cache.record();
    }
    let empty = |list| Err(TuningFileError::NoPoints { list });
    match (text.results, text.ktt_results) {
        (Some(results), _) if results.is_empty() => empty("results"),
        (_, Some(results)) if results.is_empty() => empty("Results"),
        (Some(results), _) => {
            let (space, kernel_name) = problem.unzip();
            t4::record(results, kernel_name.unwrap_or_default(), space.as_ref())
        }
        (None, Some(results)) => ktt::record(results, text.ktt_metadata),
        (None, None) if text.space.is_some() => Err(TuningFileError::Problem),
        (None, None) => Err(TuningFileError::UnknownForm),
    }
}

/// Every point that ran has a number for every objective.
fn check_objectives(raw: &RawRecord) -> Result<(), TuningFileError> {
    for point in raw.points.iter().filter(|point| point.failure.is_none()) {
        for objective in &raw.objectives {
            let index = raw.quantities.iter().position(|quantity| quantity.name == objective.name);
            let value = index.and_then(|index| value(point, index as u16));
            let is_time = index.is_some_and(|index| raw.quantities[index].is_time);
            let is_good = value.is_some_and(|value| !is_time || value > 0.0);
            if !is_good {
                return Err(TuningFileError::BadObjective {
                    point: point.name.clone(),
                    objective: objective.name.clone(),
                    got: value.map_or_else(|| "nothing".to_owned(), |value| value.to_string()),
                    expected: if is_time || objective.name == "time" {
                        "a time above 0 or the name of a failure"
                    } else {
                        "a number or the name of a failure"
                    },
                });
            }
        }
    }
    Ok(())
}

fn value(point: &Point, index: u16) -> Option<f64> {
    point.measured.iter().find(|(quantity, _)| *quantity == index).map(|(_, value)| *value)
}

/// The quantities that every point that ran has: those of the objectives first.
fn kept_quantities(raw: &RawRecord, notes: &mut Vec<String>) -> Vec<u16> {
    let mut counts = vec![0usize; raw.quantities.len()];
    let mut n_ran = 0;
    for point in raw.points.iter().filter(|point| point.failure.is_none()) {
        n_ran += 1;
        for (quantity, _) in &point.measured {
            counts[usize::from(*quantity)] += 1;
        }
    }
    let is_objective = |name: &String| raw.objectives.iter().position(|objective| objective.name == *name);
    let mut kept = Vec::new();
    for (index, quantity) in raw.quantities.iter().enumerate() {
        if n_ran > 0 && counts[index] == n_ran {
            kept.push(index as u16);
        } else if counts[index] > 0 {
            let (name, count) = (&quantity.name, counts[index]);
            notes.push(format!(
                "`{name}` is no metric: {count} of the {n_ran} configurations that ran have a number there"
            ));
        }
    }
    kept.sort_by_key(|&index| {
        is_objective(&raw.quantities[usize::from(index)].name).unwrap_or(raw.objectives.len())
    });
    kept
}

fn outcome(point: &Point, kept: &[u16], quantities: &[Quantity]) -> Outcome {
    match &point.failure {
        Some(failure) => Outcome::infeasible(&failure.replace(char::is_whitespace, "_"), 1.0),
        None => Outcome::Measured(
            kept.iter()
                .map(|&index| {
                    let value = value(point, index).expect("invariant: every point that ran has it");
                    value * quantities[usize::from(index)].factor
                })
                .collect(),
        ),
    }
}

/// A configuration that was run twice has the last of its results.
fn drop_repeats(rows: &mut Vec<(Vec<u32>, Outcome)>, notes: &mut Vec<String>) {
    let mut place_by_row: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let n_before = rows.len();
    let mut kept: Vec<(Vec<u32>, Outcome)> = Vec::with_capacity(n_before);
    for (row, outcome) in rows.drain(..) {
        match place_by_row.get(&row) {
            Some(&place) => kept[place].1 = outcome,
            None => {
                place_by_row.insert(row.clone(), kept.len());
                kept.push((row, outcome));
            }
        }
    }
    if kept.len() < n_before {
        notes.push(format!(
            "results of configurations that were run again: {}; the last counts",
            n_before - kept.len()
        ));
    }
    *rows = kept;
}

/// The parameter with these values: ordinal if all are numbers, categorical otherwise.
fn parameter(name: &str, values: &[Level]) -> Parameter {
    let about = "as named in the file";
    let numbers: Option<Vec<f64>> = values
        .iter()
        .map(|value| match value {
            Level::Number(number) => Some(*number),
            Level::Text(_) => None,
        })
        .collect();
    match numbers {
        Some(mut numbers) => {
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            Parameter::ordinal(name, numbers).about(about)
        }
        None => {
            let mut names: Vec<String> = Vec::new();
            for value in values.iter().map(Level::to_string) {
                if !names.contains(&value) {
                    names.push(value);
                }
            }
            Parameter::categorical(name, &names.iter().map(String::as_str).collect::<Vec<_>>()).about(about)
        }
    }
}

fn levels(parameters: &[Parameter], point: &Point, list: &'static str) -> Result<Vec<u32>, TuningFileError> {
    let columns = parameters.iter().zip(&point.levels);
    columns
        .map(|(parameter, got)| {
            let (point, parameter_name) = (point.name.clone(), || parameter.name().to_owned());
            let Some(got) = got else {
                return Err(TuningFileError::MissingParameter { point, parameter: parameter_name() });
            };
            let value = match got {
                Level::Number(number) if !parameter.is_categorical() => (*number).into(),
                other => other.to_string().as_str().into(),
            };
            parameter.level_of(&value).ok_or_else(|| TuningFileError::UnlistedValue {
                point,
                parameter: parameter_name(),
                got: match got {
                    Level::Number(number) => number.to_string(),
                    Level::Text(text) => format!("{text:?}"),
                },
                list,
            })
        })
        .collect()
}
