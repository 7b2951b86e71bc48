//! T4: tuning results in the common format of several autotuners, and T1, the problem that was tuned.
//!
//! Source: the schemas `T4/1.0.0/results-schema.json` and `T1/1.0.0/input-schema.json` in Kernel Tuner, which writes such files
//! (`file_utils.get_t4_results`); KTT's converted results have a unit beside each value.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::error::TuningFileError;
use super::record::{FileObjective, Level, Point, Quantity, RawRecord, TuningForm, seconds};

/// One result of a T4 file.
#[derive(Deserialize)]
pub(super) struct T4Result {
    configuration: Map<String, Json>,
    invalidity: Option<String>,
    correctness: Option<f64>,
    #[serde(default)]
    measurements: Vec<Measurement>,
    #[serde(default)]
    objectives: Vec<String>,
}

#[derive(Deserialize)]
struct Measurement {
    name: String,
    value: Json,
    #[serde(default)]
    unit: String,
}

/// The problem that a T1 file states, as far as a record of results needs it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfigurationSpace {
    tuning_parameters: Vec<TuningParameter>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TuningParameter {
    name: String,
    values: Json,
}

impl TuningParameter {
    /// The values, if they are a list; T1 also has expressions of Python, which are not run here.
    fn listed(&self) -> Option<Vec<Level>> {
        match &self.values {
            Json::String(text) => {
                let text = text.replace('\'', "\"").replace("True", "true").replace("False", "false");
                serde_json::from_str(&text).ok()
            }
            values => serde_json::from_value(values.clone()).ok(),
        }
    }
}

/// The record in the results, with the parameters in the order of the problem if there is one.
pub(super) fn record(
    results: Vec<T4Result>,
    kernel_name: String,
    problem: Option<&ConfigurationSpace>,
) -> Result<RawRecord, TuningFileError> {
    let names = names(&results, problem);
    let mut objectives: Vec<String> = Vec::new();
    let mut quantities: Vec<Quantity> = Vec::new();
    let mut index_by_name: BTreeMap<String, u16> = BTreeMap::new();
    let mut points = Vec::with_capacity(results.len());
    for (index, mut result) in results.into_iter().enumerate() {
        for objective in result.objectives.drain(..) {
            if !objectives.contains(&objective) {
                objectives.push(objective);
            }
        }
        let mut point = Point { name: format!("result {}", index + 1), ..Point::default() };
        for name in &names {
            let value = result.configuration.remove(name);
            point.levels.push(value.and_then(|value| serde_json::from_value(value).ok()));
        }
        for measurement in std::mem::take(&mut result.measurements) {
            let index = match index_by_name.get(&measurement.name) {
                Some(&index) => index,
                None => {
                    let index = quantities.len() as u16;
                    quantities.push(quantity(&measurement));
                    index_by_name.insert(measurement.name.clone(), index);
                    index
                }
            };
            match (&measurement.value, measurement.value.as_f64()) {
                (_, Some(number)) => point.measured.push((index, number)),
                // Where Kernel Tuner has no value, it names the failure, more precisely than `invalidity`.
                (Json::String(failure), None) if objectives.contains(&measurement.name) => {
                    point.failure = Some(failure.clone());
                }
                _ => {}
            }
        }
        point.failure = result.failure(point.failure);
        points.push(point);
    }
    let parameters = parameters(&names, &points, problem);
    let objectives =
        objectives.into_iter().map(|name| FileObjective { name, is_higher_better: None }).collect();
    let values_are_in = if problem.is_some() { "the problem" } else { "`results`" };
    let (form, device_name) = (TuningForm::T4, String::new());
    Ok(RawRecord {
        form,
        device_name,
        kernel_name,
        parameters,
        values_are_in,
        objectives,
        quantities,
        points,
    })
}

impl T4Result {
    /// Why it is invalid, if it is; `named` is how a measurement tells it.
    fn failure(&self, named: Option<String>) -> Option<String> {
        match self.invalidity.as_deref() {
            Some("correct") | None if self.correctness == Some(0.0) => Some("correctness".to_owned()),
            Some("correct") | None => named,
            Some(invalidity) => Some(named.unwrap_or_else(|| invalidity.to_owned())),
        }
    }
}

fn quantity(measurement: &Measurement) -> Quantity {
    let Measurement { name, unit, .. } = measurement;
    // Kernel Tuner leaves the unit of its time empty, and its `timeunit` is always milliseconds.
    let unit = if unit.is_empty() && name == "time" { "ms" } else { unit };
    match seconds(unit) {
        Some(_) => {
            Quantity::time(name, unit, "as named in the file").expect("invariant: it is a unit of time")
        }
        None => Quantity::plain(name, unit),
    }
}

/// The names of the parameters: the problem's first, then others in the order of the results.
fn names(results: &[T4Result], problem: Option<&ConfigurationSpace>) -> Vec<String> {
    let mut names: Vec<String> = problem
        .into_iter()
        .flat_map(|problem| &problem.tuning_parameters)
        .map(|it| it.name.clone())
        .collect();
    let mut known: std::collections::BTreeSet<String> = names.iter().cloned().collect();
    for name in results.iter().flat_map(|result| result.configuration.keys()) {
        if known.insert(name.clone()) {
            names.push(name.clone());
        }
    }
    names
}

/// The values of each parameter: the problem's if it lists them, else those that stand in the results.
fn parameters(
    names: &[String],
    points: &[Point],
    problem: Option<&ConfigurationSpace>,
) -> Vec<(String, Vec<Level>)> {
    let listed = |name: &String| {
        let parameters = problem.map(|problem| &problem.tuning_parameters)?;
        parameters.iter().find(|parameter| parameter.name == *name)?.listed()
    };
    let columns = names.iter().enumerate();
    columns
        .map(|(column, name)| (name.clone(), listed(name).unwrap_or_else(|| seen(points, column))))
        .collect()
}

/// The values of a column that stand in the points, each once, in the order in which they come.
pub(super) fn seen(points: &[Point], column: usize) -> Vec<Level> {
    let mut values: Vec<Level> = Vec::new();
    for value in points.iter().filter_map(|point| point.levels[column].as_ref()) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}
