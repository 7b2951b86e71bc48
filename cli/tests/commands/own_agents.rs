//! Agents of one's own as processes, and loops that others hold.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::scratch::Scratch;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/own-agent").join(name)
}

/// Whether `python3` is there.
fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn lines(log: &str) -> Vec<Value> {
    let trials = log.lines().skip(1).map(|line| {
        let mut trial: Value = serde_json::from_str(line).expect("a line of JSON");
        trial.as_object_mut().expect("a trial").remove("timing");
        trial
    });
    trials.collect()
}

#[test]
fn an_agent_in_python_is_logged_resumed_and_replayed_like_others() {
    if !has_python() {
        println!("skipped: there is no `python3`");
        return;
    }
    let here = Scratch::new();
    let command = format!("agent.command=[\"python3\", \"{}\"]", example("agent.py").display());
    let search = |trials: &str, out: &str| {
        here.data(&[
            "search",
            "--env",
            "recorded-kernel",
            "--agent",
            "process",
            "--set",
            &command,
            "--set",
            "agent.candidates=8",
            "--trials",
            trials,
            "--batch",
            "8",
            "--seed",
            "3",
            "--quiet",
            "--out",
            out,
        ]);
        lines(&here.read(&format!("{out}/trials.jsonl")))
    };
    let (whole, part) = (search("120", "whole"), search("60", "part"));
    assert_eq!((whole.len(), &whole[..60]), (120, &part[..]));
    here.data(&["resume", "part", "--trials", "120", "--quiet"]);
    assert_eq!(lines(&here.read("part/trials.jsonl")), whole);
    assert!(here.data(&["replay", "whole"]).starts_with("120 trials replayed"));
    // A log from another checkout, or of before paths were full.
    let (log, program) = (here.read("whole/trials.jsonl"), example("agent.py").display().to_string());
    assert!(log.contains(&program));
    for other in ["/elsewhere/own-agent/agent.py", "../own-agent/agent.py", "agent.py"] {
        here.write("whole/trials.jsonl", &log.replace(&program, other));
        assert!(here.data(&["replay", "whole"]).starts_with("120 trials replayed"), "{other}");
    }
    here.write("whole/trials.jsonl", &log.replace(&program, "/elsewhere/other.py"));
    assert!(here.complaint(2, &["replay", "whole"]).contains("search.agent.config.command[1]"));
    let complaint = here.complaint(2, &["search", "--agent", "process", "--trials", "1"]);
    assert!(complaint.contains("`agent.config.command`: names no program"), "{complaint}");
}

const SPACE: &str = "schema = 1\n[parameters]\nx = { low = 0, high = 9 }\n[metrics]\nloss = {}\n[goal]\nobjectives = [\"loss\"]\n";

/// What a loop that is held gives is what Tapeout's own loop gives, where both know the same simulator.
#[test]
fn a_loop_that_is_held_is_a_run_like_any_other() {
    let here = Scratch::new();
    let flags =
        ["--env", "recorded-kernel", "--agent", "ga", "--trials", "50", "--batch", "8", "--seed", "5"];
    here.data(&[&["search"], &flags[..], &["--out", "own", "--quiet"]].concat());
    let mut server = here.command();
    server.args([&["serve", "held"], &flags[..]].concat()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = server.spawn().unwrap();
    let (mut to, mut from) = (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
    let mut say = |request: Value| -> Value {
        writeln!(to, "{request}").unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    loop {
        let asked = say(json!({ "ask": {} }));
        let designs = asked["designs"].clone();
        if designs == json!([]) {
            assert_eq!((&asked["trials"], &asked["over"]), (&50.into(), &"trials-spent".into()));
            break;
        }
        assert_eq!(say(json!({ "ask": {} })), asked, "asking again gives the same");
        let outcomes = say(json!({ "evaluate": designs }))["outcomes"].clone();
        say(json!({ "tell": outcomes }));
    }
    assert!(say(json!({ "tell": [] }))["error"].as_str().unwrap().contains("the run is over"));
    drop(to);
    assert!(server.wait().unwrap().success());
    assert_eq!(lines(&here.read("held/trials.jsonl")), lines(&here.read("own/trials.jsonl")));
    assert!(here.data(&["replay", "held"]).starts_with("50 trials replayed"));
    assert!(here.read("held/summary.json").contains("\"trials\": 50"));
}

#[test]
fn asking_and_telling_may_be_calls_of_their_own_and_half_a_batch_is_kept() {
    let here = Scratch::new();
    here.write("space.toml", SPACE);
    here.write("one.json", r#"[{"metrics": {"loss": 2}}]"#);
    let begin = [
        "ask",
        "run",
        "--env",
        "command",
        "--set",
        "env.file=space.toml",
        "--agent",
        "ga",
        "--trials",
        "4",
        "--batch",
        "2",
    ];
    let asked = |arguments: &[&str]| -> Value { serde_json::from_str(&here.data(arguments)).unwrap() };
    let first = asked(&begin);
    assert_eq!(first["designs"].as_array().unwrap().len(), 2);
    assert_eq!(asked(&["ask", "run"]), first);
    assert_eq!(asked(&["tell", "run", "one.json"])["trials"], 1);
    let half = asked(&["ask", "run"]);
    assert_eq!(half["designs"], json!([first["designs"][1]]));
    let complaint = |text: &str| {
        here.write("told.json", text);
        here.complaint(2, &["tell", "run", "told.json"])
    };
    assert!(complaint("[{}]").contains("answer 0: expected `metrics`, `infeasible` or `failed`"));
    assert!(complaint(r#"[{"metrics": {"los": 1}}]"#).contains("answer 0: `loss` is not among its metrics"));
    assert!(
        complaint(r#"[{"infeasible": "a"}, {"infeasible": "a"}]"#)
            .contains("trial 1: 2 outcomes for 1 designs")
    );
    let other = json!([{ "metrics": { "loss": 1 }, "design": first["designs"][0] }]).to_string();
    assert!(complaint(&other).contains("it is about another design than was asked about"));
    assert!(complaint("{}").contains("hint: expected a list such as"));
    assert!(
        complaint(r#"[{"infeasible": "a", "violation": -5}]"#)
            .contains("trial 1: the violation of rule `a` is -5, expected a number above 0")
    );
    assert!(complaint(r#"[{"infeasible": ""}]"#).contains("trial 1: it is infeasible, but no rule is named"));
    here.write("told.json", r#"[{"infeasible": "too hot"}]"#);
    assert_eq!(asked(&["tell", "run", "told.json"])["trials"], 2);
    assert!(here.read("run/trials.jsonl").contains("\"rule\":\"too_hot\""));
    let complaint =
        here.complaint(2, &["search", "--env", "command", "--set", "env.file=space.toml", "--trials", "4"]);
    assert!(complaint.contains("the file names no command"), "{complaint}");
}

/// A billionth of a second is over before anything can be asked.
#[test]
fn a_loop_that_is_held_ends_with_its_wall_time() {
    let here = Scratch::new();
    here.write("space.toml", SPACE);
    let begin =
        ["ask", "run", "--env", "command", "--set", "env.file=space.toml", "--agent", "ga", "--trials", "4"];
    let said = here.data(&[&begin[..], &["--wall", "0.000000001s"]].concat());
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said, json!({ "schema": 1, "designs": [], "trials": 0, "over": "wall-time" }));
}

/// Requests that cannot be met are answered and forgotten; an agent that dies ends the run.
#[cfg(unix)]
#[test]
fn a_server_whose_run_fails_says_so_and_ends() {
    let here = Scratch::new();
    here.write("space.toml", SPACE);
    let mut server = here.command();
    server.args(["serve", "run", "--env", "command", "--set", "env.file=space.toml", "--trials", "4"]);
    server.args(["--agent", "process", "--set", "agent.command=[\"sh\", \"-c\", \"exit 7\"]"]);
    let mut server =
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut to = server.stdin.take().unwrap();
    to.write_all(b"nonsense\n{\"ask\": {}}\n{\"ask\": {}}\n").unwrap();
    drop(to);
    let output = server.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors: Vec<String> = said
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["error"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((output.status.code(), errors.len()), (Some(1), 2), "{said}");
    assert!(
        errors[0].starts_with("expected ")
            && errors[1].starts_with("after 0 trials: agent `process` cannot go on")
    );
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error: after 0 trials"));
}

#[test]
fn the_loop_of_the_guide_ends_and_is_replayed() {
    if !has_python() {
        println!("skipped: there is no `python3`");
        return;
    }
    let here = Scratch::new();
    let program = assert_cmd::cargo::cargo_bin!("tapeout");
    let mut python = Command::new("python3");
    let done = python.arg(example("loop.py")).arg(program).arg(here.path("run")).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&done.stdout).trim(),
        "120 trials: trials-spent",
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(here.data(&["replay", "run"]).starts_with("120 trials replayed"));
}
