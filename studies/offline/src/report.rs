//! The report of what is answered.

use std::fmt::Write;

use tapeout::core::Seed;
use tapeout::experiment::statistics::{bootstrap_interval, mean};

use crate::cell::Answer;
use crate::problems::{LEARNERS, PROBLEMS, SEARCHES};

/// The report in Markdown; `remark` is what a reader has to know of how the answers were made, or empty.
pub fn report(answers: &[Answer], command: &str, remark: &str) -> String {
    let mut text = format!(
        "# Learners on problems whose infeasibility is not arithmetic\n\n\
         Random designs are logged, infeasible ones too; the worst half of the feasible ones is learned from, the next 30 % choose among \
         a learner's models, the best are hidden. Fireflies search each model, without exact checks, and the environment is asked about what \
         each model likes most. `random` and `firefly` ask the environment itself, as often as designs are proposed. `{command}` goes on with it, seed by seed; the numbers here are of {} answers.\n\n{}\
         ## Best of what is proposed, over the best that was learned from\n\n\
         How many times smaller the objective is, the geometric mean over seeds with a 95 % bootstrap interval; 1 where nothing of it is better \
         or feasible.\n\n",
        answers.len(),
        if remark.is_empty() { String::new() } else { format!("{}\n\n", remark.trim_end()) },
    );
    table(&mut text, answers, &|of| gain(of));
    text.push_str("\n## Infeasible proposals\n\nThe share of all proposals.\n\n");
    table(&mut text, answers, &|of| {
        let (infeasible, all) =
            of.iter().fold((0, 0), |sums, it| (sums.0 + it.infeasible, sums.1 + it.proposals));
        format!("{:.0} %", 100.0 * infeasible as f64 / all as f64)
    });
    text.push_str(
        "\n## Distance to the best known\n\nHow much larger the best proposal is than the best that anybody found or logged, on average; one \
         without a feasible proposal is left with the best that it learned from.\n\n",
    );
    table(&mut text, answers, &|of| {
        let known = |problem: &str| {
            let of_problem = answers.iter().filter(|it| it.problem == problem);
            of_problem.map(|it| it.best.unwrap_or(f64::INFINITY).min(it.logged)).fold(f64::INFINITY, f64::min)
        };
        let regrets: Vec<f64> =
            of.iter().map(|it| it.best.unwrap_or(it.learned_from) / known(&it.problem) - 1.0).collect();
        format!("{:.0} %", 100.0 * mean(&regrets))
    });
    text
}

fn gain(of: &[&Answer]) -> String {
    let logs: Vec<f64> =
        of.iter().map(|it| it.best.map_or(0.0, |best| (it.learned_from / best).ln().max(0.0))).collect();
    let middle = mean(&logs).exp();
    match logs.len() {
        0 | 1 => format!("{middle:.2}"),
        _ => {
            let mean_of = |drawn: &[usize]| mean(&drawn.iter().map(|&it| logs[it]).collect::<Vec<f64>>());
            let [low, high] = bootstrap_interval(logs.len(), Seed::new(0), mean_of).map(f64::exp);
            format!("{middle:.2} [{low:.2}, {high:.2}]")
        }
    }
}

/// A row for each method, a column for each problem, and one for all.
fn table(text: &mut String, answers: &[Answer], cell: &dyn Fn(&[&Answer]) -> String) {
    let names: Vec<&str> = PROBLEMS.iter().map(|problem| problem.name).collect();
    let mut line = |cells: &[String]| {
        writeln!(text, "| {} |", cells.join(" | ")).expect("invariant: a text can be written to");
    };
    let head = std::iter::once("method").chain(names.iter().copied()).chain(["all"]);
    line(&head.map(str::to_owned).collect::<Vec<_>>());
    line(&vec!["---".to_owned(); names.len() + 2]);
    for method in LEARNERS.iter().chain(&SEARCHES) {
        let of = |problem: Option<&str>| -> Vec<&Answer> {
            let is_asked = |it: &&Answer| problem.is_none_or(|problem| it.problem == problem);
            answers.iter().filter(|it| it.method == *method).filter(is_asked).collect()
        };
        let told = |of: Vec<&Answer>| if of.is_empty() { "-".to_owned() } else { cell(&of) };
        let mut cells = vec![format!("`{method}`")];
        cells.extend(names.iter().map(|name| told(of(Some(name)))));
        cells.push(told(of(None)));
        line(&cells);
    }
}
