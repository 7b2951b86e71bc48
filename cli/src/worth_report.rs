//! What a learner's word is worth, as it is told to people.

use tapeout::offline::auto::Tried;
use tapeout::offline::folds::HeldOutBy;
use tapeout::offline::promised::Kept;
use tapeout::offline::{LearnedModel, Worth};

use crate::table::{Column, Table};

/// What came of rows that were held out, and who was preferred to whom.
pub(crate) fn worth_text(learned: &LearnedModel) -> String {
    if learned.worth.is_empty() {
        return "there are too few rows to hold some out, so nobody knows what this model is worth\n"
            .to_owned();
    }
    format!("{}{}", table(&learned.worth), preference(learned))
}

fn table(worth: &[Worth]) -> String {
    let mut columns = vec![("held out by", Column::Words), ("metric", Column::Words)];
    let numbers = ["rows", "log error", "tau", "of the best", "lost", "unusable", "Brier", "calibration"];
    columns.extend(numbers.map(|name| (name, Column::Numbers)));
    let mut table = Table::new(&columns);
    for it in worth {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let by = match it.by {
            HeldOutBy::Levels => "blocks of levels",
            HeldOutBy::Workload => "workload",
        };
        table.row([
            by.to_owned(),
            it.metric.clone(),
            it.rows.to_string(),
            it.log_error.map_or("-".to_owned(), percent),
            format!("{:.3}", it.tau),
            format!("{:.3}", it.tau_of_best),
            percent(it.lost),
            percent(it.unusable),
            format!("{:.3}", it.brier),
            format!("{:.3}", it.calibration_error),
        ]);
    }
    table.text()
}

/// By what margin a learner was chosen.
fn preference(learned: &LearnedModel) -> String {
    let [best, others @ ..] = learned.tried.as_slice() else { return String::new() };
    let percent = |price: f64| format!("{:.1} %", 100.0 * price);
    let other = |it: &Tried| {
        let [better, groups] = it.better_in;
        format!("{} {}, better in {better} of {groups}", it.learner, percent(it.price))
    };
    let others: Vec<String> = others.iter().map(other).collect();
    format!(
        "\nauto chose {}: its best tenth loses {} to the true one, unusable ones counted; {}\n",
        best.learner,
        percent(best.price),
        others.join("; ")
    )
}

/// What promises were worth.
pub(crate) fn kept_text(kept: &Kept) -> String {
    let expected = kept
        .expected_infeasible
        .map_or_else(String::new, |expected| format!(", where {expected:.1} were to be expected"));
    let mut text =
        format!("promises about {} designs: {} are infeasible{expected}\n", kept.designs, kept.infeasible);
    for it in &kept.metrics {
        text.push_str(&format!(
            "  {}: {:.0} % of {} within their interval; in the median {:+.1} % from what was expected; tau {:.2}\n",
            it.metric,
            100.0 * it.within,
            it.measured,
            100.0 * it.above,
            it.tau
        ));
    }
    text
}
