//! The study of PRIME, on budgets so small that it says nothing of PRIME.
#![expect(clippy::unwrap_used, reason = "a test that fails to prepare fails")]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tapeout::experiment::Options;
use tapeout::study::answers::{Answers, Contender, one_each};
use tapeout::study::ledger::{Answer, Found, Ledger, Score};
use tapeout::study::plan::ABLATED;
use tapeout::study::{Method, Plan, Question, StudyError, StudyProgress, conduct, report};

fn tiny() -> Plan {
    Plan {
        designs: 120,
        seeds: 2,
        model_calls: NonZeroUsize::new(60).unwrap(),
        proposals: 3,
        firefly_designs: 120,
        gp_designs: 12,
        stops: vec![3, 12, 120],
        hidden: vec![8],
        steps: 20,
        batch_of_training: 16,
        ..Plan::short()
    }
}

/// Conducts the study until `most` cells are done; how many there are then.
fn conducted(folder: &Path, plan: &Plan, most: usize) -> Result<Vec<Answer>, StudyError> {
    let catalog = tapeout::builtin();
    let (interrupt, answered) = (AtomicBool::new(false), Mutex::new(0));
    let watch = |progress: StudyProgress<'_>| {
        if let StudyProgress::Answered { .. } = progress {
            let mut answered = answered.lock().unwrap();
            *answered += 1;
            interrupt.store(*answered >= most, Ordering::Relaxed);
        }
    };
    let options = Options { threads: NonZeroUsize::MIN, interrupt: Some(&interrupt) };
    conduct(&catalog, plan, &folder.join("out"), &folder.join("scratch"), &options, &watch)
        .map(|results| results.answers)
}

/// A study goes on where it was stopped, never twice, and not under another plan; what a model proposes costs as many calls as
/// it has proposals.
#[test]
fn a_study_goes_on_where_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let first = conducted(folder.path(), &tiny(), 2).unwrap();
    let both = conducted(folder.path(), &tiny(), 2).unwrap();
    assert_eq!((first.len(), both.len()), (2, 4));
    assert_eq!(both[..2], first[..]);
    let methods: Vec<&str> = both.iter().map(|answer| answer.method.as_str()).collect();
    assert_eq!(methods, ABLATED[..4].iter().map(|learned| learned.name).collect::<Vec<_>>());
    assert!(both.iter().all(|answer| answer.score.simulator_calls == 3 && answer.score.model.is_some()));

    let other = Plan { proposals: 4, ..tiny() };
    let refused = conducted(folder.path(), &other, 1).unwrap_err();
    assert!(matches!(refused, StudyError::OtherPlan { field, .. } if field == "proposals"));
    assert!(conducted(folder.path(), &Plan { seeds: 3, ..tiny() }, 1).is_ok(), "more seeds are welcome");
}

/// The same cell gives the same answer, whatever was done before it.
#[test]
fn answers_are_functions_of_the_seed() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let once = conducted(one.path(), &tiny(), 2).unwrap();
    let mut stopped = conducted(other.path(), &tiny(), 1).unwrap();
    assert_eq!(stopped.len(), 1);
    stopped = conducted(other.path(), &tiny(), 1).unwrap();
    assert_eq!(stopped, once);
}

fn score(first_s: Option<f64>, best_s: Option<f64>, found: &[(usize, f64)]) -> Score {
    let found = found.iter().map(|&(calls, latency_s)| Found { calls, latency_s }).collect();
    let infeasible = usize::from(best_s.is_none());
    Score {
        first_s,
        median_s: None,
        best_s,
        proposals: 1,
        infeasible,
        simulator_calls: 1,
        found,
        model: None,
    }
}

/// Answers of all methods to all questions: the data has 8 ms, PRIME 4 ms first and 2 ms at best, fireflies find 8 ms after 3 calls and
/// 1 ms after 12, COMs has 16 ms and falls back on the data, and so does everybody else, who is infeasible.
fn answers(plan: &Plan) -> Vec<Answer> {
    let answer = |question: &Question, method: &Method, seed: u64| {
        let score = match *method {
            Method::Logged => score(Some(8e-3), Some(8e-3), &[]),
            Method::Learned("prime") => score(Some(4e-3), Some(2e-3), &[]),
            Method::Learned("coms") => score(Some(16e-3), Some(16e-3), &[]),
            Method::Online { agent: "firefly", .. } => {
                score(Some(1e-3), Some(1e-3), &[(3, 8e-3), (12, 1e-3)])
            }
            _ => score(None, None, &[]),
        };
        Answer { question: question.clone(), method: method.to_string(), seed, score }
    };
    let mut answers = Vec::new();
    for (question, methods) in plan.questions() {
        for method in methods {
            answers.extend((0..plan.seeds).map(|seed| answer(&question, &method, seed)));
        }
    }
    answers
}

#[test]
fn ratios_by_hand() {
    let plan = tiny();
    let all = answers(&plan);
    let answers = Answers::new(&plan, &all);
    assert_eq!(answers.seeds, [0, 1]);
    let (prime, data) = (Method::Learned("prime"), Contender::first(&Method::Logged));
    let firefly = Method::Online { agent: "firefly", designs: 120 };
    let speedup = |contender: &Contender| answers.speedup(&one_each(), contender, &data).unwrap();
    let is_near = |ratio: f64, expected: f64| (ratio - expected).abs() < 1e-12;
    assert!(is_near(speedup(&Contender::first(&prime)).value, 2.0));
    assert!(is_near(speedup(&Contender::best(&prime)).value, 4.0));
    assert!(is_near(speedup(&Contender::best(&Method::Random { is_checked: false })).value, 1.0));
    assert!(is_near(speedup(&Contender::best(&Method::Learned("coms"))).value, 1.0));
    assert!(is_near(speedup(&Contender::after(&firefly, 2)).value, 1.0));
    assert!(is_near(speedup(&Contender::after(&firefly, 11)).value, 1.0));
    assert!(is_near(speedup(&Contender::after(&firefly, 12)).value, 8.0));
    assert!(is_near(answers.above_least(&one_each(), &Contender::best(&prime)).unwrap().value, 2.0));
    // What a search with the simulator finds does not depend on what was logged.
    let unseen = [Question::Unseen("unet".to_owned())];
    let zero_shot =
        answers.speedup(&unseen, &Contender::best(&prime), &Contender::after(&firefly, 12)).unwrap();
    assert!(is_near(zero_shot.value, 0.5));
    let question = &one_each()[0];
    assert_eq!(answers.calls_to_match(question, &firefly, &Contender::best(&prime)), [Some(12); 2]);
    let nobody = Method::Online { agent: "gp", designs: 12 };
    assert_eq!(answers.calls_to_match(question, &nobody, &Contender::best(&prime)), [None; 2]);
}

/// A seed that lacks one cell is left out of every figure.
#[test]
fn only_whole_seeds_are_counted() {
    let plan = tiny();
    let mut all = answers(&plan);
    let place = all.iter().position(|answer| answer.seed == 1 && answer.method == "coms").unwrap();
    all.remove(place);
    assert_eq!(Answers::new(&plan, &all).seeds, [0]);
}

#[test]
fn the_report_states_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let plan = tiny();
    report::report(&plan, &answers(&plan), &[], folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    for expected in [
        "2 of 2 seeds",
        "| `prime`: all improvements | 4.000 [4.000, 4.000] | 2.000 [2.000, 2.000] | 4.000 [4.000, 4.000] | 1.000 [",
        "| `firefly` | 12 | 1.000 [1.000, 1.000] | 8.000 [8.000, 8.000] | 0.500 [0.500, 0.500] | 0.500 [",
        "| unet | 12 [12, 12], 75 % | never [never, never] |",
        "| unet | U-Net | 8.000 [8.000, 8.000] | 2.000 [2.000, 2.000] |",
        "| ram-listnet | 100.0 [100.0, 100.0] |",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }
    assert!(folder.path().join("speedup.png").exists() && folder.path().join("calls.svg").exists());
}

/// A line that was cut off by a kill is forgotten; one that is no answer is named.
#[test]
fn a_ledger_survives_a_kill_and_names_a_bad_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.jsonl");
    let answer = answers(&tiny()).remove(0);
    Ledger::open(&path).unwrap().add(answer.clone()).unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{}", &whole[..20])).unwrap();
    assert_eq!(Ledger::open(&path).unwrap().answers(), [answer]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    std::fs::write(&path, format!("{whole}nothing\n")).unwrap();
    let refused = Ledger::open(&path).err().unwrap();
    assert!(matches!(&refused, StudyError::Ledger { line: 2, .. }), "{refused}");
}
