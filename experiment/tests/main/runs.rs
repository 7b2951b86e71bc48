//! The loop: the same log from the same spec, budgets, stops, duplicates, resuming and replaying.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::toys::{budget, catalog, log_without_timings, spec, threads};
use serde_json::json;
use tapeout_experiment::run::STALLED_BATCHES;
use tapeout_experiment::{
    BudgetTarget, Event, Experiment, ExportForm, Observer, Run, RunError, Spec, StopReason, Summary, export,
    replay, resume, run,
};
use tempfile::TempDir;

fn prepared(spec: Spec) -> Experiment {
    Experiment::prepare(&catalog(), spec).unwrap()
}

fn run_in(folder: &Path, spec: Spec) -> Summary {
    run(&prepared(spec), folder, &threads(1), &mut ()).unwrap().summary
}

/// A run in a fresh folder.
fn fresh(spec: Spec) -> (TempDir, Summary) {
    let folder = TempDir::new().unwrap();
    let summary = run_in(folder.path(), spec);
    (folder, summary)
}

fn resumed(folder: &Path) -> Result<Summary, RunError> {
    resume(&catalog(), folder, None, &threads(1), &mut ()).map(|finished| finished.summary)
}

/// A summary without what depends on the clock.
fn timeless(summary: &Summary) -> serde_json::Value {
    let mut value = serde_json::to_value(summary).unwrap();
    value.as_object_mut().unwrap().remove("timing");
    value
}

#[test]
fn one_thread_and_several_write_the_same_log() {
    let spec = spec("bowl", "climber", 200);
    let (one, summary) = fresh(spec.clone());
    for n in [2, 5] {
        let folder = TempDir::new().unwrap();
        let other = run(&prepared(spec.clone()), folder.path(), &threads(n), &mut ()).unwrap().summary;
        assert_eq!(log_without_timings(one.path()), log_without_timings(folder.path()));
        assert_eq!(timeless(&summary), timeless(&other));
    }
    let mut other_seed = spec;
    other_seed.seed = tapeout_core::Seed::new(1);
    assert_ne!(log_without_timings(one.path()), log_without_timings(fresh(other_seed).0.path()));
}

// Claim: what is exported has the objective that it names, also one that follows from what was measured.
#[test]
fn a_derived_objective_is_exported_with_its_value() {
    let mut derived = spec("tradeoff", "climber", 40);
    derived.derived = vec!["sum = cost + 2 * time".parse().unwrap()];
    derived.objectives = Some(vec!["sum".parse().unwrap()]);
    derived.constraints = Some(Vec::new());
    let (folder, _) = fresh(derived);
    let run = Run::open(&catalog(), folder.path()).unwrap();
    let file = |form| -> serde_json::Value { serde_json::from_str(&export(&run, 3, form)).unwrap() };
    let is_right = |value: &dyn Fn(&str) -> f64| value("sum") == value("cost") + 2.0 * value("time");
    for best in file(ExportForm::Json).as_array().unwrap() {
        assert!(is_right(&|name| best["metrics"][name].as_f64().unwrap()), "{best}");
    }
    let t4 = file(ExportForm::T4);
    for result in t4["results"].as_array().unwrap() {
        assert_eq!(result["objectives"], json!(["sum"]));
        let measured = result["measurements"].as_array().unwrap();
        let find =
            |name: &str| measured.iter().find(|it| it["name"] == name).unwrap()["value"].as_f64().unwrap();
        assert!(is_right(&find), "{result}");
    }
    let cache = file(ExportForm::KernelTuner);
    assert_eq!(cache["objective"], json!(["sum"]));
    for point in cache["cache"].as_object().unwrap().values() {
        assert!(is_right(&|name| point[name].as_f64().unwrap()), "{point}");
    }
}

// Claim: a narrowed space and metrics that follow from others are part of the spec: what is run with them is resumed and replayed.
#[test]
fn a_narrowed_run_for_a_derived_metric_is_resumed_and_replayed() {
    let mut narrow = spec("tradeoff", "climber", 40);
    narrow.derived = vec!["sum = cost + 2 * time".parse().unwrap()];
    narrow.objectives = Some(vec!["sum".parse().unwrap()]);
    narrow.constraints = Some(vec!["sum > 1".parse().unwrap()]);
    narrow.env.fix.insert("a".to_owned(), 7.into());
    narrow.env.levels.insert("b".to_owned(), tapeout_core::KeptLevels::Span("2..5".parse().unwrap()));
    let (folder, summary) = fresh(narrow);
    assert_eq!(summary.trials, 40);
    let best = &summary.best[0].standout;
    assert_eq!(best.metrics["sum"], best.metrics["cost"] + 2.0 * best.metrics["time"]);
    let run = Run::open(&catalog(), folder.path()).unwrap();
    let space = run.experiment().problem().space();
    for trial in run.trials() {
        let values: Vec<_> = space.values(&trial.design).map(|(_, value)| value.as_i64().unwrap()).collect();
        assert!(values[0] == 7 && (2..=5).contains(&values[1]), "{values:?}");
    }
    let log = log_without_timings(folder.path());
    assert!(!log.lines().last().unwrap().contains("sum"), "the log holds what cannot be computed");
    resume(&catalog(), folder.path(), Some(budget(60)), &threads(1), &mut ()).unwrap();
    assert!(log_without_timings(folder.path()).starts_with(&log));
    assert_eq!(replay(&catalog(), folder.path()).unwrap().trials, 60);
}

/// A kill can leave the file at any length; what is resumed from there is the unbroken run.
#[test]
fn a_log_cut_off_anywhere_resumes_to_the_log_of_an_unbroken_run() {
    let (whole, summary) = fresh(spec("bowl", "climber", 60));
    let (bytes, log) =
        (fs::read(whole.path().join("trials.jsonl")).unwrap(), log_without_timings(whole.path()));
    let header = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    for length in (header..bytes.len()).step_by(61) {
        let folder = TempDir::new().unwrap();
        fs::copy(whole.path().join("spec.toml"), folder.path().join("spec.toml")).unwrap();
        fs::write(folder.path().join("trials.jsonl"), &bytes[..length]).unwrap();
        let again = resumed(folder.path()).unwrap();
        assert_eq!(log_without_timings(folder.path()), log, "cut at {length}");
        assert_eq!(timeless(&again), timeless(&summary), "cut at {length}");
    }
}

#[test]
fn the_log_of_a_smaller_budget_begins_that_of_a_larger_and_can_be_resumed_to_it() {
    let (large, _) = fresh(spec("bowl", "climber", 90));
    let (small, summary) = fresh(spec("bowl", "climber", 33));
    assert_eq!((summary.trials, summary.stop), (33, StopReason::TrialsSpent));
    assert!(log_without_timings(large.path()).starts_with(&log_without_timings(small.path())));
    resume(&catalog(), small.path(), Some(budget(90)), &threads(2), &mut ()).unwrap();
    assert_eq!(log_without_timings(large.path()), log_without_timings(small.path()));
    let spec = Run::open(&catalog(), small.path()).unwrap();
    assert_eq!(spec.experiment().spec().budget, budget(90));
    let again = resumed(small.path()).unwrap();
    assert_eq!((again.trials, again.stop), (90, StopReason::TrialsSpent), "nothing is left to do");
}

/// The parrot says each of three designs twice: three trials, three duplicates.
#[test]
fn duplicates_are_answered_from_the_log_and_cost_no_trial() {
    let mut spec = spec("bowl", "parrot", 100);
    spec.agent.config.insert("known".into(), json!(3));
    let (folder, summary) = fresh(spec.clone());
    assert_eq!((summary.trials, summary.duplicates, summary.stop), (3, 3, StopReason::AgentFinished));
    assert_eq!(Run::open(&catalog(), folder.path()).unwrap().trials().len(), 3);
    spec.env.config.insert("is_noisy".into(), json!(true));
    let (_noisy, summary) = fresh(spec);
    assert_eq!((summary.trials, summary.duplicates), (6, 0), "a noisy environment is asked each time");
}

#[test]
fn an_agent_that_says_nothing_new_stalls_and_a_small_space_is_exhausted() {
    let mut parrot = spec("bowl", "parrot", 100);
    parrot.agent.config = json!({ "known": 3, "is_endless": true }).as_object().unwrap().clone();
    let (folder, summary) = fresh(parrot);
    // The first batch of 8 has the three designs, 8 - 3 duplicates; then come the batches without a new one.
    assert_eq!((summary.trials, summary.duplicates), (3, 5 + 8 * STALLED_BATCHES));
    assert_eq!(summary.stop, StopReason::Stalled);
    assert_eq!(resumed(folder.path()).unwrap().stop, StopReason::Stalled);
    let (_tied, summary) = fresh(spec("tied", "random", 100));
    assert_eq!((summary.trials, summary.stop), (37, StopReason::SpaceExhausted));
}

#[test]
fn a_target_ends_the_run_with_the_batch_that_reaches_it() {
    let mut with_target = spec("bowl", "climber", 2000);
    with_target.budget.target = Some(BudgetTarget { metric: "distance".into(), value: 40.0 });
    let (folder, summary) = fresh(with_target);
    assert_eq!(summary.stop, StopReason::Target);
    assert!(summary.best[0].value <= 40.0 && summary.trials < 2000);
    let run = Run::open(&catalog(), folder.path()).unwrap();
    let trials = run.trials();
    let first =
        trials.iter().position(|trial| trial.judgement.accepted().is_some_and(|loss| loss[0] <= 40.0));
    assert!(summary.trials - first.unwrap() <= 8, "at most the rest of a batch follows");
    assert_eq!(resumed(folder.path()).unwrap().trials, summary.trials);
}

/// Each evaluation takes at least 0.2 ms, so the time is over after the first batch or within it, on any machine.
#[test]
fn wall_time_is_counted_over_all_parts() {
    let mut short = spec("bowl", "random", 1000);
    short.env.config.insert("delay_us".into(), json!(200));
    short.budget.wall_s = Some(1e-4);
    let (folder, summary) = fresh(short);
    assert_eq!(summary.stop, StopReason::WallTime);
    // A batch that has begun is ended; none has if the machine was busy for that long before the first.
    assert!(summary.trials <= 8, "{}", summary.trials);
    let again = resumed(folder.path()).unwrap();
    assert_eq!((again.stop, again.trials), (StopReason::WallTime, summary.trials));
    assert!(again.timing.wall_s >= 1e-4);
}

struct InterruptAfter<'a>(usize, &'a AtomicBool);

impl Observer for InterruptAfter<'_> {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trial { index, .. } = event
            && index >= self.0
        {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_interrupted_run_ends_in_good_order_and_resumes() {
    let (whole, _) = fresh(spec("bowl", "climber", 100));
    let (folder, interrupt) = (TempDir::new().unwrap(), AtomicBool::new(false));
    let mut options = threads(2);
    options.interrupt = Some(&interrupt);
    let experiment = prepared(spec("bowl", "climber", 100));
    let mut interrupting = InterruptAfter(30, &interrupt);
    let summary = run(&experiment, folder.path(), &options, &mut interrupting).unwrap().summary;
    assert_eq!((summary.stop, summary.trials), (StopReason::Interrupted, 32));
    resumed(folder.path()).unwrap();
    assert_eq!(log_without_timings(folder.path()), log_without_timings(whole.path()));
}

#[derive(Default)]
struct Told {
    from_log: Vec<usize>,
    evaluated: Vec<usize>,
    incumbents: Vec<usize>,
}

impl Observer for Told {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Trial { index, is_from_log, is_incumbent, .. } = event {
            if is_from_log { &mut self.from_log } else { &mut self.evaluated }.push(index);
            if is_incumbent {
                self.incumbents.push(index);
            }
        }
    }
}

#[test]
fn the_observer_is_told_of_every_trial_once_and_of_incumbents() {
    let folder = TempDir::new().unwrap();
    let mut told = Told::default();
    let experiment = prepared(spec("bowl", "climber", 30));
    let summary = run(&experiment, folder.path(), &threads(1), &mut told).unwrap().summary;
    assert_eq!(told.evaluated, (0..30).collect::<Vec<_>>());
    assert_eq!(told.incumbents.last(), Some(&summary.best[0].standout.trial));
    let mut again = Told::default();
    resume(&catalog(), folder.path(), Some(budget(50)), &threads(1), &mut again).unwrap();
    assert_eq!(again.from_log, (0..30).collect::<Vec<_>>());
    assert_eq!(again.evaluated, (30..50).collect::<Vec<_>>());
}

#[test]
fn replay_agrees_with_every_run_it_can_be_given() {
    for (env, agent) in [("bowl", "climber"), ("tradeoff", "climber"), ("tied", "random")] {
        let (folder, summary) = fresh(spec(env, agent, 61));
        let report = replay(&catalog(), folder.path()).unwrap();
        assert_eq!(report.trials, summary.trials);
    }
}

/// Two trials change places, and the third line says so.
#[test]
fn replay_and_resume_fail_at_the_first_difference() {
    let (folder, _) = fresh(spec("bowl", "climber", 40));
    let path = folder.path().join("trials.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = log.lines().collect();
    lines.swap(1 + 17, 1 + 18);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let errors = [replay(&catalog(), folder.path()).unwrap_err(), resumed(folder.path()).unwrap_err()];
    for error in errors {
        let RunError::Diverged { trial: 17, logged, proposed, .. } = &error else { panic!("{error}") };
        assert!(lines[18].contains(logged) && lines[19].contains(proposed), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn replay_fails_where_the_agent_has_nothing_more_to_say() {
    let mut spec = spec("bowl", "parrot", 100);
    spec.agent.config.insert("known".into(), json!(3));
    let (folder, _) = fresh(spec);
    let path = folder.path().join("trials.jsonl");
    let log = fs::read_to_string(&path).unwrap();
    let extra = log.lines().nth(3).unwrap().replace("\"e\":1", "\"e\":9");
    fs::write(&path, format!("{log}{extra}\n")).unwrap();
    let error = replay(&catalog(), folder.path()).unwrap_err();
    assert!(
        matches!(&error, RunError::Diverged { trial: 3, proposed, .. } if proposed == "nothing new"),
        "{error}"
    );
}

/// Over the whole front of `tradeoff` each summary figure can be worked out again from the log.
#[test]
fn the_summary_is_what_the_log_says() {
    let mut spec = spec("tradeoff", "climber", 300);
    spec.constraints = Some(vec!["cost <= 30".parse().unwrap()]);
    let (folder, summary) = fresh(spec);
    let run = Run::open(&catalog(), folder.path()).unwrap();
    let trials = run.trials();
    let accepted = trials.iter().filter_map(|trial| Some(trial.judgement.accepted()?.to_vec()));
    let accepted: Vec<Vec<f64>> = accepted.collect();
    assert_eq!((summary.acceptable, summary.acceptable + summary.unacceptable), (accepted.len(), 300));
    for (objective, best) in summary.best.iter().enumerate() {
        assert_eq!(accepted.iter().map(|losses| losses[objective]).fold(f64::INFINITY, f64::min), best.value);
    }
    let worst = |objective: usize| accepted.iter().map(|losses| losses[objective]).fold(0.0, f64::max);
    let volume = summary.hypervolume.as_ref().unwrap();
    assert_eq!((volume.reference["cost"], volume.reference["time"]), (worst(0), worst(1)));
    let front: Vec<[f64; 2]> =
        summary.front.iter().map(|it| [it.metrics["cost"], it.metrics["time"]]).collect();
    assert_eq!(volume.value, tapeout_core::pareto::hypervolume_2d(&front, [worst(0), worst(1)]).unwrap());
    for member in &front {
        assert!(!accepted.iter().any(|losses| tapeout_core::pareto::dominates(losses, member)));
    }
    let written: Summary =
        serde_json::from_str(&fs::read_to_string(folder.path().join("summary.json")).unwrap()).unwrap();
    assert_eq!(written, summary);
}
