//! The output of KTT, the Kernel Tuning Toolkit: a result for each configuration that was run.
//!
//! Source: KTT 2.1 (Petrovič et al. 2020, doi:10.1016/j.future.2020.02.069), its JSON output and its own converter to T4: the time is
//! `TotalDuration`, in the file's `TimeUnit`; the counters of a profile are measurements.

use serde::Deserialize;

use super::error::TuningFileError;
use super::record::{FileObjective, Level, Point, Quantity, RawRecord, TuningForm};
use super::t4::seen;

/// What the output says of the machine.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    #[serde(default)]
    device: String,
    time_unit: Option<String>,
}

/// One result.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KttResult {
    configuration: Vec<Parameter>,
    status: String,
    total_duration: Option<f64>,
    #[serde(default)]
    kernel_name: String,
    #[serde(default)]
    computation_results: Vec<Computation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    value: Level,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Computation {
    profiling_data: Option<Profile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Profile {
    #[serde(default)]
    counters: Vec<Counter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Counter {
    name: String,
    value: Level,
}

/// The record in the output.
pub(super) fn record(
    results: Vec<KttResult>,
    metadata: Option<Metadata>,
) -> Result<RawRecord, TuningFileError> {
    const DURATION: &str = "TotalDuration";
    let device_name = metadata.as_ref().map_or_else(String::new, |metadata| metadata.device.clone());
    // KTT's own default unit. Source: `Ktt.h`, `TimeUnit::Milliseconds` of the global configuration.
    let unit = metadata.and_then(|metadata| metadata.time_unit).unwrap_or_else(|| "Milliseconds".to_owned());
    let mut quantities = vec![Quantity::time(DURATION, &unit, "time of the kernel")?];
    let kernel_name = results.first().map_or_else(String::new, |result| result.kernel_name.clone());
    let mut names: Vec<String> = Vec::new();
    for name in results.iter().flat_map(|result| &result.configuration).map(|parameter| &parameter.name) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let points: Vec<Point> = results
        .into_iter()
        .enumerate()
        .map(|(index, result)| result.point(format!("result {}", index + 1), &names, &mut quantities))
        .collect();
    let columns = names.iter().enumerate();
    Ok(RawRecord {
        form: TuningForm::Ktt,
        device_name,
        kernel_name,
        parameters: columns.map(|(column, name)| (name.clone(), seen(&points, column))).collect(),
        values_are_in: "`Results`",
        objectives: vec![FileObjective { name: DURATION.to_owned(), is_higher_better: None }],
        quantities,
        points,
    })
}

impl KttResult {
    fn point(self, name: String, names: &[String], quantities: &mut Vec<Quantity>) -> Point {
        let mut levels = vec![None; names.len()];
        for parameter in self.configuration {
            if let Some(column) = names.iter().position(|name| *name == parameter.name) {
                levels[column] = Some(parameter.value);
            }
        }
        if self.status != "Ok" {
            return Point { name, levels, failure: Some(self.status), measured: Vec::new() };
        }
        let mut measured: Vec<(u16, f64)> =
            self.total_duration.map(|duration| (0, duration)).into_iter().collect();
        // A kernel of several parts has a profile for each, and no profile of its own.
        if let [Computation { profiling_data: Some(profile) }] = self.computation_results.as_slice() {
            for Counter { name, value } in &profile.counters {
                if let Level::Number(number) = value {
                    measured.push((index_of(name, quantities), *number));
                }
            }
        }
        Point { name, levels, failure: None, measured }
    }
}

/// The index of a quantity, which is added if it is new.
fn index_of(name: &str, quantities: &mut Vec<Quantity>) -> u16 {
    let known = quantities.iter().position(|quantity| quantity.name == name);
    known.unwrap_or_else(|| {
        quantities.push(Quantity::plain(name, ""));
        quantities.len() - 1
    }) as u16
}
