//! Warm starts: what the agent is told, what that costs, and which logs are refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::toys::{catalog, log_without_timings, spec, threads};
use serde_json::json;
use tapeout_core::Design;
use tapeout_experiment::{
    Experiment, Run, RunError, Spec, SpecError, StopReason, Summary, WarmStart, replay, resume, run,
};
use tempfile::TempDir;

/// A finished run of `spec` in a fresh folder.
fn fresh(spec: Spec) -> (TempDir, Summary) {
    let folder = TempDir::new().unwrap();
    let experiment = Experiment::prepare(&catalog(), spec).unwrap();
    let summary = run(&experiment, folder.path(), &threads(1), &mut ()).unwrap().summary;
    (folder, summary)
}

/// `spec`, started from the log in `earlier`.
fn warm(mut spec: Spec, earlier: &Path) -> Spec {
    spec.warm_start = vec![WarmStart::from_log(earlier)];
    spec
}

fn designs(folder: &Path) -> BTreeSet<Design> {
    let run = Run::open(&catalog(), folder).unwrap();
    run.trials().iter().map(|record| record.design).collect()
}

fn refused(spec: Spec) -> SpecError {
    Experiment::prepare(&catalog(), spec).expect_err("the log is not one to start from")
}

/// A text without the path of the temporary folder in it.
fn unplaced(error: &SpecError, folder: &Path) -> String {
    error.to_string().replace(&fs::canonicalize(folder).unwrap().display().to_string(), "DIR")
}

/// The climber mutates what it was told of. It is told of 40 designs, and then evaluates 40 others: a better beginning, and no
/// design twice.
#[test]
fn an_earlier_log_is_learned_from_and_costs_nothing() {
    let (earlier, cold) = fresh(spec("bowl", "climber", 40));
    let mut other_seed = spec("bowl", "climber", 40);
    other_seed.seed = tapeout_core::Seed::new(1);
    let (_cold, other) = fresh(other_seed.clone());
    let (folder, summary) = fresh(warm(other_seed, earlier.path()));
    assert_eq!((summary.trials, summary.warm_trials, cold.warm_trials), (40, 40, 0));
    assert!(designs(folder.path()).is_disjoint(&designs(earlier.path())));
    assert!(summary.best[0].value < cold.best[0].value.min(other.best[0].value));
}

/// The parrot says each of three designs twice, and all are in the earlier log: nothing is left to evaluate, unless answers
/// may differ from one time to the next.
#[test]
fn what_was_evaluated_before_is_answered_from_there_unless_the_environment_is_noisy() {
    let mut parrot = spec("bowl", "parrot", 100);
    parrot.agent.config.insert("known".into(), json!(3));
    let (earlier, _) = fresh(parrot.clone());
    let (_, summary) = fresh(warm(parrot.clone(), earlier.path()));
    assert_eq!((summary.trials, summary.duplicates, summary.stop), (0, 6, StopReason::AgentFinished));
    parrot.env.config.insert("is_noisy".into(), json!(true));
    let (earlier, _) = fresh(parrot.clone());
    let (_, summary) = fresh(warm(parrot, earlier.path()));
    assert_eq!((summary.trials, summary.duplicates, summary.warm_trials), (6, 0, 6));
}

#[test]
fn a_space_that_is_known_whole_is_exhausted_at_once() {
    let (first, _) = fresh(spec("tied", "random", 20));
    let mut second = warm(spec("tied", "random", 100), first.path());
    second.seed = tapeout_core::Seed::new(1);
    let (second, summary) = fresh(second);
    assert_eq!((summary.trials, summary.stop), (17, StopReason::SpaceExhausted), "37 designs in all");
    let mut both = warm(spec("tied", "random", 100), first.path());
    both.warm_start.push(WarmStart::from_log(second.path()));
    let (_, summary) = fresh(both);
    assert_eq!((summary.trials, summary.stop), (0, StopReason::SpaceExhausted));
}

/// Another goal than that of the earlier run: its metrics are judged anew.
#[test]
fn an_earlier_log_outlives_its_goal() {
    let (earlier, _) = fresh(spec("tradeoff", "climber", 40));
    let mut one = warm(spec("tradeoff", "climber", 10), earlier.path());
    one.objectives = Some(vec!["max:time".parse().unwrap()]);
    assert_eq!(fresh(one).1.warm_trials, 40);
}

#[test]
fn a_warm_run_replays_and_resumes_as_any_other() {
    let (earlier, _) = fresh(spec("bowl", "climber", 40));
    let (whole, _) = fresh(warm(spec("bowl", "climber", 60), earlier.path()));
    assert_eq!(replay(&catalog(), whole.path()).unwrap().trials, 60);
    let log = fs::read_to_string(whole.path().join("trials.jsonl")).unwrap();
    let cut = TempDir::new().unwrap();
    fs::copy(whole.path().join("spec.toml"), cut.path().join("spec.toml")).unwrap();
    fs::write(cut.path().join("trials.jsonl"), &log[..log.len() / 2]).unwrap();
    resume(&catalog(), cut.path(), None, &threads(2), &mut ()).unwrap();
    assert_eq!(log_without_timings(cut.path()), log_without_timings(whole.path()));
}

/// The earlier run goes on, which only adds to its log; then it is made anew by another spec, and then it is gone.
#[test]
fn a_log_that_grew_is_as_good_as_before_and_one_that_changed_is_refused() {
    let (earlier, _) = fresh(spec("bowl", "climber", 40));
    let (folder, _) = fresh(warm(spec("bowl", "climber", 20), earlier.path()));
    resume(&catalog(), earlier.path(), Some(crate::toys::budget(60)), &threads(1), &mut ()).unwrap();
    assert_eq!(replay(&catalog(), folder.path()).unwrap().trials, 20);

    let path = earlier.path().join("trials.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    let complaint = |log: &str| {
        fs::write(&path, log).unwrap();
        let Err(RunError::Spec(error)) = replay(&catalog(), folder.path()) else { panic!("it was changed") };
        assert!(error.hint().is_some());
        unplaced(&error, earlier.path())
    };
    let first_lines = |n: usize| log.split_inclusive('\n').take(n).collect::<String>();
    assert!(
        complaint(&first_lines(31)).ends_with("DIR/trials.jsonl: 30 trials in the log; expected 40"),
        "the header and 30 trials"
    );
    let mut lines: Vec<&str> = log.lines().collect();
    lines.swap(1, 2);
    assert!(complaint(&(lines.join("\n") + "\n")).ends_with(
        "`warm_start[0]`: DIR/trials.jsonl: the first 40 trials are not those that this run began with"
    ));
    fs::remove_file(&path).unwrap();
    let error = resume(&catalog(), folder.path(), None, &threads(1), &mut ()).unwrap_err();
    assert!(error.to_string().contains("trials.jsonl: cannot read the log"), "{error}");
    assert!(error.hint().unwrap().contains("new path"));
    assert_eq!(Run::open(&catalog(), folder.path()).unwrap().trials().len(), 20, "it can still be read");
}

#[test]
fn a_log_of_other_designs_is_refused_with_the_difference() {
    let (earlier, _) = fresh(spec("bowl", "climber", 10));
    let error = refused(warm(spec("tied", "climber", 10), earlier.path()));
    assert_eq!(
        unplaced(&error, earlier.path()),
        "`warm_start[0]`: DIR/trials.jsonl: trials of other designs: `env.id` is \"bowl\" in the log, \"tied\" here"
    );
    assert!(error.hint().unwrap().contains("the same environment"));
    let mut slow = spec("bowl", "climber", 10);
    slow.env.config.insert("delay_us".into(), json!(1));
    let error = refused(warm(slow, earlier.path()));
    assert!(error.to_string().ends_with("`env.config.delay_us` is 0 in the log, 1 here"), "{error}");
}

#[test]
fn a_log_without_a_metric_is_refused_by_its_name() {
    let (earlier, _) = fresh(spec("tradeoff", "climber", 10));
    let path = earlier.path().join("trials.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    let (header, trials) = log.split_once('\n').unwrap();
    let mut header: serde_json::Value = serde_json::from_str(header).unwrap();
    header["metrics"].as_array_mut().unwrap().remove(1);
    fs::write(&path, format!("{header}\n{trials}")).unwrap();
    let error = refused(warm(spec("tradeoff", "climber", 10), earlier.path()));
    assert_eq!(unplaced(&error, earlier.path()), "`warm_start[0]`: DIR/trials.jsonl: the log has no time");
}

#[test]
fn what_is_no_log_is_refused_with_the_place_in_the_spec() {
    let text = "version = 1\n[env]\nid = \"bowl\"\n[agent]\nid = \"random\"\n[budget]\ntrials = 1\n\
                [[warm_start]]\nlog = \"nowhere/at/all\"\n";
    let error = refused(Spec::parse(text, Path::new("run.toml")).unwrap());
    assert!(error.to_string().starts_with("run.toml:8:1: `warm_start[0]`: nowhere/at/all: "), "{error}");
    let folder = TempDir::new().unwrap();
    let error = refused(warm(spec("bowl", "random", 1), folder.path()));
    assert!(error.to_string().contains("trials.jsonl: cannot read the log"), "{error}");
}
