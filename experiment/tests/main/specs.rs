//! Bad specs: each gives one message with file, line, field and remedy.

use std::path::Path;

use tapeout_experiment::{Experiment, Spec, SpecError};

const GOOD: &str = "version = 1
seed = 3
batch = 4
objectives = [\"time\"]
constraints = [\"cost <= 40.0\"]
[env]
id = \"tradeoff\"
config = { delay_us = 0 }
[agent]
id = \"climber\"
[agent.config]
exploration = 0.5
[budget]
trials = 10
target = { metric = \"time\", value = 0.5 }
";

fn prepare(text: &str) -> Result<Experiment, SpecError> {
    Experiment::prepare(&crate::toys::catalog(), Spec::parse(text, Path::new("run.toml"))?)
}

/// The message and the hint for `GOOD` with `old` replaced by `new`.
fn fault(old: &str, new: &str) -> (String, String) {
    assert!(GOOD.contains(old), "{old}");
    let error = prepare(&GOOD.replace(old, new)).expect_err("the spec is bad");
    (error.to_string(), error.hint().unwrap_or_default())
}

#[test]
fn a_good_spec_is_resolved_and_reads_back_as_itself() {
    let experiment = prepare(GOOD).unwrap();
    let spec = experiment.spec();
    assert_eq!(spec.env.version, Some(0));
    assert_eq!(spec.env.config["is_noisy"], false);
    let text = spec.to_toml().unwrap();
    let again =
        Experiment::prepare(&crate::toys::catalog(), Spec::parse(&text, Path::new("spec.toml")).unwrap())
            .unwrap();
    assert_eq!(again.spec(), spec);
}

#[test]
fn what_is_absent_is_the_environments_goal() {
    let text = GOOD.replace("objectives = [\"time\"]\nconstraints = [\"cost <= 40.0\"]\n", "");
    let experiment = prepare(&text).unwrap();
    let objectives: Vec<String> = experiment.problem().objectives().iter().map(ToString::to_string).collect();
    assert_eq!(objectives, ["min:cost", "min:time"]);
}

#[test]
fn an_unknown_key_is_named_with_the_nearest() {
    let (message, hint) = fault("trials = 10", "trails = 10");
    assert_eq!(message, "run.toml:14:1: `budget.trails`: unknown key; did you mean `trials`?");
    assert_eq!(hint, "the keys here are trials, wall_s, target");
    let (message, _) = fault("seed = 3", "sede = 3");
    assert_eq!(message, "run.toml:2:1: `sede`: unknown key; did you mean `seed`?");
    let (message, _) = fault("value = 0.5", "valeu = 0.5");
    assert_eq!(message, "run.toml:15:29: `budget.target.valeu`: unknown key; did you mean `value`?");
}

#[test]
fn an_unknown_setting_of_environment_or_agent_is_named_with_the_nearest() {
    let (message, hint) = fault("exploration", "explorations");
    assert_eq!(
        message,
        "run.toml:12:1: `agent.config.explorations`: unknown setting; did you mean `exploration`?"
    );
    assert!(hint.contains("tapeout describe"), "{hint}");
    let (message, _) = fault("delay_us", "delay_s");
    assert_eq!(message, "run.toml:8:12: `env.config.delay_s`: unknown setting; did you mean `delay_us`?");
}

#[test]
fn a_wrong_type_is_named_with_its_place() {
    let (message, _) = fault("trials = 10", "trials = \"ten\"");
    assert_eq!(
        message,
        "run.toml:14:10: `budget.trials`: got \"ten\", expected a whole number of at least 1"
    );
    let (message, _) = fault("exploration = 0.5", "exploration = \"half\"");
    assert_eq!(message, "run.toml:12:1: `agent.config.exploration`: got \"half\", expected a number");
    let (message, _) = fault("config = { delay_us = 0 }", "config = 3");
    assert_eq!(message, "run.toml:8:10: `env.config`: got 3, expected a table");
}

// Claim: a number that JSON has no word for is refused, not taken for a setting that is absent and has its default.
#[test]
fn a_setting_that_is_not_finite_is_named_with_its_place() {
    let (message, _) = fault("exploration = 0.5", "exploration = inf");
    assert_eq!(message, "run.toml:12:1: `agent.config.exploration`: got inf, expected a finite number");
    let (message, _) = fault("delay_us = 0", "delay_us = [1, -inf]");
    assert!(message.ends_with("`env.config.delay_us[1]`: got -inf, expected a finite number"), "{message}");
}

#[test]
fn a_number_out_of_range_is_named_with_its_place() {
    let (message, _) = fault("batch = 4", "batch = 0");
    assert_eq!(message, "run.toml:3:9: `batch`: got 0, expected a whole number of at least 1");
    let (message, _) = fault("exploration = 0.5", "exploration = 2.0");
    assert_eq!(message, "run.toml:12:1: `agent.config.exploration`: 2 is out of range; expected 0 to 1");
    let (message, _) = fault("trials = 10", "trials = 10\nwall_s = -1.0");
    assert_eq!(
        message,
        "run.toml:15:1: `budget.wall_s`: -1 is out of range; expected a positive number of seconds"
    );
}

#[test]
fn an_unknown_environment_or_agent_is_named_with_the_nearest() {
    let (message, hint) = fault("\"climber\"", "\"climbr\"");
    assert_eq!(message, "run.toml:10:1: `agent.id`: unknown agent `climbr`; did you mean `climber`?");
    assert_eq!(hint, "each agent is listed by `tapeout list`");
    let (message, _) = fault("\"tradeoff\"", "\"trade\"");
    assert_eq!(message, "run.toml:7:1: `env.id`: unknown environment `trade`; did you mean `tradeoff`?");
}

#[test]
fn a_goal_that_does_not_fit_is_named_with_its_place() {
    let (message, _) = fault("[\"time\"]", "[\"cost\", \"tiem\"]");
    assert_eq!(
        message,
        "run.toml:4:23: `objectives[1]`: unknown metric `tiem`; did you mean `time`?; \
         the environment measures cost, time"
    );
    let (message, _) = fault("cost <= 40.0", "costs <= 40.0");
    assert!(message.starts_with("run.toml:5:16: `constraints[0]`: unknown metric `costs`"), "{message}");
    let (message, _) = fault("cost <= 40.0", "cost =< 40.0 =");
    assert!(
        message.starts_with("run.toml:5:16: `constraints[0]`: constraint `cost =< 40.0 =` is not of"),
        "{message}"
    );
    let (message, _) = fault("metric = \"time\"", "metric = \"cost\"");
    assert_eq!(
        message,
        "run.toml:15:12: `budget.target.metric`: `cost` is not an objective; the objectives are time"
    );
}

#[test]
fn a_derived_metric_or_a_narrowed_space_that_makes_no_sense_is_named_with_its_place() {
    let (message, _) = fault("seed = 3", "derived = [\"x = cost + tiem\"]");
    assert_eq!(message, "run.toml:2:12: `derived[0]`: `x`: unknown metric `tiem`; did you mean `time`?");
    let (message, _) = fault("cost <= 40.0", "cost <= 40 ms");
    assert_eq!(
        message,
        "run.toml:5:16: `constraints[0]`: constraint `cost <= 40.0 ms`: `ms` is no unit of a metric without one"
    );
    let narrowed = |line: &str| fault("id = \"tradeoff\"", &format!("id = \"tradeoff\"\n{line}")).0;
    assert_eq!(
        narrowed("fix = { a = 16 }"),
        "run.toml:8:9: `env.fix.a`: parameter `a`: 16 is not a level; levels are 0..=15"
    );
    assert!(narrowed("levels = { z = \"1..2\" }").contains("`env.levels.z`: unknown parameter `z`"));
    assert!(
        narrowed("levels = { a = \"1-2\" }").contains("`env.levels.a`"),
        "{}",
        narrowed("levels = { a = \"1-2\" }")
    );
}

#[test]
fn another_version_is_refused() {
    let (message, hint) = fault("version = 1", "version = 2\nnew_key = 1");
    assert_eq!(message, "run.toml:1:1: `version`: spec version 2; this program reads version 1");
    assert_eq!(hint, "write `version = 1`");
    let (message, _) = fault("id = \"tradeoff\"", "id = \"tradeoff\"\nversion = 4");
    assert_eq!(
        message,
        "run.toml:8:1: `env.version`: version 4 is not here; this program has version 0 of `tradeoff`"
    );
}

#[test]
fn text_that_is_not_toml_or_not_there_is_refused() {
    let (message, _) = fault("seed = 3", "seed = = 3");
    assert!(message.starts_with("run.toml:2:8: not TOML: "), "{message}");
    let (message, _) = fault("[budget]\ntrials = 10\n", "[budget]\n");
    assert!(message.contains("`budget`: `trials` is missing"), "{message}");
    let error = prepare("").err().unwrap().to_string();
    assert!(error.contains("`version` is missing"), "{error}");
    let error = Spec::read(Path::new("/nowhere/run.toml")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/run.toml: cannot read the spec: "), "{error}");
    assert!(error.hint().is_some());
}

/// TOML has no numbers above 2^63 - 1, so such a seed could not be written down.
#[test]
fn a_seed_that_cannot_be_written_down_is_refused() {
    let mut spec = crate::toys::spec("bowl", "random", 1);
    spec.seed = tapeout_core::Seed::new(u64::MAX);
    let error = Experiment::prepare(&crate::toys::catalog(), spec).err().unwrap();
    assert_eq!(error.to_string(), "`seed`: 18446744073709551615 is out of range; expected at most 2^63 - 1");
}
