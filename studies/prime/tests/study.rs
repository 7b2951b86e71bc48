//! The study of PRIME, on budgets so small that it says nothing of PRIME.
#![expect(clippy::unwrap_used, reason = "a test that fails to prepare fails")]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use prime_study::answers::{Answers, Arm, SeedMean, one_each, without_carrying};
use prime_study::ledger::{CellAnswer, Found, Ledger, Score};
use prime_study::methods::ABLATED;
use prime_study::plan::{CARRYING, WORKLOADS};
use prime_study::proxy_models::Unseen;
use prime_study::{
    DesignMethod, Question, StudyError, StudyPlan, StudyProgress, StudyResults, conduct, report,
};
use tapeout::experiment::RunOptions;

fn tiny() -> StudyPlan {
    StudyPlan {
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
        ..StudyPlan::short()
    }
}

/// Conducts the study on one thread until `most` cells are done; those that are done then.
fn conducted(folder: &Path, plan: &StudyPlan, most: usize) -> Result<Vec<CellAnswer>, StudyError> {
    conducted_on(folder, plan, most, NonZeroUsize::MIN).map(|results| results.answers)
}

fn conducted_on(
    folder: &Path,
    plan: &StudyPlan,
    most: usize,
    threads: NonZeroUsize,
) -> Result<StudyResults, StudyError> {
    let catalog = tapeout::builtin();
    let (interrupt, answered) = (AtomicBool::new(false), Mutex::new(0));
    let watch = |progress: StudyProgress<'_>| {
        if let StudyProgress::Answered { .. } = progress {
            let mut answered = answered.lock().unwrap();
            *answered += 1;
            interrupt.store(*answered >= most, Ordering::Relaxed);
        }
    };
    let options = RunOptions { threads, interrupt: Some(&interrupt), ..RunOptions::default() };
    conduct(&catalog, plan, &folder.join("out"), &folder.join("data"), &options, &watch)
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

    let other = StudyPlan { proposals: 4, ..tiny() };
    let refused = conducted(folder.path(), &other, 1).unwrap_err();
    assert!(matches!(refused, StudyError::OtherPlan { field, .. } if field == "proposals"));
    assert!(conducted(folder.path(), &StudyPlan { seeds: 3, ..tiny() }, 1).is_ok(), "more seeds are welcome");
}

/// The same cells give the same answers on one thread and on two, interrupted or not. Every question is answered by every method: a
/// proposal for nine workloads costs nine calls if it is feasible, and the last that a search found is the design that it is judged by.
#[test]
fn one_seed_from_end_to_end() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Three times what a Gaussian process may ask for: enough for a search to find something better more than once.
    let plan = StudyPlan { seeds: 1, firefly_designs: 36, stops: vec![3, 12, 36], ..tiny() };
    let begun = conducted(one.path(), &plan, 2).unwrap();
    let results = conducted_on(two.path(), &plan, usize::MAX, NonZeroUsize::new(2).unwrap()).unwrap();
    assert!(begun.iter().all(|answer| results.answers.contains(answer)));
    let questions = plan.questions();
    let n_cells: usize = questions.iter().map(|(_, methods)| methods.len()).sum();
    assert_eq!(results.answers.len(), n_cells);
    let answers = Answers::new(&plan, &results.answers);
    assert_eq!(answers.seeds, [0]);
    for (question, methods) in &questions {
        for method in methods {
            let score = answers.score(question, &method.to_string(), 0).unwrap();
            let n = question.n_workloads();
            match method {
                // A design that is infeasible for one workload is not simulated for the next.
                DesignMethod::Learned(_) => {
                    assert!((3..=3 * n).contains(&score.simulator_calls), "{question} {method}");
                    assert!(score.infeasible > 0 || score.simulator_calls == 3 * n, "{question} {method}");
                }
                DesignMethod::Online { designs, .. } => {
                    assert_eq!(score.simulator_calls % n, 0);
                    assert!((n..=designs * n).contains(&score.simulator_calls), "{question} {method}");
                    let last = score.found.last().map(|found| found.latency_s);
                    let gap = last.zip(score.best_s).map(|(last, best)| (last / best - 1.0).abs());
                    assert!(
                        gap.is_none_or(|gap| gap < 1e-9),
                        "{question} {method}: {last:?} {:?}",
                        score.best_s
                    );
                    assert!(score.found.is_sorted_by(|a, b| a.calls <= b.calls && a.latency_s > b.latency_s));
                }
                DesignMethod::Random { is_checked: true } => assert!(score.infeasible < 3),
                DesignMethod::Random { .. } | DesignMethod::Logged => assert!(score.proposals > 0),
            }
        }
    }
    let unseen = |unseen| results.proxy_models.iter().filter(move |it| it.unseen == unseen);
    let names =
        |which| unseen(which).map(|it| it.workload.as_str()).collect::<std::collections::BTreeSet<_>>();
    // Of few rows that are hidden some workload has none that is feasible.
    assert!([Unseen::Rows, Unseen::Level, Unseen::Best].iter().all(|&which| !names(which).is_empty()));
    assert_eq!(names(Unseen::Workload).len(), WORKLOADS.len());
    assert!(results.proxy_models.iter().all(|it| it.relative_rmse > 0.0 && it.tau.abs() <= 1.0));
    // What is done is read back, though nothing is left to do.
    let again = conducted_on(two.path(), &plan, usize::MAX, NonZeroUsize::MIN).unwrap();
    assert_eq!(again, results);

    let other = StudyPlan { designs: 60, ..plan };
    std::fs::remove_dir_all(two.path().join("out")).unwrap();
    let refused = conducted(two.path(), &other, 1).unwrap_err();
    assert!(matches!(refused, StudyError::OtherData { .. }), "{refused}");
}

/// Two seeds, drawn with replacement: means of 1, 2 and 3, of which 1 and 3 have a quarter of the chance each.
#[test]
fn an_estimate_by_hand() {
    let plain = SeedMean::of(&[1.0, 3.0]).unwrap();
    assert_eq!((plain.value, plain.interval), (2.0, [1.0, 3.0]));
    assert_eq!(plain.text(0.5, 1), "4.0 [2.0, 6.0]");
    let geometric = SeedMean::geometric(&[1.0, 4.0]).unwrap();
    let is_near = |value: f64, expected: f64| (value - expected).abs() < 1e-12;
    assert!(is_near(geometric.value, 2.0) && is_near(geometric.interval[1], 4.0));
    assert_eq!(SeedMean::of(&[]), None);
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

/// Answers of all methods to all questions: the data has 8 ms, PRIME 4 ms first and 2 ms at best (4 ms for RNN-T), fireflies find 8 ms after 3 calls and
/// 1 ms after 12, COMs has 16 ms and falls back on the data, and so does everybody else, who is infeasible.
fn answers(plan: &StudyPlan) -> Vec<CellAnswer> {
    let answer = |question: &Question, method: &DesignMethod, seed: u64| {
        let score = match *method {
            DesignMethod::Logged => score(Some(8e-3), Some(8e-3), &[]),
            DesignMethod::Learned("prime") if CARRYING.iter().any(|name| question.is_of(name)) => {
                score(Some(4e-3), Some(4e-3), &[])
            }
            DesignMethod::Learned("prime") => score(Some(4e-3), Some(2e-3), &[]),
            DesignMethod::Learned("coms") => score(Some(16e-3), Some(16e-3), &[]),
            DesignMethod::Online { agent: "firefly", .. } => {
                score(Some(1e-3), Some(1e-3), &[(3, 8e-3), (12, 1e-3)])
            }
            _ => score(None, None, &[]),
        };
        CellAnswer { question: question.clone(), method: method.to_string(), seed, score }
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
    let (prime, data) = (DesignMethod::Learned("prime"), Arm::first(&DesignMethod::Logged));
    let firefly = DesignMethod::Online { agent: "firefly", designs: 120 };
    let speedup = |arm: &Arm| answers.speedup(&one_each(), arm, &data).unwrap();
    let is_near = |ratio: f64, expected: f64| (ratio - expected).abs() < 1e-12;
    assert!(is_near(speedup(&Arm::first(&prime)).value, 2.0));
    // 8 / 2 for seven workloads, 8 / 4 for two.
    assert!(is_near(speedup(&Arm::best(&prime)).value, 2f64.powf(16.0 / 9.0)));
    let seven = answers.speedup(&without_carrying(), &Arm::best(&prime), &data).unwrap();
    assert!(is_near(seven.value, 4.0));
    assert!(is_near(speedup(&Arm::best(&DesignMethod::Random { is_checked: false })).value, 1.0));
    assert!(is_near(speedup(&Arm::best(&DesignMethod::Learned("coms"))).value, 1.0));
    assert!(is_near(speedup(&Arm::after(&firefly, 2)).value, 1.0));
    assert!(is_near(speedup(&Arm::after(&firefly, 11)).value, 1.0));
    assert!(is_near(speedup(&Arm::after(&firefly, 12)).value, 8.0));
    let above = answers.above_least(&one_each(), &Arm::best(&prime)).unwrap();
    assert!(is_near(above.value, 2f64.powf(11.0 / 9.0)));
    // What a search with the simulator finds does not depend on what was logged.
    let unseen = [Question::Unseen("unet".to_owned())];
    let zero_shot = answers.speedup(&unseen, &Arm::best(&prime), &Arm::after(&firefly, 12)).unwrap();
    assert!(is_near(zero_shot.value, 0.5));
    let question = &one_each()[0];
    assert_eq!(answers.calls_to_match(question, &firefly, &Arm::best(&prime)), [Some(12); 2]);
    let nobody = DesignMethod::Online { agent: "gp", designs: 12 };
    assert_eq!(answers.calls_to_match(question, &nobody, &Arm::best(&prime)), [None; 2]);
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
    let results = StudyResults { answers: answers(&plan), proxy_models: Vec::new(), remark: String::new() };
    report(&plan, &results, folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
    for expected in [
        "2 of 2 seeds",
        "| `prime`: all improvements | 4.000 [4.000, 4.000] | 8.000 [8.000, 8.000] | 2.333 [2.333, 2.333] | 3.429 [",
        "| `firefly` | 12 | 1.000 [1.000, 1.000] | 8.000 [8.000, 8.000] | 0.429 [0.429, 0.429] | 0.500 [0.500, 0.500] |",
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
    Ledger::open(folder.path()).unwrap().add(answer.clone()).unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{}", &whole[..20])).unwrap();
    assert_eq!(Ledger::open(folder.path()).unwrap().answers(), [answer]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    std::fs::write(&path, format!("{whole}nothing\n")).unwrap();
    let refused = Ledger::open(folder.path()).err().unwrap();
    assert!(matches!(&refused, StudyError::Ledger { line: 2, .. }), "{refused}");
}

/// Report and pictures in `docs/studies/prime` say what the answers beside them say; `cargo run -p prime-study -- report` makes them anew.
#[test]
fn the_report_is_made_of_the_recorded_answers() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/studies/prime");
    let folder = tempfile::tempdir().unwrap();
    let plan = StudyPlan::read(&shipped.join("plan.json")).unwrap();
    report(&plan, &StudyResults::read(&shipped).unwrap(), folder.path()).unwrap();
    for name in ["README.md", "speedup.svg", "calls.svg"] {
        let [made, kept] =
            [folder.path(), &shipped].map(|from| std::fs::read_to_string(from.join(name)).unwrap());
        let first = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
        assert!(made == kept, "{name}: {first:?}");
    }
}
