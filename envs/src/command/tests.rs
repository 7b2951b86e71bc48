use super::*;
use std::path::PathBuf;
use std::process::Command as SystemCommand;

use tapeout_core::{EvalError, Seed};

/// A folder with a file that declares a simulator, and a shell script for it.
struct Simulator(tempfile::TempDir);

const HEAD: &str = "schema = 1\n[parameters]\na = { levels = [1, 2, 4] }\nb = { low = 1, high = 3 }\nkind = { levels = [\"x\", \"y z\"] }\n\
    [metrics]\narea_m2 = { unit = \"m2\" }\ntime_s = { unit = \"s\" }\n";

impl Simulator {
    fn new(file: &str, script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("simulator.toml"), file).unwrap();
        std::fs::write(folder.path().join("simulator.sh"), script).unwrap();
        Self(folder)
    }

    /// HEAD, a command that runs the script, and `rest` in the command's table.
    fn script(rest: &str, script: &str) -> Self {
        Self::new(&format!("{HEAD}[command]\nrun = [\"sh\", \"simulator.sh\"]\n{rest}"), script)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn build(&self) -> Result<CommandEnv, String> {
        let file = self.path("simulator.toml").display().to_string();
        let folder = format!("{}/", self.0.path().display());
        CommandEnv::build(CommandConfig { file }).map_err(|error| error.to_string().replace(&folder, ""))
    }

    fn evaluate(&self, a: i64, b: i64, kind: &str) -> Result<Outcome, EvalError> {
        let env = self.build().unwrap();
        evaluate(&env, a, b, kind)
    }
}

fn evaluate(env: &CommandEnv, a: i64, b: i64, kind: &str) -> Result<Outcome, EvalError> {
    env.evaluate(&env.space.design_of([("a", a.into()), ("b", b.into()), ("kind", kind.into())]).unwrap())
}

fn refusal(file: &str) -> String {
    Simulator::new(file, "").build().err().unwrap_or_else(|| panic!("it was taken: {file}"))
}

#[test]
fn a_design_goes_in_as_json_and_metrics_come_back_behind_other_lines() {
    let simulator = Simulator::script(
        "",
        r#"read design
        case "$design" in '{"a":2,"b":3,"kind":"y z"}') echo starting; echo '{"metrics": {"time_s": 0.5, "area_m2": 2, "more": 1}}';; *) exit 1;; esac"#,
    );
    assert_eq!(simulator.evaluate(2, 3, "y z").unwrap(), Outcome::Measured(vec![2.0, 0.5]));
}

#[test]
fn arguments_patterns_and_exit_codes_do_without_json() {
    let file = "schema = 1\n[parameters]\na = { levels = [1, 2, 4] }\nkind = { levels = [\"x\", \"y z\"] }\n\
        [metrics]\ntime_s = { unit = \"s\", pattern = 'cycles: +([0-9.e+-]+)', factor = 1e-9 }\n\
        [infeasible]\ndoes_not_fit = { exit = 3 }\ntoo_slow = { pattern = 'not met' }\n\
        [command]\nrun = [\"sh\", \"simulator.sh\", \"--a={a}\", \"{kind}\", \"{{}}\"]\ndesign = \"arguments\"\n";
    let simulator = Simulator::new(
        file,
        r#"[ "$1" = --a=4 ] && exit 3; [ "$1" = --a=2 ] && echo timing not met; [ "$3" = '{}' ] || exit 1; echo "$2 cycles:  1.5e3""#,
    );
    let env = simulator.build().unwrap();
    let outcome = |a: i64| {
        env.evaluate(&env.space.design_of([("a", a.into()), ("kind", "y z".into())]).unwrap()).unwrap()
    };
    assert_eq!(outcome(1), Outcome::Measured(vec![1500.0 * 1e-9]));
    assert_eq!(outcome(2), Outcome::infeasible("too_slow", 1.0));
    assert_eq!(outcome(4), Outcome::infeasible("does_not_fit", 1.0));
}

#[test]
fn designs_and_answers_in_files_have_a_folder_each() {
    let script = r#"cp "$1" seen.json; echo '{"metrics": {"time_s": 1, "area_m2": 1}}' > answer.json; pwd"#;
    let rest = "design = \"file\"\nfolders = \"work\"\nanswer_file = \"answer.json\"\n";
    let file = |rest: &str| {
        format!("{HEAD}[command]\nrun = [\"sh\", \"../../simulator.sh\", \"{{design_file}}\"]\n{rest}")
    };
    let simulator = Simulator::new(&file(rest), script);
    assert_eq!(simulator.evaluate(1, 1, "x").unwrap(), Outcome::Measured(vec![1.0, 1.0]));
    assert_eq!(std::fs::read_dir(simulator.path("work")).unwrap().count(), 0, "folders are cleared away");
    let simulator = Simulator::new(&file(&format!("{rest}keep_folders = true\n")), script);
    for _ in 0..2 {
        simulator.evaluate(1, 1, "x").unwrap();
    }
    let seen = std::fs::read_to_string(simulator.path("work/design-0-2/seen.json")).unwrap();
    assert_eq!(seen, r#"{"a":1,"b":1,"kind":"x"}"#);
}

/// Infeasible, out of time, dead and nonsense are four things.
#[test]
fn the_ways_to_end_are_told_apart() {
    let slow = "timeout_s = 0.3\n";
    let outcome = |rest: &str, script: &str| Simulator::script(rest, script).evaluate(1, 1, "x");
    let infeasible = outcome("", r#"echo '{"infeasible": "too large", "violation": 0.25}'"#).unwrap();
    assert_eq!(infeasible, Outcome::infeasible("too_large", 0.25));
    assert_eq!(outcome(slow, "sleep 100").unwrap(), Outcome::infeasible("timed_out", 1.0));
    let stopped = outcome(&format!("{slow}on_timeout = \"stop\"\n"), "sleep 100").unwrap_err();
    assert_eq!(stopped.to_string(), "not done within 0.3 s");
    let died = outcome("", "echo no luck >&2; exit 7").unwrap_err().to_string();
    assert!(died.starts_with("the simulator died 3 times: ") && died.ends_with("7: no luck"), "{died}");
    let crashed = outcome("on_crash = \"infeasible\"\nretries = 0\n", "kill -9 $$").unwrap();
    assert_eq!(crashed, Outcome::infeasible("crashed", 1.0));
    for (says, message) in [
        ("hello", "`hello` is no answer: expected value at line 1 column 1"),
        (r#"{"error": "no licence"}"#, "it says: no licence"),
        (r#"{"metrics": {"time_s": 1}}"#, "`area_m2` is not among its metrics"),
        (
            r#"{"infeasible": "x", "violation": 0}"#,
            "an infeasible design needs the name of a rule and a violation above 0",
        ),
        ("{}", "expected one of `metrics`, `infeasible` and `error`"),
    ] {
        assert_eq!(outcome("", &format!("echo '{says}'")).unwrap_err().to_string(), message);
    }
}

/// It dies on its first two calls; the third answers.
#[test]
fn a_crash_is_tried_again() {
    let script = r#"echo x >> tries; [ $(wc -l < tries) -lt 3 ] && exit 1; echo '{"metrics": {"time_s": 1, "area_m2": 1}}'"#;
    let simulator = Simulator::script("", script);
    assert!(simulator.evaluate(1, 1, "x").unwrap().metrics().is_some());
    assert_eq!(std::fs::read_to_string(simulator.path("tries")).unwrap().lines().count(), 3);
}

const LINES: &str =
    r#"echo $$ >> ids; while read line; do echo '{"metrics": {"time_s": 1, "area_m2": 3}}'; done"#;

#[test]
fn a_process_that_lives_on_serves_many_designs() {
    let simulator = Simulator::script("mode = \"lines\"\n", LINES);
    let env = simulator.build().unwrap();
    let mut rng = Seed::new(0).stream("test");
    for _ in 0..50 {
        assert!(env.evaluate(&env.space.sample(&mut rng)).unwrap().metrics().is_some());
    }
    assert_eq!(std::fs::read_to_string(simulator.path("ids")).unwrap().lines().count(), 1);
}

/// Claim: a worker that is killed between two designs, or within one, costs no answer; a fresh one takes its place.
#[test]
fn a_worker_that_is_killed_is_replaced() {
    let simulator = Simulator::script("mode = \"lines\"\nretries = 5\n", LINES);
    let env = simulator.build().unwrap();
    for round in 1..=50 {
        assert!(evaluate(&env, 1, 1, "x").unwrap().metrics().is_some());
        let ids = std::fs::read_to_string(simulator.path("ids")).unwrap();
        assert_eq!(ids.lines().count(), round, "each round has a worker of its own");
        SystemCommand::new("kill").args(["-9", ids.lines().last().unwrap()]).status().unwrap();
    }
}

#[test]
fn rules_of_the_file_are_those_of_the_space() {
    let file = HEAD.replace(
        "[metrics]",
        "[[rules]]\nname = \"small\"\nholds = \"a * b <= 4 and (kind == 'x' or a > 1)\"\n[metrics]",
    );
    let env = Simulator::new(&format!("{file}[command]\nrun = [\"true\"]\n"), "").build().unwrap();
    // By hand: a = 1 with x: b 1, 2, 3; a = 2 with both: b 1, 2; a = 4 with both: b 1.
    assert_eq!(env.space.cardinality(), 3 + 2 * 2 + 2);
}

#[test]
fn every_mistake_in_a_file_is_named() {
    let file = |rest: &str| format!("{HEAD}[command]\nrun = [\"true\"]\n{rest}");
    assert_eq!(
        refusal(&file("tries = 3\n")).split(", expected").next().unwrap(),
        "`file`: simulator.toml:11: unknown field `tries`"
    );
    assert_eq!(
        refusal(
            &HEAD.replace("schema = 1", "schema = 2").replace("[metrics]", "[command]\nrun = []\n[metrics]")
        ),
        "`file`: simulator.toml:1: `schema` is 2, expected 1"
    );
    let edited = |from: &str, to: &str| refusal(&file("").replace(from, to));
    assert_eq!(
        edited("low = 1, high = 3", "low = 1"),
        "`file`: simulator.toml:4: parameter `b`: expected `levels`, or `low` and `high`"
    );
    assert_eq!(
        edited("levels = [1, 2, 4]", "levels = [1, \"2\"]"),
        "`file`: simulator.toml:3: parameter `a`: `levels` has numbers and names"
    );
    assert_eq!(
        edited("[metrics]", "[[rules]]\nname = \"r\"\nholds = \"aa > 1\"\n[metrics]"),
        "`file`: simulator.toml:6: rule `r`: `aa` is no parameter; did you mean `a`?"
    );
    assert_eq!(
        edited("run = [\"true\"]", "run = [\"true\", \"{knd}\"]"),
        "`file`: simulator.toml: `command.run`: `{knd}`: `knd` is no parameter; did you mean `{kind}`?"
    );
    assert_eq!(
        edited("{ unit = \"s\" }", "{ unit = \"s\", pattern = 'time' }"),
        "`file`: simulator.toml:7: `area_m2`: has no pattern, but others have"
    );
    assert_eq!(
        refusal(&file("[goal]\nobjectives = [\"time\"]\n")),
        "`file`: simulator.toml:11: unknown metric `time`; did you mean `time_s`?; the environment measures area_m2, time_s"
    );
    assert!(refusal(&file("design = \"file\"\n")).contains("`command.folders` is missing"));
    assert!(refusal(&file("timeout_s = 0\n")).contains("`command.timeout_s` is 0"));
    assert!(
        refusal(&file("mode = \"lines\"\ndesign = \"arguments\"\n")).contains("`command.mode` is \"lines\"")
    );
    let text = "`file`: simulator.toml: `command.mode` is \"lines\": answers are lines of JSON, with no `pattern`, `factor` or `[infeasible]`";
    assert_eq!(refusal(&file("mode = \"lines\"\n[infeasible]\nbad = { exit = 3 }\n")), text);
    let in_patterns = file("mode = \"lines\"\n").replace("m2\" }", "m2\", pattern = '(.)' }");
    assert_eq!(refusal(&in_patterns.replace("\"s\" }", "\"s\", pattern = '(.)' }")), text);
    assert!(CommandEnv::build(CommandConfig::default()).err().unwrap().to_string().contains("names no file"));
    let missing =
        Simulator::new(&format!("{HEAD}[command]\nrun = [\"./not-there\"]\n"), "").evaluate(1, 1, "x");
    assert!(missing.unwrap_err().to_string().starts_with("cannot start `"));
}
