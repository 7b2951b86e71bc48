//! Designs that a simulator cannot evaluate.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::scratch::{Done, Scratch};

/// A simulator that costs as much as `x` says, and as long as there is a file `broken` says no word at 7, dies at 11 and complains at 13.
fn simulator() -> Scratch {
    let here = Scratch::new();
    let folder = here.path("");
    here.write(
        "mine.toml",
        &format!(
            r#"
            schema = 1
            parameters.x = {{ low = 0, high = 19 }}
            metrics.cost = {{ about = "what it costs" }}
            goal.objectives = ["cost"]
            command = {{ run = ["sh", "{0}/simulator.sh", "{{x}}"], design = "arguments", retries = 0 }}
            "#,
            folder.display()
        ),
    );
    here.write(
        "simulator.sh",
        &format!(
            r#"
            if [ -e {0}/broken ]; then
                case $1 in
                    7) exit 0 ;;
                    11) kill -9 $$ ;;
                    13) echo '{{"error": "no licence"}}'; exit 0 ;;
                esac
            fi
            echo "{{\"metrics\": {{\"cost\": $1}}}}"
            "#,
            folder.display()
        ),
    );
    here.write("broken", "");
    here
}

const SEARCH: [&str; 12] = [
    "search",
    "--env",
    "command",
    "--set",
    "env.file=mine.toml",
    "--agent",
    "grid",
    "--trials",
    "20",
    "--batch",
    "4",
    "--out",
];

// By hand: 20 designs, of which three fail; the best costs 0.
#[test]
fn a_program_that_fails_on_some_designs_is_searched_to_the_end_and_retried() {
    let here = simulator();
    let done = here.run(&[&SEARCH[..], &["run"]].concat());
    assert_eq!(done.exit, Some(0), "{}", done.notes);
    assert!(done.notes.contains("trial 7 failed: "), "{}", done.notes);
    assert_eq!(done.notes.matches(" failed: ").count(), 1, "the first is told whole: {}", done.notes);
    assert!(
        done.data.contains("3 failed to be evaluated: `tapeout resume run --retry-failed`"),
        "{}",
        done.data
    );
    let log = here.read("run/trials.jsonl");
    let causes: Vec<&str> = log.lines().filter(|line| line.contains("\"outcome\":{\"failed\":\"")).collect();
    assert_eq!(causes.len(), 3, "{log}");
    assert!(causes[1].contains("{\"x\":11}") && causes[1].contains("signal: 9"), "{}", causes[1]);
    assert!(causes[2].contains("no licence"), "{}", causes[2]);
    let summary: Value = serde_json::from_str(&here.read("run/summary.json")).unwrap();
    assert_eq!(
        (&summary["trials"], &summary["acceptable"], &summary["failed"]),
        (&20.into(), &17.into(), &3.into())
    );

    assert!(here.data(&["replay", "run"]).contains("20 trials replayed"));
    assert!(here.data(&["check", "run"]).contains("3 that failed left out"));
    here.data(&["plot", "run"]);
    here.data(&["report", "run", "--out", "report.html"]);

    let again = here.run(&["resume", "run", "--retry-failed"]);
    assert!(again.notes.contains("0 of 3 failed trials have a result now"), "{}", again.notes);
    fs::remove_file(here.path("broken")).unwrap();
    let mended = here.run(&["resume", "run", "--retry-failed"]);
    assert_eq!(mended.exit, Some(0), "{}", mended.notes);
    assert!(mended.notes.contains("3 of 3 failed trials have a result now"), "{}", mended.notes);
    assert!(!mended.data.contains("failed"), "{}", mended.data);
    let log = here.read("run/trials.jsonl");
    let mended = log.lines().find(|line| line.contains("{\"x\":13}")).unwrap();
    assert!(mended.contains("{\"measured\":{\"cost\":13.0}},\"retried\":\""), "{mended}");
    assert!(here.data(&["replay", "run"]).contains("20 trials replayed"));
}

/// Claim: a retry that is interrupted keeps what it has and says how to go on, also if the run itself has no more to do.
#[test]
fn a_retry_that_is_interrupted_says_how_to_go_on() {
    let here = simulator();
    here.data(&[&SEARCH[..], &["run"]].concat());
    let (folder, begun) = (here.path(""), here.path("begun"));
    let slow = format!(
        "touch {}/begun; sleep 1; echo \"{{\\\"metrics\\\": {{\\\"cost\\\": $1}}}}\"",
        folder.display()
    );
    here.write("simulator.sh", &slow);
    let mut retry = here.command();
    retry
        .args(["resume", "run", "--retry-failed", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let retry = retry.spawn().unwrap();
    while !begun.exists() {
        sleep(Duration::from_millis(10));
    }
    let interrupted = Command::new("kill").args(["-INT", &retry.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let done = Done::of(&retry.wait_with_output().unwrap());
    assert_eq!(done.exit, Some(130), "{}", done.notes);
    let words = "1 of 3 failed trials were evaluated again, 1 have a result now\n\
                 hint: `tapeout resume run --retry-failed` goes on";
    assert!(done.notes.contains(words), "{}", done.notes);
    assert_eq!(here.read("run/trials.jsonl").matches("\"outcome\":{\"failed\":").count(), 2);
}

/// By hand: each run evaluates all 20 designs, of which three fail.
#[test]
fn a_comparison_says_whose_trials_failed() {
    let here = simulator();
    let compare = [
        "compare",
        "--env",
        "command",
        "--set",
        "env.file=mine.toml",
        "--agents",
        "grid,random",
        "--seeds",
        "2",
    ];
    let done = here.data(&[&compare[..], &["--trials", "20", "--out", "c"]].concat());
    for agent in ["grid", "random"] {
        let note = format!("\nnote: 6 trials of {agent} in command failed to be evaluated\n");
        assert!(done.contains(&note), "{done}");
    }
    let json = here.data(&[&compare[..], &["--trials", "20", "--out", "c", "--json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["envs"][0]["standings"][0]["failed"], 6);
}

#[test]
fn a_program_that_never_works_ends_the_run_with_its_first_words() {
    let here = simulator();
    here.write("simulator.sh", "echo '{\"error\": \"no licence\"}'");
    let done = here.run(&[&SEARCH[..], &["run"]].concat());
    assert_eq!(done.exit, Some(1), "{}", done.notes);
    let words = "trial 0: `command` failed to evaluate {\"x\":0}, and the 19 designs after it";
    assert!(done.notes.contains(words) && done.notes.contains("no licence"), "{}", done.notes);
    assert!(
        done.notes.contains("hint: mend what the cause names, then `tapeout resume` goes on"),
        "{}",
        done.notes
    );
    assert_eq!(here.read("run/trials.jsonl").lines().count(), 1, "nothing is known of any design");
}

#[test]
fn whoever_holds_the_loop_may_say_that_there_is_no_result() {
    let here = simulator();
    let declared = here.read("mine.toml");
    here.write("mine.toml", declared.split("command =").next().unwrap());
    here.data(&[
        "ask",
        "asked",
        "--env",
        "command",
        "--set",
        "env.file=mine.toml",
        "--agent",
        "grid",
        "--trials",
        "2",
        "--batch",
        "2",
    ]);
    here.write("told.json", r#"[{"metrics": {"cost": 3}}, {"failed": "the board is hot"}]"#);
    here.data(&["tell", "asked", "told.json"]);
    assert!(here.read("asked/trials.jsonl").contains("\"outcome\":{\"failed\":\"the board is hot\"}"));
}
