//! Measuring into tables, rehearsed with the model: filled, gone on with, merged, searched; and without a GPU.

use serde_json::Value;

use crate::scratch::Scratch;

const REHEARSE: [&str; 10] =
    ["measure", "--rehearse", "--types", "f16-u8", "--designs", "30", "--threads", "2", "--json", "--out"];

fn fill(scratch: &Scratch, table: &str, more: &[&str]) -> Value {
    let arguments: Vec<&str> = REHEARSE.iter().chain(&[table]).chain(more).copied().collect();
    let data = scratch.data(&arguments);
    serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"))
}

/// Lines of the table that are measurements of tiles.
fn tiles(scratch: &Scratch, table: &str) -> usize {
    scratch
        .read(table)
        .lines()
        .filter(|line| line.starts_with("{\"row\"") && line.contains("\"tile\""))
        .count()
}

// Claim: a table is filled, gone on with by anybody without measuring twice, merged and searched, all through processes that
// speak the protocol.
#[test]
fn a_table_is_filled_gone_on_with_merged_and_searched() {
    let scratch = Scratch::new();
    let filled = fill(&scratch, "one.jsonl", &[]);
    assert_eq!((&filled[0]["known"], &filled[0]["is_finished"]), (&0.into(), &true.into()));
    assert!(filled[0]["baseline_s"].as_f64().is_some_and(|baseline_s| baseline_s > 0.0), "{filled}");
    assert_eq!(tiles(&scratch, "one.jsonl"), 30);

    // A killed program leaves half a line; the same designs are known, and one is measured again.
    let whole = scratch.read("one.jsonl");
    scratch.write("one.jsonl", &whole[..whole.len() - 20]);
    let again = fill(&scratch, "one.jsonl", &[]);
    assert!(again[0]["known"] == 29 || again[0]["known"] == 30, "{again}");
    assert_eq!(tiles(&scratch, "one.jsonl"), 30);

    let agent = fill(&scratch, "two.jsonl", &["--agent", "ga", "--seed", "5"]);
    let done = |filled: &Value| filled[0]["measured"].as_u64().zip(filled[0]["infeasible"].as_u64());
    assert_eq!(done(&agent).map(|(measured, infeasible)| measured + infeasible), Some(30));

    let said = scratch.data(&["measure", "--merge", "one.jsonl", "two.jsonl", "--out", "all.jsonl.gz"]);
    assert!(said.starts_with("all.jsonl.gz: ") && said.contains(" in 2 products"), "{said}");
    let search = |agent: &str, out: &str| {
        let set = ["env.path=all.jsonl.gz", "env.encoding=structured"];
        let flags = ["--env", "gpu-gemm-recorded", "--trials", "20", "--agent", agent, "--out", out];
        scratch.data(&[&["search", "--set", set[0], "--set", set[1]], &flags[..]].concat());
        // Timings stand at the end of each line and differ from run to run.
        let log = scratch.read(&format!("{out}/trials.jsonl"));
        log.lines()
            .map(|line| line.split(",\"timing\"").next().unwrap_or(line).to_owned())
            .collect::<Vec<_>>()
    };
    let first = search("ga", "first");
    assert!(first.len() >= 20, "{}", first.len());
    assert_eq!(first, search("ga", "again"));
}

// Claim: a rehearsal is never taken for a measurement.
#[test]
fn a_rehearsed_table_is_of_its_own_kind() {
    let scratch = Scratch::new();
    fill(&scratch, "one.jsonl", &[]);
    assert!(
        scratch.read("one.jsonl").lines().nth(1).is_some_and(|line| line.contains("\"origin\":\"model\""))
    );
    let other = ["measure", "--rehearse", "--device", "a100", "--designs", "3", "--out", "one.jsonl"];
    let complaint = scratch.complaint(2, &other);
    assert!(complaint.contains("one.jsonl: measured on NVIDIA A100"), "{complaint}");
    assert!(complaint.ends_with("hint: keep a table for each device\n"), "{complaint}");
}

// Claim: what an environment misses is told before anything is begun.
#[test]
fn searching_what_is_not_there_is_refused() {
    let scratch = Scratch::new();
    let complaint = scratch.complaint(2, &["search", "--env", "gpu-gemm-recorded", "--out", "run"]);
    assert!(complaint.starts_with("error: `gpu-gemm-recorded`: no recording yet of `h200`: "), "{complaint}");
    assert!(!scratch.path("run").exists());
}

// Claim: without a driver there is one message, a hint and exit code 2, and no table is begun. Where there is a driver, this
// machine can measure and nothing is asserted.
#[test]
fn without_a_gpu_there_is_one_message() {
    let scratch = Scratch::new();
    let done = scratch.run(&["measure", "--designs", "1", "--out", "table.jsonl"]);
    if done.exit == Some(0) {
        println!("skipped: this machine has a GPU");
        return;
    }
    assert_eq!(done.exit, Some(2), "{}", done.notes);
    assert!(done.notes.starts_with("error: nothing can be measured here: "), "{}", done.notes);
    assert!(done.notes.contains("\nhint: without a GPU, search `gpu-gemm-recorded`"), "{}", done.notes);
    assert!(!done.notes.contains("panicked"), "{}", done.notes);
    assert!(!scratch.path("table.jsonl").exists());
}
