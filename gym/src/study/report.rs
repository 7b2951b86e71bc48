//! What the answers say: tables with intervals, and a picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use tapeout_core::Seed;
use tapeout_experiment::plot::{Axis, BoxPlot, Plot, Spread};
use tapeout_experiment::statistics::{bootstrap_interval, mean, quartiles};

use super::StudyError;
use super::ledger::{Answer, Score};
use super::plan::{APPLICATIONS, CARRYING, LEARNED, Method, Plan, Question};

/// How proposals are boiled down to one latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    /// The first proposal.
    First,
    /// The best of all proposals, once the simulator has seen them.
    Best,
}

/// The answers, by question and method.
struct Answers<'a> {
    plan: &'a Plan,
    /// Seeds that every cell is done with.
    seeds: Vec<u64>,
    scores: BTreeMap<(Question, String, u64), &'a Score>,
}

/// A speed-up with its interval of confidence.
struct Figure {
    value: f64,
    interval: [f64; 2],
}

/// Writes `README.md` and `speedup.svg` and `.png` into `folder`.
///
/// # Errors
/// [`StudyError`] if they cannot be written.
pub fn report(plan: &Plan, answers: &[Answer], folder: &Path) -> Result<(), StudyError> {
    let answers = Answers::new(plan, answers);
    if !answers.seeds.is_empty() {
        answers.picture().write(&folder.join("speedup"))?;
    }
    let path = folder.join("README.md");
    std::fs::write(&path, answers.text()).map_err(|source| StudyError::File { path, source })
}

impl<'a> Answers<'a> {
    fn new(plan: &'a Plan, answers: &'a [Answer]) -> Self {
        let scores: BTreeMap<_, _> = answers
            .iter()
            .map(|answer| ((answer.question.clone(), answer.method.clone(), answer.seed), &answer.score))
            .collect();
        let is_whole = |&seed: &u64| {
            let questions = plan.questions();
            let mut cells = questions
                .iter()
                .flat_map(|(question, methods)| methods.iter().map(move |method| (question, method)));
            cells.all(|(question, method)| scores.contains_key(&(question.clone(), method.to_string(), seed)))
        };
        Self { plan, seeds: (0..plan.seeds).filter(is_whole).collect(), scores }
    }

    fn score(&self, question: &Question, method: &str, seed: u64) -> Option<&'a Score> {
        self.scores.get(&(question.clone(), method.to_owned(), seed)).copied()
    }

    /// The latency that a method leaves its user with: that of what it proposes, or where that is infeasible, of the best
    /// design in the data.
    fn latency(&self, question: &Question, method: &str, seed: u64, pick: Pick) -> Option<f64> {
        let score = self.score(question, method, seed)?;
        let proposed = match pick {
            Pick::First => score.first_s,
            Pick::Best => score.best_s,
        };
        proposed.or_else(|| self.score(question, &Method::Logged.to_string(), seed)?.first_s)
    }

    /// The geometric mean over `questions` and seeds of `base` latency over `method` latency, bootstrapped over seeds.
    fn speedup(&self, questions: &[Question], method: &str, base: &str, pick: Pick) -> Option<Figure> {
        let log_ratio = |seed: &u64| -> Option<f64> {
            let of = |question: &Question| -> Option<f64> {
                let latency = self.latency(question, method, *seed, pick)?;
                Some((self.latency(question, base, *seed, pick)? / latency).ln())
            };
            let logs: Option<Vec<f64>> = questions.iter().map(of).collect();
            logs.map(|logs| mean(&logs))
        };
        let by_seed: Vec<f64> = self.seeds.iter().map(log_ratio).collect::<Option<_>>()?;
        if by_seed.is_empty() {
            return None;
        }
        let of =
            |drawn: &[usize]| mean(&drawn.iter().map(|&index| by_seed[index]).collect::<Vec<f64>>()).exp();
        let interval = bootstrap_interval(by_seed.len(), Seed::new(0), of);
        Some(Figure { value: mean(&by_seed).exp(), interval })
    }

    fn text(&self) -> String {
        let mut text = format!(
            "# The study of PRIME\n\nMade by `tapeout study`; `plan.json` is what was done, `results.jsonl` every answer. {} of {} seeds are \
             complete and counted here. {} designs were logged for each application, infeasible ones included; the worst {:.0} % of the \
             feasible ones are learned from, the next {:.0} % choose among models, the best are hidden. A method proposes {} designs, \
             which the simulator sees once. Brackets: 95 % intervals, bootstrapped over seeds. Where a proposal is infeasible its user \
             keeps the best design of the data.\n\n",
            self.seeds.len(),
            self.plan.seeds,
            self.plan.designs,
            100.0 * self.plan.worst,
            100.0 * self.plan.band,
            self.plan.proposals,
        );
        text.push_str("![Speed-up over the best design in the data](speedup.png)\n\n");
        self.speedups(&mut text);
        self.latencies(&mut text);
        self.models(&mut text);
        self.others(&mut text);
        text
    }

    /// Speed-ups of every method over the best in the data, and of PRIME over every method.
    fn speedups(&self, text: &mut String) {
        let all: Vec<Question> = one_each(|_| true);
        let without: Vec<Question> = one_each(|name| !CARRYING.contains(&name));
        text.push_str(
            "## One application\n\nGeometric means over the nine applications; in the last column without the two that carry the paper's mean.\n\n\
             | method | first proposal over best in data | best proposal over best in data | `prime` over it, first | `prime` over it, best | the same without RNN-T |\n\
             |---|---|---|---|---|---|\n",
        );
        for method in self.methods(&all[0]) {
            let cell = |questions: &[Question], method: &str, base: &str, pick: Pick| {
                self.speedup(questions, method, base, pick)
                    .map_or("-".to_owned(), |figure| figure.to_string())
            };
            let logged = Method::Logged.to_string();
            let _ = writeln!(
                text,
                "| {method} | {} | {} | {} | {} | {} |",
                cell(&all, &method, &logged, Pick::First),
                cell(&all, &method, &logged, Pick::Best),
                cell(&all, "prime", &method, Pick::First),
                cell(&all, "prime", &method, Pick::Best),
                cell(&without, "prime", &method, Pick::Best),
            );
        }
    }

    /// Latencies by application.
    fn latencies(&self, text: &mut String) {
        let calls = self.plan.designs;
        let shown = [
            Method::Logged,
            Method::Learned("prime"),
            Method::Learned("prime-paper"),
            Method::Learned("mlp-ensemble"),
            Method::Online { agent: "firefly", calls },
            Method::Online { agent: "firefly", calls: calls / 10 },
            Method::Online { agent: "gp", calls: calls / 10 },
            Method::Random,
        ];
        text.push_str(
            "\nLatency in ms of the best proposal, the geometric mean over seeds:\n\n| application | role |",
        );
        shown.iter().for_each(|method| {
            let _ = write!(text, " {method} |");
        });
        let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(shown.len()));
        for (name, role) in APPLICATIONS {
            let question = Question::One(name.to_owned());
            let _ = write!(text, "| {name} | {role} |");
            for method in shown {
                let of = |seed: &u64| self.latency(&question, &method.to_string(), *seed, Pick::Best);
                let logs: Option<Vec<f64>> = self.seeds.iter().map(|seed| of(seed).map(f64::ln)).collect();
                let cell = logs.filter(|logs| !logs.is_empty()).map(|logs| 1e3 * mean(&logs).exp());
                let _ = write!(text, " {} |", cell.map_or("-".to_owned(), |ms| format!("{ms:.3}")));
            }
            text.push('\n');
        }
    }

    /// How far models can be trusted.
    fn models(&self, text: &mut String) {
        text.push_str(
            "\n## The models\n\nMeans over applications and seeds. *Infeasible*: the share of proposals. *Promised*: the mean probability of \
             being feasible that the model gave them. *Tau*: Kendall's, between predicted and true latency over the hidden designs.\n\n\
             | method | infeasible | promised | Brier score | tau |\n|---|---|---|---|---|\n",
        );
        let questions = one_each(|_| true);
        for method in self.methods(&questions[0]) {
            let scores: Vec<&Score> = self
                .seeds
                .iter()
                .flat_map(|&seed| {
                    questions.iter().filter_map({
                        let method = method.clone();
                        move |question| self.score(question, &method, seed)
                    })
                })
                .collect();
            let proposals: usize = scores.iter().map(|score| score.proposals).sum();
            let infeasible: usize = scores.iter().map(|score| score.infeasible).sum();
            let models: Vec<_> = scores.iter().filter_map(|score| score.model).collect();
            let of = |values: Vec<f64>| {
                if values.is_empty() { "-".to_owned() } else { format!("{:.3}", mean(&values)) }
            };
            let _ = writeln!(
                text,
                "| {method} | {:.1} % | {} | {} | {} |",
                100.0 * infeasible as f64 / proposals.max(1) as f64,
                of(models.iter().map(|model| model.p_feasible).collect()),
                of(models.iter().map(|model| model.brier).collect()),
                of(models.iter().filter_map(|model| model.tau_hidden).collect()),
            );
        }
    }

    /// Several applications at once, and unseen ones.
    fn others(&self, text: &mut String) {
        let unseen: Vec<Question> =
            APPLICATIONS.iter().map(|(name, _)| Question::Unseen((*name).to_owned())).collect();
        let headings = [
            (
                "All nine at once",
                "the mean of latencies, each over the best in its log",
                vec![Question::Several],
            ),
            ("An application that was never logged", "geometric mean over the nine, each in turn", unseen),
        ];
        for (title, what, questions) in headings {
            let _ = write!(
                text,
                "\n## {title}\n\n{what}: `prime` over each method.\n\n| method | first proposal | best proposal | simulator calls of the method |\n|---|---|---|---|\n"
            );
            for method in self.methods(&questions[0]) {
                let cell = |pick: Pick| {
                    let figure = self.speedup(&questions, "prime", &method, pick);
                    figure.map_or("-".to_owned(), |figure| figure.to_string())
                };
                let calls = self.seeds.first().and_then(|&seed| self.score(&questions[0], &method, seed));
                let calls = calls.map_or(0, |score| score.simulator_calls);
                let _ =
                    writeln!(text, "| {method} | {} | {} | {calls} |", cell(Pick::First), cell(Pick::Best));
            }
        }
    }

    /// Who answers a question.
    fn methods(&self, question: &Question) -> Vec<String> {
        let questions = self.plan.questions();
        let found = questions.into_iter().find(|(asked, _)| asked == question);
        found.map_or_else(Vec::new, |(_, methods)| methods.iter().map(ToString::to_string).collect())
    }

    fn picture(&self) -> BoxPlot {
        let questions = one_each(|_| true);
        let learned: BTreeSet<&str> = LEARNED.iter().map(|learned| learned.name).collect();
        let row = |method: String| {
            let ratio = |question: &Question, seed: u64| -> Option<f64> {
                let logged = self.latency(question, &Method::Logged.to_string(), seed, Pick::Best)?;
                Some(logged / self.latency(question, &method, seed, Pick::Best)?)
            };
            let values: Vec<f64> = self
                .seeds
                .iter()
                .flat_map(|&seed| questions.iter().filter_map(move |question| ratio(question, seed)))
                .collect();
            let online = if learned.contains(method.as_str()) { "" } else { " (simulator)" };
            Spread { quartiles: quartiles(&values), values, name: format!("{method}{online}") }
        };
        let methods = self.methods(&questions[0]);
        let rows = methods.into_iter().filter(|method| *method != Method::Logged.to_string()).map(row);
        BoxPlot {
            title: "Speed-up of the best proposal over the best design in the data".to_owned(),
            x: Axis::new("speed-up", "").log(),
            rows: rows.collect(),
            caption: format!(
                "{} applications, seeds {:?}, {} designs logged for each, best of {} proposals",
                questions.len(),
                self.seeds,
                self.plan.designs,
                self.plan.proposals
            ),
        }
    }
}

/// The question of one application, for each of the nine that is wanted.
fn one_each(is_wanted: impl Fn(&str) -> bool) -> Vec<Question> {
    let wanted = APPLICATIONS.iter().filter(|(name, _)| is_wanted(name));
    wanted.map(|(name, _)| Question::One((*name).to_owned())).collect()
}

impl std::fmt::Display for Figure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:.3} [{:.3}, {:.3}]", self.value, self.interval[0], self.interval[1])
    }
}
