//! What the answers say: tables with intervals, and two pictures.

use std::fmt::Write;
use std::path::Path;

use tapeout::experiment::plot::Plot;
use tapeout::experiment::statistics::quartiles;

use crate::answers::{Answers, Arm, SeedMean, one_each, without_carrying};
use crate::error::StudyError;
use crate::ledger::Score;
use crate::methods::{ABLATED, DesignMethod, Learned, OTHERS, PRIME, learned_method};
use crate::plan::{StudyPlan, WORKLOADS};
use crate::questions::Question;
use crate::results::StudyResults;
use crate::{pictures, proxy_models};

/// Writes `README.md`, which begins with method and remark, `speedup` and `calls` as `.svg` and `.png` into `folder`.
///
/// # Errors
/// [`StudyError`] if they cannot be written.
pub fn report(plan: &StudyPlan, results: &StudyResults, folder: &Path) -> Result<(), StudyError> {
    let answers = Answers::new(plan, &results.answers);
    if !answers.seeds.is_empty() {
        pictures::speedups(&answers).write(&folder.join("speedup"))?;
        pictures::calls(&answers).write(&folder.join("calls"))?;
    }
    let mut text = preface(&answers);
    if !results.remark.is_empty() {
        let _ = write!(text, "{}\n\n", results.remark.trim_end());
    }
    one_workload(&answers, &mut text);
    calls_saved(&answers, &mut text);
    latencies(&answers, &mut text);
    models(&answers, &mut text);
    others(&answers, &mut text);
    proxy_models::table(&results.proxy_models, &mut text);
    let path = folder.join("README.md");
    std::fs::write(&path, text).map_err(|source| StudyError::File { path, source })
}

fn preface(answers: &Answers<'_>) -> String {
    let plan = answers.plan;
    let cost = answers.mean(&one_each(), &DesignMethod::Logged, |score| Some(score.simulator_calls as f64));
    format!(
        "# The study of PRIME\n\n\
         Made by `cargo run --release -p prime-study -- run`; `plan.json` is what was done, `results.jsonl` has every answer. {} of {} seeds are complete and counted \
         here.\n\n\
         {} random designs were logged for each workload, infeasible ones included. Most of those are ruled out by arithmetic alone: \
         their area, or a memory that cannot be made. {:.0} of them, on average, had to be simulated. The worst {:.0} % of the feasible ones \
         are learned from, the next {:.0} % choose among models, the best are hidden from all. Networks have hidden layers of {:?} and \
         are trained for at most {} steps. A model is searched by fireflies that ask it {} times; the {} designs that it likes most are \
         proposed, and the simulator sees them once.\n\n\
         A *call* of the simulator is a design that is simulated for one workload. What arithmetic alone rules out costs nobody a call: \
         it is told to searches of models (*exact checks*) and not counted for searches with the simulator. These do not learn from the \
         log, but everybody keeps the best design that was learned from, *best in data*, where nothing better is proposed or found; for \
         several workloads, or one that was not logged, that is the best of those that are best for one.\n\n\
         Brackets are 95 % intervals, bootstrapped over seeds. All seeds learn from the same log, so intervals say how much fits and \
         searches vary, not how much another log would change. Means of ratios are geometric.\n\n",
        answers.seeds.len(),
        plan.seeds,
        plan.designs,
        cost.map_or(f64::NAN, |cost| cost.value),
        100.0 * plan.worst,
        100.0 * plan.band,
        plan.hidden,
        plan.steps,
        plan.model_calls,
        plan.proposals,
    )
}

/// Every method on one workload at a time: against the data, against the best that is known, against PRIME.
fn one_workload(answers: &Answers<'_>, text: &mut String) {
    let n = answers.plan.proposals;
    let _ = write!(
        text,
        "## One workload\n\n\
         ![Speed-up over the best design in the data](speedup.png)\n\n\
         Means over nine workloads; *seven* leaves out the two RNN-T networks, which carry the mean of the paper. *Best known* is \
         the least latency that anybody found for the workload, whatever the seed.\n"
    );
    let columns = format!(
        "first proposal, over best known | median | best of {n} | times faster than best in data | `prime` times faster | the same, seven |\n|---|---|---|---|---|---|---|\n"
    );
    let rows = |text: &mut String, learned: &[Learned]| {
        for Learned { name, about, .. } in learned {
            row(answers, &format!("`{name}`: {about}"), &DesignMethod::Learned(name), text);
        }
    };
    let _ = write!(text, "\n### PRIME, switch by switch\n\n| method | {columns}");
    rows(text, ABLATED);
    let _ = write!(text, "\n### Other learners\n\n| method | {columns}");
    rows(text, OTHERS);
    row(answers, "designs at random", &DesignMethod::Random { is_checked: false }, text);
    row(
        answers,
        "designs at random that pass exact checks",
        &DesignMethod::Random { is_checked: true },
        text,
    );
    row(answers, "best in data", &DesignMethod::Logged, text);
    let _ = write!(
        text,
        "\n### Searches with the simulator\n\n`prime` costs {n} calls beside those of the log.\n\n\
         | search | calls | over best known | times faster than best in data | `prime` times faster | the same, seven |\n|---|---|---|---|---|---|\n"
    );
    let (nine, seven) = (one_each(), without_carrying());
    for (agent, calls, arm) in online(answers, &nine[0]) {
        let _ = writeln!(
            text,
            "| `{agent}` | {calls} | {} | {} | {} | {} |",
            cell(answers.above_least(&nine, &arm)),
            cell(answers.speedup(&nine, &arm, &Arm::first(&DesignMethod::Logged))),
            cell(answers.speedup(&nine, &Arm::best(&PRIME), &arm)),
            cell(answers.speedup(&seven, &Arm::best(&PRIME), &arm)),
        );
    }
}

/// The row of a method that proposes.
fn row(answers: &Answers<'_>, label: &str, method: &DesignMethod, text: &mut String) {
    let (nine, seven) = (one_each(), without_carrying());
    let (data, prime) = (Arm::first(&DesignMethod::Logged), Arm::best(&PRIME));
    let (first, best) = (Arm::first(method), Arm::best(method));
    let _ = writeln!(
        text,
        "| {label} | {} | {} | {} | {} | {} | {} |",
        cell(answers.above_least(&nine, &first)),
        cell(answers.above_least(&nine, &Arm::median(method))),
        cell(answers.above_least(&nine, &best)),
        cell(answers.speedup(&nine, &best, &data)),
        cell(answers.speedup(&nine, &prime, &best)),
        cell(answers.speedup(&seven, &prime, &best)),
    );
}

/// The searches with the simulator that answer a question, at every stop: agent, calls, and what it had then.
fn online(answers: &Answers<'_>, question: &Question) -> Vec<(&'static str, usize, Arm)> {
    let question = &question.as_logged().unwrap_or_else(|| question.clone());
    let at = |method: DesignMethod| match method {
        DesignMethod::Online { agent, .. } => {
            let stops = answers.stops(question, &method).into_iter();
            stops.map(|calls| (agent, calls, Arm::after(&method, calls))).collect()
        }
        _ => Vec::new(),
    };
    answers.methods(question).into_iter().flat_map(at).collect()
}

/// How often searches with the simulator ask it until they are as good as PRIME's best proposal.
fn calls_saved(answers: &Answers<'_>, text: &mut String) {
    let n = answers.plan.proposals;
    let online: Vec<DesignMethod> = answers
        .methods(&one_each()[0])
        .into_iter()
        .filter(|method| matches!(method, DesignMethod::Online { .. }))
        .collect();
    let _ = write!(
        text,
        "\n## Simulator calls saved\n\n\
         ![Best latency so far against simulator calls](calls.png)\n\n\
         `prime` costs {n} calls beside those of the log. How many a search needs until it has something as good as the best of these {n} \
         designs: the median over seeds, in brackets the quartiles, and the share of the median that `prime` saves. 0: the best in data is \
         as good. *Never*: not within its budget.\n\n| workload |",
    );
    online.iter().for_each(|method| {
        let _ = write!(text, " {method} |");
    });
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(online.len()));
    for (name, _) in WORKLOADS {
        let question = Question::One(name.to_owned());
        let _ = write!(text, "| {name} |");
        for method in &online {
            let calls = answers.calls_to_match(&question, method, &Arm::best(&PRIME));
            let calls: Vec<f64> =
                calls.iter().map(|calls| calls.map_or(f64::INFINITY, |calls| calls as f64)).collect();
            let _ = write!(text, " {} |", if calls.is_empty() { "-".to_owned() } else { saved(&calls, n) });
        }
        text.push('\n');
    }
}

/// The median number of calls, its quartiles, and the share that `n` calls save of it.
fn saved(calls: &[f64], n: usize) -> String {
    let [low, median, high] = quartiles(calls);
    let number = |calls: f64| if calls.is_finite() { format!("{calls:.0}") } else { "never".to_owned() };
    let range = format!("{} [{}, {}]", number(median), number(low), number(high));
    if median.is_finite() && median > n as f64 {
        format!("{range}, {:.0} %", 100.0 * (1.0 - n as f64 / median))
    } else {
        range
    }
}

/// Latencies by workload.
fn latencies(answers: &Answers<'_>, text: &mut String) {
    let proposing = [PRIME, DesignMethod::Learned("mlp-ensemble")];
    let mut shown = vec![("best in data".to_owned(), Arm::first(&DesignMethod::Logged))];
    shown.extend(proposing.map(|method| (method.to_string(), Arm::best(&method))));
    shown.extend(
        online(answers, &one_each()[0])
            .into_iter()
            .map(|(agent, calls, arm)| (format!("{agent} {calls}"), arm)),
    );
    text.push_str(
        "\n## Latencies\n\nIn ms, of the best proposal, or after so many calls; geometric means over seeds.\n\n| workload | role |",
    );
    shown.iter().for_each(|(label, _)| {
        let _ = write!(text, " {label} |");
    });
    let _ = writeln!(text, " best known |\n|---|---|{}---|", "---|".repeat(shown.len()));
    for (name, role) in WORKLOADS {
        let question = Question::One(name.to_owned());
        let _ = write!(text, "| {name} | {role} |");
        for (_, arm) in &shown {
            let of = |&seed: &u64| answers.latency(&question, arm, seed);
            let latencies: Option<Vec<f64>> = answers.seeds.iter().map(of).collect();
            let latency_s = latencies.and_then(|latencies| SeedMean::geometric(&latencies));
            let cell = latency_s.map_or("-".to_owned(), |latency_s| latency_s.text(1e-3, 3));
            let _ = write!(text, " {cell} |");
        }
        let least =
            answers.least_known(&question).map_or("-".to_owned(), |least_s| format!("{:.3}", 1e3 * least_s));
        let _ = writeln!(text, " {least} |");
    }
}

/// How far models can be trusted.
fn models(answers: &Answers<'_>, text: &mut String) {
    text.push_str(
        "\n## The models\n\n\
         Means over workloads and seeds. *Infeasible*: the share of proposals. *Promised*: the mean probability of being feasible \
         that the model gave them; *Brier score*: its mean squared error on them. *Tau*: Kendall's, between predicted and true latency over the \
         hidden designs. With exact checks hardly anything is left that could be infeasible; the rows without show what a model knows by \
         itself.\n\n\
         | method | infeasible, % | promised | Brier score | tau |\n|---|---|---|---|---|\n",
    );
    let questions = one_each();
    for method in answers.methods(&questions[0]) {
        if matches!(method, DesignMethod::Online { .. } | DesignMethod::Logged) {
            continue;
        }
        let cell = |unit: f64, digits: usize, of: fn(&Score) -> Option<f64>| {
            let mean = answers.mean(&questions, &method, of);
            mean.map_or("-".to_owned(), |mean| mean.text(unit, digits))
        };
        let judges = matches!(method, DesignMethod::Learned(name) if learned_method(name).has_feasibility);
        let judged = |of: fn(&Score) -> Option<f64>| if judges { cell(1.0, 3, of) } else { "-".to_owned() };
        let _ = writeln!(
            text,
            "| {method} | {} | {} | {} | {} |",
            cell(0.01, 1, infeasible_share),
            judged(|score| Some(score.model?.p_feasible)),
            judged(|score| Some(score.model?.brier)),
            cell(1.0, 3, |score| score.model?.tau_hidden),
        );
    }
}

/// The share of proposals that are infeasible.
fn infeasible_share(score: &Score) -> Option<f64> {
    (score.proposals > 0).then(|| score.infeasible as f64 / score.proposals as f64)
}

/// Several workloads at once, and unseen ones.
fn others(answers: &Answers<'_>, text: &mut String) {
    let unseen = WORKLOADS.iter().map(|(name, _)| Question::Unseen((*name).to_owned()));
    let headings = [
        (
            "All nine at once",
            "One design for all: the mean of nine latencies, weighted by one over the best in the data of each.",
            vec![Question::Several],
        ),
        (
            "A workload that was never logged",
            "Each of the nine in turn, designed for by a model of the other eight; the mean over the nine. The searches are those above.",
            unseen.collect(),
        ),
    ];
    for (title, what, questions) in headings {
        let n = answers.plan.proposals;
        let _ = write!(
            text,
            "\n## {title}\n\n{what}\n\n\
             | method | simulator calls | first proposal, over best known | best of {n}, over best known | `prime` times faster | infeasible, % |\n|---|---|---|---|---|---|\n"
        );
        let faster = |arm: &Arm| cell(answers.speedup(&questions, &Arm::best(&PRIME), arm));
        let above = |arm: &Arm| cell(answers.above_least(&questions, arm));
        for (agent, calls, arm) in online(answers, &questions[0]) {
            let (above, faster) = (above(&arm), faster(&arm));
            let _ = writeln!(text, "| `{agent}` | {calls} | | {above} | {faster} | |");
        }
        for method in answers.methods(&questions[0]) {
            let (first, best) = (Arm::first(&method), Arm::best(&method));
            let calls = answers.mean(&questions, &method, |score| Some(score.simulator_calls as f64));
            if matches!(method, DesignMethod::Online { .. }) {
                continue;
            }
            let (first, best, faster) = (above(&first), above(&best), faster(&best));
            let calls = calls.map_or("-".to_owned(), |calls| format!("{:.0}", calls.value));
            let infeasible = answers.mean(&questions, &method, infeasible_share);
            let infeasible = infeasible.map_or("-".to_owned(), |share| share.text(0.01, 1));
            let _ = writeln!(text, "| {method} | {calls} | {first} | {best} | {faster} | {infeasible} |");
        }
    }
}

fn cell(ratio: Option<SeedMean>) -> String {
    ratio.map_or("-".to_owned(), |ratio| ratio.text(1.0, 3))
}
