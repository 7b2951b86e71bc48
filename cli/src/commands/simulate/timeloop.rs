//! `tapeout simulate --check` and `--timeloop`: the model against a file of Timeloop's results, and a design for Timeloop.

use std::path::Path;

use serde_json::json;
use tapeout::experiment::put_whole;
use tapeout::simulators::loop_nest::timeloop::{self, TimeloopComparison, TimeloopFileError, WrittenDesign};
use tapeout::simulators::network_cost::LayerCost;

use super::inputs::{self, Machine};
use crate::answer::{Answer, Exit};
use crate::failure::Failure;
use crate::number::counted;

/// Writes a layer under its mapping as a design of Timeloop, and says what that counts otherwise.
pub(super) fn write(path: &Path, machine: &Machine, layer: &LayerCost) -> Result<String, Failure> {
    let best = &layer.best;
    let WrittenDesign { yaml, over_both } =
        timeloop::write_design(&machine.architecture, &best.einsum, &best.mapping)
            .map_err(|error| Failure::bad_input(anyhow::anyhow!("`{}`: {error}", layer.name)))?;
    put_whole(path, yaml.as_bytes())
        .map_err(|error| Failure::unwritable(error).context(format!("cannot write {}", path.display())))?;
    let mut said = format!("\nwritten to {}\n", path.display());
    for (level, dimension) in over_both {
        said.push_str(&format!(
            "note: {dimension} runs over both axes below {level}, which Timeloop only knows as two networks: it counts hops, and words that \
             neighbours hand on, for each\n"
        ));
    }
    Ok(said)
}

/// How much was compared, and every difference.
pub(super) fn check(path: &Path, json: bool) -> Result<Answer, Failure> {
    let text = inputs::text(path)?;
    let report = timeloop::check(&text).map_err(|error| refused(path, &text, &error))?;
    if report.n_cases == 0 {
        let problem = anyhow::anyhow!("{}: `cases` is empty, expected at least one case", path.display());
        return Err(Failure::bad_input(problem));
    }
    let answer = if json { as_json(path, &report) } else { Answer::text(as_text(path, &report)) };
    Ok(if report.differences.is_empty() { answer } else { answer.with_exit(Exit::Difference) })
}

fn as_text(path: &Path, report: &TimeloopComparison) -> String {
    let compared = format!(
        "{}: {}, {} compared",
        path.display(),
        counted(report.n_cases, "case"),
        counted(report.n_values, "value")
    );
    if report.differences.is_empty() {
        return format!("{compared}: all agree\n");
    }
    let mut text = format!(
        "{compared}: {} in {}\n\n",
        counted(report.differences.len(), "difference"),
        counted(report.n_failed, "case")
    );
    for difference in &report.differences {
        text.push_str(&format!("{difference}\n"));
    }
    text
}

fn as_json(path: &Path, report: &TimeloopComparison) -> Answer {
    let differences = report.differences.iter().map(|difference| {
        json!({
            "case": difference.case,
            "field": difference.field,
            "got": difference.got,
            "expected": difference.expected,
        })
    });
    Answer::json(&json!({
        "file": path.display().to_string(),
        "cases": report.n_cases,
        "cases_that_differ": report.n_failed,
        "values_compared": report.n_values,
        "differences": differences.collect::<Vec<_>>(),
    }))
}

/// The error with the file's name, and what can be done: where the text breaks off, such files often being one line,
/// or what the fields of a case are.
fn refused(path: &Path, text: &str, error: &TimeloopFileError) -> Failure {
    /// Letters that hold a field's name and the one before it.
    const LETTERS: usize = 48;
    let failure = Failure::bad_input(anyhow::anyhow!("{}: {error}", path.display()));
    let TimeloopFileError::Json(error) = error else {
        return failure.hint("docs/concepts/loop-nest.md lists the fields of a case and what they hold");
    };
    let Some(line) = error.line().checked_sub(1).and_then(|line| text.lines().nth(line)) else {
        return failure;
    };
    let before = line.get(..error.column()).unwrap_or(line);
    let start = before.char_indices().rev().nth(LETTERS - 1).map_or(0, |(start, _)| start);
    failure.hint(format!("the text there is `{}`", before[start..].trim()))
}
