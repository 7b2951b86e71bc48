//! Designs that the environment cannot evaluate: trials of the log like any other, told to agents as such, and retried.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::toys::{NoConfig, budget, catalog, log_without_timings, spec, threads};
use serde_json::{Value, json};
use tapeout_core::check::toy::Toy;
use tapeout_core::{
    BuildEnv, ConfigError, Design, DesignSpace, Env, EnvEntry, EvalError, Goal, Metric, Objective, Outcome,
    Seed,
};
use tapeout_experiment::dataset::{Dataset, DatasetPlan, error::DatasetError, generate};
use tapeout_experiment::{
    EnvSpec, Experiment, Finished, Retried, Run, RunError, RunOptions, Spec, WarmStart, replay, resume,
    retry_failed, run,
};
use tempfile::TempDir;

fn run_in(folder: &Path, spec: Spec, n_threads: usize) -> Result<Finished, RunError> {
    run(&Experiment::prepare(&catalog(), spec).unwrap(), folder, &threads(n_threads), &mut ())
}

fn with(mut spec: Spec, settings: &[(&str, Value)]) -> Spec {
    spec.env.config.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    spec
}

/// The causes of the failed trials in the log in `folder`.
fn causes(folder: &Path) -> Vec<String> {
    let run = Run::open(&catalog(), folder).unwrap();
    let causes = run.trials().iter().filter_map(|trial| match trial.outcome {
        Outcome::Failed { cause } => Some(cause),
        _ => None,
    });
    causes.collect()
}

/// Designs whose `a` is 7 fail, by an error, by a number that is none, by a panic: all others are what they would be, whoever is evaluated
/// beside them, and the log is the same on any number of threads.
#[test]
fn a_design_that_fails_is_a_trial_and_takes_no_other_with_it() {
    let unbroken = TempDir::new().unwrap();
    run_in(unbroken.path(), spec("bowl", "random", 60), 2).unwrap();
    let whole = log_without_timings(unbroken.path());
    for (fault, words) in [
        ("fails_at", "the device does not answer: it is off"),
        ("nan_at", "`distance` is NaN"),
        ("panics_at", "it panicked: assertion `left != right` failed: a bug of the toy"),
    ] {
        let mut logs = Vec::new();
        for n_threads in [1, 3] {
            let folder = TempDir::new().unwrap();
            let broken = with(spec("bowl", "random", 60), &[(fault, json!(7))]);
            let summary = run_in(folder.path(), broken, n_threads).unwrap().summary;
            let log = log_without_timings(folder.path());
            let is_broken = |line: &str| line.contains("\"a\":7,");
            assert!(summary.failed > 0);
            assert_eq!(summary.failed, whole.lines().filter(|line| is_broken(line)).count(), "{fault}");
            assert_eq!(summary.trials, summary.acceptable + summary.n_infeasible() + summary.failed);
            for (line, expected) in log.lines().zip(whole.lines()).skip(1) {
                assert!(is_broken(expected) || line == expected, "{line}\n{expected}");
            }
            assert!(causes(folder.path()).iter().all(|cause| cause.starts_with(words)), "{log}");
            assert_eq!(causes(folder.path()).len(), summary.failed);
            assert_eq!(replay(&catalog(), folder.path()).unwrap().trials, 60);
            logs.push(log);
        }
        assert_eq!(logs[0], logs[1], "{fault}");
    }
}

/// A search whose proposals depend on every answer is gone on with as if it had never been broken off, failed trials among its own.
#[test]
fn a_run_with_failed_trials_is_resumed_as_it_would_have_gone_on() {
    let (once, twice) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let broken = |trials| with(spec("bowl", "climber", trials), &[("fails_at", json!(7))]);
    run_in(once.path(), broken(80), 2).unwrap();
    run_in(twice.path(), broken(30), 2).unwrap();
    let summary = resume(&catalog(), twice.path(), Some(budget(80)), &threads(1), &mut ()).unwrap().summary;
    assert_eq!(log_without_timings(once.path()), log_without_timings(twice.path()));
    assert_eq!(summary.failed, causes(once.path()).len());
}

#[test]
fn failed_trials_that_are_retried_have_their_result_and_leave_the_search_as_it_was() {
    let [folder, left] = [(); 2].map(|()| TempDir::new().unwrap());
    let fault = folder.path().join("fault");
    fs::write(&fault, "").unwrap();
    let settings = [("fails_from", json!(6)), ("faults_while", json!(fault))];
    for folder in [&folder, &left] {
        run_in(&folder.path().join("run"), with(spec("bowl", "climber", 40), &settings), 2).unwrap();
    }
    let [run_folder, left] = [folder.path().join("run"), left.path().join("run")];
    let n_failed = causes(&run_folder).len();
    assert!(n_failed > 0);

    let before = fs::read(run_folder.join("trials.jsonl")).unwrap();
    let retry =
        |watch: &mut dyn FnMut(Retried)| retry_failed(&catalog(), &run_folder, &threads(2), watch).unwrap();
    assert_eq!(retry(&mut |_| ()), Retried { failed: n_failed, asked: n_failed, mended: 0 });
    assert_eq!(fs::read(run_folder.join("trials.jsonl")).unwrap(), before, "nothing came of it");

    fs::remove_file(&fault).unwrap();
    assert_eq!(retry(&mut |_| ()), Retried { failed: n_failed, asked: n_failed, mended: n_failed });
    assert!(causes(&run_folder).is_empty());
    let run = Run::open(&catalog(), &run_folder).unwrap();
    assert!(
        run.trials()
            .iter()
            .all(|trial| *run.experiment().env().evaluate(&trial.design).as_ref().unwrap() == trial.outcome)
    );
    assert_eq!(replay(&catalog(), &run_folder).unwrap().trials, 40);
    assert_eq!(retry(&mut |_| ()), Retried { failed: 0, asked: 0, mended: 0 });

    // Both go on with the same proposals: the agent is told of the retried trials what it was told before.
    let designs = |folder: &Path| -> Vec<Vec<u32>> {
        let run = resume(&catalog(), folder, Some(budget(90)), &threads(2), &mut ()).unwrap().run;
        run.trials().iter().map(|trial| trial.design.levels().to_vec()).collect()
    };
    assert_eq!(designs(&run_folder), designs(&left));
    assert_eq!(causes(&left).len(), n_failed);
}

/// An evaluator that does not work at all ends the run within a batch, and leaves the log as it was: mended, it gives the log of a run
/// that was never broken.
#[test]
fn a_run_without_a_result_ends_and_begins_anew() {
    let (folder, unbroken) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let fault = folder.path().join("fault");
    let settings = [("fails_from", json!(0)), ("faults_while", json!(fault))];
    run_in(&unbroken.path().join("run"), with(spec("bowl", "climber", 100), &settings), 1).unwrap();
    fs::write(&fault, "").unwrap();
    for (trials, words) in
        [(100, ", and the 31 designs after it"), (3, ", and the 2 designs after it"), (1, "}")]
    {
        let run_folder = folder.path().join(format!("run-{trials}"));
        let error = run_in(&run_folder, with(spec("bowl", "climber", trials), &settings), 2).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("trial 0: `bowl` failed to evaluate {\"a\":"), "{message}");
        assert!(message.ends_with(words), "{message}");
        assert!(error.hint().unwrap().contains("`tapeout resume` goes on"), "{error}");
        assert_eq!(log_without_timings(&run_folder).lines().count(), 1, "the header");
    }
    fs::remove_file(&fault).unwrap();
    resume(&catalog(), &folder.path().join("run-100"), None, &threads(2), &mut ()).unwrap();
    let log = log_without_timings(&folder.path().join("run-100"));
    assert_eq!(log, log_without_timings(&unbroken.path().join("run")));
}

/// One design of eight has a result: rows of 32 failures are not rare. Each ends the run, and going on goes on behind it.
#[test]
fn an_evaluator_that_stops_working_ends_the_run_but_does_not_block_it() {
    let folder = TempDir::new().unwrap();
    let broken = with(spec("bowl", "random", 100_000), &[("fails_from", json!(2))]);
    let mut error = run_in(folder.path(), broken, 2).unwrap_err();
    let mut n_before = 0;
    for _ in 0..3 {
        assert!(error.to_string().ends_with(", and the 31 designs after it"), "{error}");
        assert!(error.hint().unwrap().contains("`tapeout resume --retry-failed`"), "{error}");
        let run = Run::open(&catalog(), folder.path()).unwrap();
        let is_failed: Vec<bool> = run.trials().iter().map(|trial| trial.outcome.is_failed()).collect();
        assert!(is_failed.len() >= n_before + 32 && is_failed.ends_with(&[true; 32]));
        assert!(is_failed[n_before..].windows(32).filter(|row| row.iter().all(|&it| it)).count() == 1);
        n_before = is_failed.len();
        error = resume(&catalog(), folder.path(), None, &threads(2), &mut ()).unwrap_err();
    }
}

/// Of a design that failed nothing is known: no later search is told of it, and no model learns from it.
#[test]
fn what_failed_teaches_nobody() {
    let (folder, later) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let fault = folder.path().join("fault");
    fs::write(&fault, "").unwrap();
    let settings = [("fails_at", json!(7)), ("faults_while", json!(fault))];
    let earlier = folder.path().join("run");
    let summary = run_in(&earlier, with(spec("bowl", "random", 100), &settings), 2).unwrap().summary;
    let dataset = Dataset::of_runs(&catalog(), std::slice::from_ref(&earlier)).unwrap();
    assert_eq!(dataset.rows().len(), 100 - summary.failed);
    fs::remove_file(&fault).unwrap();
    let mut warm = with(spec("bowl", "random", 156), &settings);
    warm.warm_start.push(WarmStart::from_log(&earlier));
    let finished = run_in(later.path(), warm, 2).unwrap();
    assert_eq!(finished.summary.warm_trials, 100 - summary.failed);
}

/// A run is cut off within its first batch, behind ten results, and the evaluator stops working: what fails is logged as behind any other
/// result, and the run ends with its budget, or by a row of failures that are in the log.
#[test]
fn a_run_that_is_gone_on_with_within_its_first_batch_has_the_results_of_its_log() {
    for (trials, n_lines) in [(20, 20), (64, 10 + 32)] {
        let folder = TempDir::new().unwrap();
        let (run_folder, fault) = (folder.path().join("run"), folder.path().join("fault"));
        let settings = [("fails_from", json!(0)), ("faults_while", json!(fault))];
        let mut whole = with(spec("bowl", "random", trials), &settings);
        whole.batch = trials.try_into().unwrap();
        run_in(&run_folder, whole, 1).unwrap();
        let log = run_folder.join("trials.jsonl");
        let text = fs::read_to_string(&log).unwrap();
        let cut: String = text.lines().take(1 + 10).flat_map(|line| [line, "\n"]).collect();
        fs::write(&log, &cut).unwrap();
        fs::write(&fault, "").unwrap();
        let resumed = resume(&catalog(), &run_folder, None, &threads(1), &mut ());
        match resumed {
            Ok(finished) => assert_eq!((finished.summary.trials, finished.summary.failed), (20, 10)),
            Err(error) => {
                assert!(error.to_string().ends_with(", and the 31 designs after it"), "{error}");
                assert!(error.hint().unwrap().contains("`tapeout resume --retry-failed`"), "{error}");
            }
        }
        let now = fs::read_to_string(&log).unwrap();
        assert!(now.starts_with(&cut));
        assert_eq!((now.lines().count() - 1, causes(&run_folder).len()), (n_lines, n_lines - 10));
    }
}

/// What failed before the first result is in the log when the agent gives up, as what was evaluated before any other error is.
#[test]
fn failures_before_the_agent_gives_up_are_logged() {
    let folder = TempDir::new().unwrap();
    let mut broken = with(spec("bowl", "quitter", 40), &[("fails_from", json!(0))]);
    broken.batch = 4.try_into().unwrap();
    let error = run_in(folder.path(), broken, 1).unwrap_err();
    assert!(matches!(error, RunError::Agent { trials: 4, .. }), "{error}");
    assert_eq!(causes(folder.path()).len(), 4);
}

/// The results of a slice are in the log when it is told of, and an interrupt leaves the rest for another time.
#[test]
fn a_retry_is_logged_slice_by_slice() {
    let folder = TempDir::new().unwrap();
    let (run_folder, fault) = (folder.path().join("run"), folder.path().join("fault"));
    fs::write(&fault, "").unwrap();
    let settings = [("fails_from", json!(4)), ("faults_while", json!(fault))];
    run_in(&run_folder, with(spec("bowl", "random", 120), &settings), 1).unwrap();
    let n_failed = causes(&run_folder).len();
    assert!(n_failed > 32, "{n_failed}");
    fs::remove_file(&fault).unwrap();

    let interrupt = AtomicBool::new(false);
    let options = RunOptions { interrupt: Some(&interrupt), ..threads(1) };
    let mut watch = |at: Retried| {
        assert_eq!(causes(&run_folder).len(), n_failed - at.mended);
        interrupt.store(true, Ordering::Relaxed);
    };
    let retried = retry_failed(&catalog(), &run_folder, &options, &mut watch).unwrap();
    assert_eq!(retried, Retried { failed: n_failed, asked: 32, mended: 32 });
    assert!(retried.is_interrupted());
    let retried = retry_failed(&catalog(), &run_folder, &threads(2), &mut |_| ()).unwrap();
    assert_eq!(retried, Retried { failed: n_failed - 32, asked: n_failed - 32, mended: n_failed - 32 });
    assert!(!retried.is_interrupted() && causes(&run_folder).is_empty());
}

/// A run that was started from a log is told the same when the log's failed trials were retried since.
#[test]
fn a_log_that_is_retried_still_teaches_what_it_did() {
    let folder = TempDir::new().unwrap();
    let fault = folder.path().join("fault");
    fs::write(&fault, "").unwrap();
    let settings = [("fails_at", json!(7)), ("faults_while", json!(fault))];
    let [earlier, later] = ["earlier", "later"].map(|name| folder.path().join(name));
    run_in(&earlier, with(spec("bowl", "random", 60), &settings), 2).unwrap();
    let mut warm = with(spec("bowl", "climber", 30), &settings);
    warm.warm_start.push(WarmStart::from_log(&earlier));
    let told = run_in(&later, warm, 2).unwrap().summary.warm_trials;
    fs::remove_file(&fault).unwrap();
    let retried = retry_failed(&catalog(), &earlier, &threads(2), &mut |_| ()).unwrap();
    assert!(retried.mended > 0);
    assert_eq!(replay(&catalog(), &later).unwrap().trials, 30);
    let resumed = resume(&catalog(), &later, Some(budget(50)), &threads(2), &mut ()).unwrap();
    assert_eq!(resumed.summary.warm_trials, told);
}

/// An evaluator that answers so many times, and then no more.
struct Ending {
    toy: Toy,
}

/// Answers that it has given; one test alone asks it.
static ANSWERS: AtomicUsize = AtomicUsize::new(0);

impl Env for Ending {
    fn space(&self) -> &DesignSpace {
        self.toy.space()
    }

    fn metrics(&self) -> &[Metric] {
        self.toy.metrics()
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        match ANSWERS.fetch_add(1, Ordering::Relaxed) {
            0..40 => self.toy.evaluate(design),
            _ => Err(EvalError::new("the licence has ended")),
        }
    }
}

impl BuildEnv for Ending {
    const ID: &'static str = "ending";
    const VERSION: u32 = 0;
    const SUMMARY: &'static str = "a toy";
    const DESCRIPTION: &'static str = "a toy";
    type Config = NoConfig;

    fn build(_: NoConfig) -> Result<Self, ConfigError> {
        Ok(Self { toy: Toy::bowl() })
    }

    fn default_goal(&self) -> Goal {
        Goal { objectives: vec![Objective::minimize("distance")], constraints: Vec::new() }
    }
}

/// By hand, on one thread, a batch being four pieces: 32 designs are answered, and 8 of the next 64. The row of 32 ends behind the 40th of
/// those, within its third piece of 16, so that 16 designs are not asked about, nor any further batch.
#[test]
fn a_data_set_whose_evaluator_stops_working_asks_for_no_whole_batch() {
    let folder = TempDir::new().unwrap();
    let catalog = catalog().with_env(EnvEntry::of::<Ending>());
    let plan = DatasetPlan {
        designs: 200,
        seed: Seed::new(1),
        workloads: Vec::new(),
        env: EnvSpec::named("ending"),
    };
    let error = generate(&catalog, &plan, folder.path(), &threads(1), &mut |_| ()).unwrap_err();
    assert!(matches!(error, DatasetError::Evaluation { failures: 32, .. }), "{error}");
    assert_eq!(ANSWERS.load(Ordering::Relaxed), 32 + 3 * 16);
}

/// A log from before failures were logged is gone on with under its version when a trial fails then, and read to its end.
#[test]
fn logs_of_version_2_are_read_and_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let (run_folder, fault) = (folder.path().join("run"), folder.path().join("fault"));
    let settings = [("fails_from", json!(4)), ("faults_while", json!(fault))];
    run_in(&run_folder, with(spec("bowl", "random", 30), &settings), 1).unwrap();
    assert!(causes(&run_folder).is_empty());
    let log = run_folder.join("trials.jsonl");
    let old = fs::read_to_string(&log).unwrap().replacen("\"version\":3", "\"version\":2", 1);
    fs::write(&log, &old).unwrap();
    fs::write(&fault, "").unwrap();
    let summary = resume(&catalog(), &run_folder, Some(budget(50)), &threads(1), &mut ()).unwrap().summary;
    assert!(summary.trials == 50 && summary.failed > 0, "{summary:?}");
    assert!(fs::read_to_string(&log).unwrap().starts_with(&old));
    assert_eq!(causes(&run_folder).len(), summary.failed);
    assert_eq!(replay(&catalog(), &run_folder).unwrap().trials, 50);
}
