//! What is in a tuning file, before it is searched.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tapeout::core::{Direction, Outcome};
use tapeout::envs::TuningFile;
use tapeout::experiment::plot::quantity;
use tapeout::experiment::statistics::quantile;

use crate::failure::Failure;
use crate::number::{share, usize_count};
use crate::table::{Column, Table};

/// A file and what is in it.
pub(super) struct TuningPage<'a> {
    path: &'a Path,
    file: TuningFile,
}

impl<'a> TuningPage<'a> {
    /// Reads the file at `path`.
    pub(super) fn read(path: &'a Path) -> Result<Self, Failure> {
        let at = |failure: Failure| failure.context(path.display().to_string());
        let bytes = tapeout::input::read(path).map_err(|error| at(Failure::bad_input(error)))?;
        let file = TuningFile::read(&bytes, None).map_err(|error| at(Failure::bad_input(error)))?;
        Ok(Self { path, file })
    }

    /// As text.
    pub(super) fn text(&self) -> String {
        let file = &self.file;
        let mut text = format!("# {} ({})\n\n", self.path.display(), file.form);
        for (what, name) in [("kernel", &file.kernel_name), ("device", &file.device_name)] {
            if !name.is_empty() {
                text.push_str(&format!("{what}: {name}\n"));
            }
        }
        text.push_str(&format!("goal: {}\n\n", self.goal()));
        let mut parameters = Table::new(&[("parameter", Column::Words), ("levels", Column::Words)]);
        for parameter in file.parameters() {
            parameters.row([parameter.name().to_owned(), parameter.levels_text()]);
        }
        text.push_str(&parameters.text());
        let mut metrics = Table::new(&[
            ("metric", Column::Words),
            ("least", Column::Numbers),
            ("median", Column::Numbers),
            ("most", Column::Numbers),
        ]);
        for (index, metric) in file.metrics.iter().enumerate() {
            let [least, median, most] = self.spread(index).map(|value| quantity(value, &metric.unit));
            metrics.row([metric.name.clone(), least, median, most]);
        }
        text.push_str(&format!("\n{}", metrics.text()));
        let (failures, n_points) = (self.failures(), self.file.points().count());
        let n_failed: usize = failures.values().sum();
        text.push_str(&format!(
            "\n{} configurations, {} failed\n",
            usize_count(n_points),
            usize_count(n_failed)
        ));
        for (rule, n) in failures {
            text.push_str(&format!("  {rule}: {} ({})\n", usize_count(n), share(n, n_points)));
        }
        for note in &file.notes {
            text.push_str(&format!("note: {note}\n"));
        }
        text
    }

    /// As data.
    pub(super) fn json(&self) -> Value {
        let file = &self.file;
        let metrics = file.metrics.iter().enumerate().map(|(index, metric)| {
            let [least, median, most] = self.spread(index);
            json!({ "name": metric.name, "unit": metric.unit, "least": least, "median": median, "most": most })
        });
        json!({
            "kind": "tuning-file", "path": self.path, "form": file.form.to_string(), "kernel": file.kernel_name,
            "device": file.device_name, "parameters": file.parameters(), "metrics": metrics.collect::<Value>(),
            "objectives": file.objectives.iter()
                .map(|(metric, direction)| json!({ "metric": metric, "direction": direction })).collect::<Value>(),
            "configurations": file.points().count(), "failed": self.failures(), "notes": file.notes,
        })
    }

    fn goal(&self) -> String {
        let words = self.file.objectives.iter().map(|(metric, direction)| match direction {
            Some(Direction::Minimize) => format!("min:{metric}"),
            Some(Direction::Maximize) => format!("max:{metric}"),
            None => format!("`{metric}`, and the file does not say whether less or more is better: search with `--objective min:{metric}` or `--objective max:{metric}`"),
        });
        let words: Vec<String> = words.collect();
        if words.is_empty() {
            "the file names none; search with `--objective`".to_owned()
        } else {
            words.join(", ")
        }
    }

    /// Least, median and largest value of a metric.
    fn spread(&self, metric: usize) -> [f64; 3] {
        let values: Vec<f64> = self
            .file
            .points()
            .filter_map(|(_, outcome)| outcome.metrics())
            .map(|metrics| metrics[metric])
            .collect();
        [0.0, 0.5, 1.0].map(|share| quantile(&values, share))
    }

    fn failures(&self) -> BTreeMap<&str, usize> {
        let mut failures = BTreeMap::new();
        for (_, outcome) in self.file.points() {
            if let Outcome::Infeasible { rule, .. } = outcome {
                *failures.entry(rule.as_str()).or_default() += 1;
            }
        }
        failures
    }
}
