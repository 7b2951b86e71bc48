//! Warm starts: every agent can go on from another's log, and what comes of it can be replayed.

use serde_json::Value;

use crate::scratch::Scratch;

/// A search of the smaller recorded kernel, which takes no time, by `agent`, with these further flags.
fn search<'a>(agent: &'a str, out: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    let fixed =
        ["search", "--env", "recorded-kernel", "--set", "env.kernel=convolution-a100", "--batch", "4"];
    fixed
        .into_iter()
        .chain(["--json", "--quiet", "--agent"])
        .chain([agent, "--out", out])
        .chain(further.iter().copied())
        .collect()
}

/// The designs of a run, as they stand in its log.
fn designs(here: &Scratch, run: &str) -> Vec<Value> {
    let log = here.read(&format!("{run}/trials.jsonl"));
    let design =
        |line: &str| serde_json::from_str::<Value>(line).expect("each line is JSON")["design"].clone();
    log.lines().skip(1).map(design).collect()
}

/// Claim: whoever made the log, each agent learns from it, evaluates none of its designs, spends its own budget on others, and
/// proposes the same again when the run is replayed.
#[test]
fn every_agent_starts_from_the_log_of_another() {
    let here = Scratch::new();
    here.data(&search("random", "earlier", &["--trials", "32", "--seed", "1"]));
    let known = designs(&here, "earlier");
    let agents: Value = serde_json::from_str(&here.data(&["list", "agents", "--json"])).unwrap();
    // `process` and `python` are whatever they are given.
    let names = agents["agents"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap());
    for name in names.filter(|name| !["process", "python"].contains(name)) {
        let flags = ["--trials", "8", "--warm-start", "earlier"];
        let report: Value = serde_json::from_str(&here.data(&search(name, name, &flags))).unwrap();
        let summary = &report["summary"];
        assert_eq!((&summary["trials"], &summary["warm_trials"]), (&8.into(), &32.into()), "{name}");
        assert!(designs(&here, name).iter().all(|design| !known.contains(design)), "{name}");
        assert!(here.data(&["replay", name]).starts_with("8 trials replayed"), "{name}");
    }
}

/// Claim: the spec in the folder is the run, so another program started from it gives the same log.
#[test]
fn the_resolved_spec_says_what_the_agent_was_told() {
    let here = Scratch::new();
    here.data(&search("ga", "a", &["--trials", "30"]));
    here.data(&search("ga", "b", &["--trials", "30", "--seed", "1"]));
    here.data(&search(
        "tpe",
        "c",
        &["--trials", "10", "--warm-start", "a", "--warm-start", "b/trials.jsonl"],
    ));
    let spec: toml::Table = toml::from_str(&here.read("c/spec.toml")).unwrap();
    let warm_start = spec["warm_start"].as_array().unwrap();
    assert_eq!(
        warm_start.iter().map(|it| it["trials"].as_integer()).collect::<Vec<_>>(),
        [Some(30), Some(30)]
    );
    here.data(&["search", "c/spec.toml", "--out", "d", "--quiet"]);
    assert_eq!(designs(&here, "c"), designs(&here, "d"));
    let text = here.data(&["search", "c/spec.toml", "--out", "e", "--quiet"]);
    assert!(text.contains("started from 60 trials of earlier logs"), "{text}");
}

#[test]
fn a_log_of_another_space_is_refused_before_a_folder_is_made() {
    let here = Scratch::new();
    here.data(&search("ga", "a", &["--trials", "8"]));
    let other = ["search", "--warm-start", "a", "--out", "b"];
    let complaint = here.complaint(2, &other);
    assert!(
        complaint.contains("`env.id` is \"recorded-kernel\" in the log, \"edge-accelerator\" here"),
        "{complaint}"
    );
    assert!(complaint.contains("hint: start from a log of the same environment"), "{complaint}");
    let flags = ["search", "--env", "recorded-kernel", "--json", "--warm-start", "a", "--out", "b"];
    let complaint = here.complaint(2, &flags);
    assert!(complaint.contains("`env.config.kernel` is \"convolution-a100\" in the log"), "{complaint}");
    assert!(!here.path("b").exists());
}
