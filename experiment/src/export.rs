//! The best designs of a run as files that other programs read: JSON, T4, a cache of Kernel Tuner.
//!
//! Source of the latter two: Kernel Tuner, `schema/T4/1.0.0/results-schema.json` and `util.process_cache`. Both have the metric
//! `time_s` as Kernel Tuner has it: `time`, in milliseconds.

use serde_json::{Map, Value, json};
use tapeout_core::pareto::non_dominated_sort;
use tapeout_core::{Direction, Metric, Trial, Value as Setting};

use crate::finished::Run;

/// Milliseconds of a second, the unit of times in files of Kernel Tuner.
const MS_PER_S: f64 = 1e3;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// A list of designs with their metrics.
    Json,
    /// Results in the common format T4.
    T4,
    /// A cache file of Kernel Tuner.
    KernelTuner,
}

/// A design that was measured, its number in the log, and the value of each of the problem's quantities.
struct Best {
    number: usize,
    trial: Trial,
    values: Vec<f64>,
}

/// The `count` best acceptable designs of `run`, best first, as the text of a file; fewer if there are not so many.
///
/// With several objectives the front comes first, then the front of the rest, and so on; within a front by the first objective.
pub fn export(run: &Run, count: usize, form: ExportForm) -> String {
    let best = best(run, count);
    let file = match form {
        ExportForm::Json => best.iter().map(|best| best.as_json(run)).collect(),
        ExportForm::T4 => t4(run, &best),
        ExportForm::KernelTuner => kernel_tuner(run, &best),
    };
    let mut text = serde_json::to_string_pretty(&file).expect("invariant: plain data with text keys");
    text.push('\n');
    text
}

fn best(run: &Run, count: usize) -> Vec<Best> {
    let (numbers, losses): (Vec<usize>, Vec<Vec<f64>>) = (run.trials().iter().enumerate())
        .filter_map(|(number, trial)| Some((number, trial.judgement.accepted()?.to_vec())))
        .unzip();
    let mut order = Vec::new();
    for mut front in non_dominated_sort(&losses) {
        front.sort_by(|&a, &b| losses[a][0].total_cmp(&losses[b][0]));
        order.extend(front);
    }
    let best = order.into_iter().take(count).map(|index| {
        let number = numbers[index];
        let trial = run.trials().at(number);
        let metrics = trial.outcome.metrics();
        let values = metrics.and_then(|metrics| run.experiment().problem().quantity_values(metrics));
        Best { number, trial, values: values.expect("invariant: what is acceptable has all its values") }
    });
    best.collect()
}

impl Best {
    /// Each parameter with what it is set to.
    fn settings(&self, run: &Run) -> Map<String, Value> {
        let parameters = run.experiment().problem().space().parameters();
        let levels = self.trial.design.levels();
        let settings = parameters.iter().zip(levels);
        settings
            .map(|(parameter, &level)| (parameter.name().to_owned(), json!(parameter.value(level))))
            .collect()
    }

    fn as_json(&self, run: &Run) -> Value {
        let metrics = run.experiment().problem().quantities().iter().zip(&self.values);
        let metrics: Map<String, Value> =
            metrics.map(|(metric, value)| (metric.name.clone(), json!(value))).collect();
        json!({ "trial": self.number, "design": self.settings(run), "metrics": metrics })
    }
}

/// What Kernel Tuner calls a metric, its value and its unit there.
fn as_kernel_tuner(metric: &Metric, value: f64) -> (&str, f64, &str) {
    if metric.name == "time_s" {
        ("time", value * MS_PER_S, "ms")
    } else {
        (&metric.name, value, &metric.unit)
    }
}

fn objective_names(run: &Run) -> Vec<&str> {
    let problem = run.experiment().problem();
    (0..problem.n_objectives()).map(|index| as_kernel_tuner(problem.objective_metric(index), 0.0).0).collect()
}

fn t4(run: &Run, best: &[Best]) -> Value {
    let quantities = run.experiment().problem().quantities();
    let results = best.iter().map(|best| {
        let measurements = quantities.iter().zip(&best.values).map(|(metric, &value)| {
            let (name, value, unit) = as_kernel_tuner(metric, value);
            json!({ "name": name, "value": value, "unit": unit })
        });
        json!({
            "configuration": best.settings(run), "times": { "runtimes": [] }, "invalidity": "correct", "correctness": 1,
            "measurements": measurements.collect::<Value>(), "objectives": objective_names(run),
        })
    });
    json!({ "schema_version": "1.0.0", "metadata": { "timeunit": "milliseconds" }, "results": results.collect::<Value>() })
}

fn kernel_tuner(run: &Run, best: &[Best]) -> Value {
    let problem = run.experiment().problem();
    let parameters = problem.space().parameters();
    let points: Map<String, Value> = best
        .iter()
        .map(|best| {
            let mut point = best.settings(run);
            let key: Vec<String> = point.values().map(plain).collect();
            for (metric, &value) in problem.quantities().iter().zip(&best.values) {
                let (name, value, _) = as_kernel_tuner(metric, value);
                point.insert(name.to_owned(), json!(value));
            }
            (key.join(","), Value::Object(point))
        })
        .collect();
    let values = |parameter: &tapeout_core::Parameter| -> Vec<Setting> {
        (0..parameter.n_levels()).map(|level| parameter.value(level)).collect()
    };
    let is_higher_better: Vec<bool> =
        problem.objectives().iter().map(|objective| objective.direction == Direction::Maximize).collect();
    json!({
        "device_name": "", "kernel_name": run.experiment().spec().env.id, "problem_size": [],
        "tune_params_keys": parameters.iter().map(|parameter| parameter.name()).collect::<Vec<_>>(),
        "tune_params": parameters.iter()
            .map(|parameter| (parameter.name().to_owned(), json!(values(parameter))))
            .collect::<Map<String, Value>>(),
        "objective": objective_names(run), "objective_higher_is_better": is_higher_better, "cache": points,
    })
}

/// A setting as it stands in the key of a point.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
