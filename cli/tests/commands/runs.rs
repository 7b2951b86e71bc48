//! A search from beginning to end: what it leaves on disk, what it prints where, and what is made of it later.

use crate::scratch::{Done, Scratch, is_png};
use serde_json::{Value, json};

/// Claim: without arguments the default is searched; with `--json` the data is JSON and nothing else, and what it names
/// is there.
#[test]
fn a_search_leaves_a_folder_and_says_so_in_json() {
    let here = Scratch::new();
    let done = here.run(&["search", "--trials", "64", "--json"]);
    assert_eq!(done.exit, Some(0), "{}", done.notes);
    let report: Value = serde_json::from_str(&done.data).unwrap();
    assert_eq!(report["run"], "runs/edge-accelerator-nsga2-0");
    assert_eq!(report["summary"]["trials"], 64);
    assert!(done.notes.contains("64 of 64 trials"), "{}", done.notes);
    assert_eq!(here.read("runs/edge-accelerator-nsga2-0/trials.jsonl").lines().count(), 1 + 64);
    let summary: Value =
        serde_json::from_str(&here.read("runs/edge-accelerator-nsga2-0/summary.json")).unwrap();
    assert_eq!(summary, report["summary"]);
    assert!(here.read("runs/edge-accelerator-nsga2-0/pareto.svg").contains("Pareto front"));
    assert!(is_png(&here.path("runs/edge-accelerator-nsga2-0/pareto.png")));
    assert_eq!(report["plots"].as_array().unwrap().len(), 2);
}

#[test]
fn a_search_ends_with_the_front_and_where_it_is() {
    let here = Scratch::new();
    let done = here.run(&["search", "--trials", "64", "--quiet"]);
    assert_eq!((done.exit, done.notes.as_str()), (Some(0), ""));
    for text in
        ["Pareto front", "min:latency_s", "trial", "64 designs: ", "run   runs/edge-accelerator-nsga2-0"]
    {
        assert!(done.data.contains(text), "{text}\n{}", done.data);
    }
    assert!(done.data.ends_with("plot  runs/edge-accelerator-nsga2-0/pareto.png\n"), "{}", done.data);
    let again = here.data(&["search", "--trials", "8", "--quiet"]);
    assert!(again.contains("run   runs/edge-accelerator-nsga2-0-2\n"), "{again}");
}

/// Claim: the spec in a run's folder is the run; other threads and another way to say it change nothing in the log.
#[test]
fn a_run_is_a_function_of_its_spec() {
    let here = Scratch::new();
    here.data(&[
        "search",
        "--trials",
        "40",
        "--seed",
        "7",
        "--set",
        "agent.population=10",
        "--out",
        "a",
        "--threads",
        "1",
    ]);
    here.data(&["search", "a/spec.toml", "--out", "b", "--threads", "2"]);
    let untimed = |name: &str| -> Vec<Value> {
        let lines = here.read(name);
        let values = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        values
            .map(|mut value| {
                value.as_object_mut().unwrap().remove("timing");
                value
            })
            .collect()
    };
    assert_eq!(untimed("a/trials.jsonl"), untimed("b/trials.jsonl"));
    assert_eq!(here.data(&["spec", "a/spec.toml"]), here.read("a/spec.toml"));
}

#[test]
fn one_objective_ends_with_the_best_design_and_its_progress() {
    let here = Scratch::new();
    let report = here.data(&[
        "search",
        "--objective",
        "latency_s",
        "--agent",
        "random",
        "--trials",
        "40",
        "--out",
        "one",
    ]);
    assert!(report.starts_with("Best design: min:latency_s"), "{report}");
    assert!(here.read("one/progress.svg").contains("designs evaluated"));
    assert!(is_png(&here.path("one/progress.png")));
}

#[test]
fn a_run_goes_on_is_replayed_checked_and_plotted() {
    let here = Scratch::new();
    let log = here.search("run");
    let more = here.data(&["resume", "run", "--trials", "48", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&more).unwrap()["summary"]["trials"], 48);
    assert!(here.read("run/trials.jsonl").starts_with(&log), "what was logged stays");
    assert!(here.data(&["replay", "run"]).starts_with("48 trials replayed"));
    assert!(here.data(&["check", "run"]).contains("48 trials evaluated again"));
    let plots = here.data(&["plot", "run", "--x", "area_m2", "--y", "latency_s", "--out", "area"]);
    assert_eq!(plots, "area.svg\narea.png\n");
    assert!(here.read("area.svg").contains("area (mm²)"));
    here.search("other");
    let plots = here.data(&["plot", "run", "other", "--y", "energy_j", "--out", "both", "--json"]);
    let plots: Value = serde_json::from_str(&plots).unwrap();
    assert_eq!(plots["plots"], json!(["both.svg", "both.png"]));
    let both = here.read("both.svg");
    for name in ["run", "other", "best energy so far"] {
        assert!(both.lines().any(|line| line.contains(name)), "{name} is in the legend or the title");
    }
    assert!(both.contains("resnet50"), "what the runs have in common is in the caption");
    here.data(&["search", "--trials", "40", "--set", "env.networks=[\"alexnet\"]", "--out", "alexnet"]);
    here.data(&["plot", "run", "alexnet", "--out", "mixed"]);
    assert!(!here.read("mixed.svg").contains("resnet50"), "what only one of them has is not");
}

/// Claim: a log in which one number was changed, and its checksum with it, is found out by `check`, with an exit code of its own.
#[test]
fn a_doctored_log_is_found_out() {
    let here = Scratch::new();
    let log = here.search("run");
    let line = log.lines().find(|line| line.contains("\"latency_s\":") && line.contains("measured"));
    let line = line.expect("a measured design among 40");
    let doctored = line.replacen("\"latency_s\":", "\"latency_s\":1", 1);
    let (front, rest) = doctored.split_once(",\"check\":\"").expect("a checksum");
    let doctored = format!("{front},\"check\":\"{:08x}{}", crc32fast::hash(front.as_bytes()), &rest[8..]);
    here.write("run/trials.jsonl", &log.replace(line, &doctored));
    let done = here.run(&["check", "run"]);
    assert_eq!(done.exit, Some(3), "{}{}", done.data, done.notes);
    assert!(done.data.contains("1 finding") && done.data.contains("hint: "), "{}", done.data);
}

/// Claim: a log of another agent is found out by `replay`, with an exit code of its own.
#[test]
fn a_log_that_the_agent_would_not_write_is_found_out() {
    let here = Scratch::new();
    let log = here.search("run");
    let mut lines: Vec<&str> = log.lines().collect();
    lines.swap(5, 6);
    here.write("run/trials.jsonl", &(lines.join("\n") + "\n"));
    let complaint = here.complaint(3, &["replay", "run"]);
    assert!(complaint.contains("trial 4") && complaint.contains("hint: "), "{complaint}");
}

#[test]
fn conformance_is_reported_by_name() {
    let table = Scratch::new().data(&["check", "edge-accelerator", "nsga2"]);
    let words: Vec<Vec<&str>> = table.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [["env", "edge-accelerator", "ok"], ["agent", "nsga2", "ok"]]);
}

/// Claim: the first Ctrl-C ends a run in good order, with the exit code shells know, and the run can be gone on with.
#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_later() {
    use std::process::{Command, Stdio};
    let here = Scratch::new();
    let endless = ["search", "--agent", "random", "--trials", "100000000", "--out", "run"];
    let child = here.command().args(endless).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = here.path("run/trials.jsonl");
    let n_lines = || std::fs::read_to_string(&log).map_or(0, |text| text.lines().count());
    while n_lines() < 100 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let done = Done::of(&child.wait_with_output().unwrap());
    assert_eq!(done.exit, Some(130), "{}", done.notes);
    assert!(done.notes.contains("hint: `tapeout resume run` goes on"), "{}", done.notes);
    let logged = n_lines() - 1;
    let resumed = here.data(&["resume", "run", "--trials", &(logged + 10).to_string(), "--json", "--quiet"]);
    let report: Value = serde_json::from_str(&resumed).unwrap();
    assert_eq!(report["summary"]["trials"], logged + 10);
}
