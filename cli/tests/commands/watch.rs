//! Runs that are watched while somebody else runs them.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::scratch::{Done, Scratch};

// Without a terminal there are lines, and what came of the run at the end.
#[test]
fn a_run_that_has_ended_is_shown_once() {
    let here = Scratch::new();
    here.search("run");
    let done = here.run(&["watch", "run"]);
    assert_eq!(done.exit, Some(0), "{}", done.notes);
    assert!(done.notes.starts_with("40 of 40 trials, "), "{}", done.notes);
    assert!(
        done.data.contains("40 of 40 trials, ") && done.data.contains("; best latency "),
        "{}",
        done.data
    );
    assert!(!done.data.contains('\u{1b}') && !done.notes.contains('\u{1b}'), "no terminal, no escapes");
    let json: Value = serde_json::from_str(&here.data(&["watch", "run", "--json"])).unwrap();
    let summary: Value = serde_json::from_str(&here.read("run/summary.json")).unwrap();
    for field in ["trials", "acceptable"] {
        assert_eq!(json[field], summary[field], "{field}");
    }
    assert_eq!(json["front"], summary["front"].as_array().unwrap().len());
    assert_eq!(json["best"]["latency_s"], summary["best"][0]["value"]);
    let complaint = here.complaint(2, &["watch", "nowhere"]);
    assert!(complaint.contains("there is no run in this folder"), "{complaint}");
}

/// Claim: a run is watched while another process runs it, and watching ends when that does.
#[test]
fn watching_ends_when_the_run_does() {
    let here = Scratch::new();
    let endless = ["search", "--agent", "random", "--trials", "100000000", "--out", "run", "--quiet"];
    let mut search =
        here.command().args(endless).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = here.path("run/trials.jsonl");
    while std::fs::metadata(&log).map_or(0, |about| about.len()) < 20_000 {
        sleep(Duration::from_millis(10));
    }
    let mut watch = here.command();
    watch.args(["watch", "run", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = watch.spawn().unwrap();
    sleep(Duration::from_millis(600));
    assert!(watch.try_wait().unwrap().is_none(), "the run goes on, and so does the watching");
    search.kill().unwrap();
    search.wait().unwrap();
    let done = Done::of(&watch.wait_with_output().unwrap());
    assert_eq!(done.exit, Some(0), "{}", done.notes);
    let json: Value = serde_json::from_str(&done.data).unwrap();
    let whole = here.read("run/trials.jsonl").matches('\n').count() - 1;
    assert_eq!(json["trials"], whole, "all that is in the log");
}
