//! Tuning files of other programs: looked at, searched, written.

use serde_json::Value;

use crate::scratch::Scratch;

/// As Kernel Tuner 1.4 writes failures.
const ERROR: &str = r#"{"device_name":"","kernel_name":"vadd","problem_size":1000,"tune_params_keys":["block_size_x"],"tune_params":{"block_size_x":[128,256,1024]},"objective":["time"],"cache":{
"128":{"block_size_x":128,"time":0.107,"times":[0.19,0.10],"compile_time":1989.7},
"256":{"block_size_x":256,"__error__":"CompilationFailedConfig","compile_time":762.1,"verification_time":0,"benchmark_time":0},
"1024":{"block_size_x":1024,"time":0.117,"times":[0.2,0.1],"compile_time":1614.9}}}"#;

const SCORE: &str = r#"{"device_name":"","kernel_name":"tuner-settings","problem_size":1,"tune_params_keys":["population"],"tune_params":{"population":[10,20,30]},"objective":"score","cache":{
"10":{"population":10,"score":0.42},"20":{"population":20,"score":0.57},"30":{"population":30,"score":0.51}}}"#;

/// Dies behind a comma, as `store_cache` leaves it.
const INTERRUPTED: &str = r#"{"tune_params_keys":["x"],"tune_params":{"x":[1,2]},"cache":{"1":{"x":1,"time":1.0},"2":{"x":2,"time":2.0},"#;

const ENERGY: &str = r#"{"device_name":"","kernel_name":"vadd","problem_size":1000,"tune_params_keys":["block_size_x"],"tune_params":{"block_size_x":[128,256,1024]},"objective":["time","energy"],"cache":{
"128":{"block_size_x":128,"time":0.107,"energy":5.0,"GFLOP/s":11.2},
"256":{"block_size_x":256,"time":0.100,"energy":6.5,"GFLOP/s":12.0},
"1024":{"block_size_x":1024,"time":0.117,"energy":4.1,"GFLOP/s":10.3}}}"#;

fn here() -> Scratch {
    let here = Scratch::new();
    for (name, text) in
        [("error.json", ERROR), ("score.json", SCORE), ("cut.json", INTERRUPTED), ("energy.json", ENERGY)]
    {
        here.write(name, text);
    }
    here
}

fn search<'a>(file: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let fixed =
        ["search", "--env", "recorded-kernel", "--agent", "grid", "--trials", "10", "--quiet", "--set", file];
    [&fixed, rest].concat()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_tuning_file_is_shown_before_it_is_searched() {
    let here = here();
    let page = json(&here.data(&["describe", "recorded-kernel", "error.json", "--json"]));
    assert_eq!((&page["configurations"], &page["failed"]["CompilationFailedConfig"]), (&3.into(), &1.into()));
    let page = here.data(&["describe", "recorded-kernel", "cut.json"]);
    assert!(page.contains("2 configurations, 0 failed"), "{page}");
    assert!(page.contains("note: the run was interrupted"), "{page}");
    let page = here.data(&["describe", "recorded-kernel", "energy.json"]);
    assert!(page.contains("goal: min:time_s, min:energy") && page.contains("GFLOP/s"), "{page}");
    let complaint = here.complaint(2, &["describe", "edge-accelerator", "energy.json"]);
    assert!(complaint.contains("`edge-accelerator` is described without a file"), "{complaint}");
}

#[test]
fn a_score_needs_a_word_on_which_way_is_better() {
    let here = here();
    let complaint = here.complaint(2, &search("env.path=score.json", &["--out", "a"]));
    assert!(
        complaint.contains("`recorded-kernel` does not say what to optimise: it measures score")
            && complaint.contains("`min:score` if less is better, `max:score` if more is"),
        "{complaint}"
    );
    let found = json(
        &here.data(&search("env.path=score.json", &["--objective", "max:score", "--out", "b", "--json"])),
    );
    assert_eq!(found["summary"]["front"][0]["design"]["population"], 20);
}

/// The file's two objectives: 0.100 ms, 5 J and 4.1 J are none worse than another in both. What is written is read back as it was.
#[test]
fn what_was_found_is_written_and_read_back() {
    let here = here();
    here.data(&search("env.path=energy.json", &["--out", "run"]));
    for (form, name) in [("kernel-tuner", "best.json"), ("t4", "best-t4.json")] {
        here.data(&["export", "run", "--as", form, "--out", name]);
        let written = json(&here.data(&["describe", "recorded-kernel", name, "--json"]));
        let read = json(&here.data(&["describe", "recorded-kernel", "energy.json", "--json"]));
        assert_eq!(
            (&written["configurations"], &written["metrics"]),
            (&3.into(), &read["metrics"]),
            "{form}"
        );
        assert_eq!(written["objectives"], read["objectives"], "{form}");
    }
    let best = json(&here.data(&["export", "run", "--best", "1"]));
    assert_eq!((best.as_array().map(Vec::len), &best[0]["metrics"]["time_s"]), (Some(1), &1e-4.into()));
}
