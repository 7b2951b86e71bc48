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
fn tile_lines(scratch: &Scratch, table: &str) -> Vec<String> {
    let is_tile = |line: &&str| line.starts_with("{\"row\"") && line.contains("\"tile\"");
    scratch.read(table).lines().filter(is_tile).map(str::to_owned).collect()
}

fn tiles(scratch: &Scratch, table: &str) -> usize {
    tile_lines(scratch, table).len()
}

// Claim: a rehearsal is a function of its seed, wherever it was interrupted; operands are drawn anew after every ten designs.
#[test]
fn a_rehearsal_that_is_gone_on_with_ends_as_it_would_have() {
    let scratch = Scratch::new();
    let flags = ["--per-process", "10"];
    fill(&scratch, "whole.jsonl", &flags);
    let text = scratch.read("whole.jsonl");
    let whole = tile_lines(&scratch, "whole.jsonl");
    for kept in [3, whole.len() / 2, whole.len() - 1] {
        let end = text.find(&whole[kept]).expect("it is one of its lines");
        scratch.write("cut.jsonl", &text[..end]);
        fill(&scratch, "cut.jsonl", &flags);
        // All but the number of the session and the checksum of the line.
        let answers = |lines: &[String]| -> Vec<String> {
            let answer =
                |line: &String| line[line.find("\"job\"")?..].split(",\"check\"").next().map(str::to_owned);
            lines.iter().filter_map(answer).collect()
        };
        let gone_on_with = tile_lines(&scratch, "cut.jsonl");
        assert!(answers(&gone_on_with) == answers(&whole) && whole.len() == 30, "{kept} kept");
    }
}

// Claim: a table is filled, gone on with by anybody without measuring twice, merged and searched, all through processes that
// speak the protocol.
#[test]
fn a_table_is_filled_gone_on_with_merged_and_searched() {
    let scratch = Scratch::new();
    let filled = fill(&scratch, "one.jsonl", &[]);
    assert_eq!(
        (&filled["tables"][0]["known"], &filled["tables"][0]["is_finished"]),
        (&0.into(), &true.into())
    );
    assert!(
        filled["tables"][0]["baseline_s"].as_f64().is_some_and(|baseline_s| baseline_s > 0.0),
        "{filled}"
    );
    assert_eq!(tiles(&scratch, "one.jsonl"), 30);

    // By another version of the model it could not be gone on with.
    let catalog = tapeout::builtin();
    let model = catalog.envs().iter().find(|entry| entry.id == "gpu-gemm-model").expect("it is registered");
    let compiler = format!("\"compiler\":\"tile model {}\"", model.version);
    assert!(scratch.read("one.jsonl").contains(&compiler), "{compiler}");

    // A killed program leaves half a line; the same designs are known, and one is measured again.
    let whole = scratch.read("one.jsonl");
    scratch.write("one.jsonl", &whole[..whole.len() - 20]);
    let again = fill(&scratch, "one.jsonl", &[]);
    assert!(again["tables"][0]["known"] == 29 || again["tables"][0]["known"] == 30, "{again}");
    assert_eq!(tiles(&scratch, "one.jsonl"), 30);

    let agent = fill(&scratch, "two.jsonl", &["--agent", "ga", "--seed", "5"]);
    let done = |filled: &Value| {
        filled["tables"][0]["measured"].as_u64().zip(filled["tables"][0]["infeasible"].as_u64())
    };
    assert_eq!(done(&agent).map(|(measured, infeasible)| measured + infeasible), Some(30));

    let said = scratch.data(&["measure", "--merge", "one.jsonl", "two.jsonl", "--out", "all.jsonl.gz"]);
    assert!(said.starts_with("all.jsonl.gz: ") && said.contains(" in 2 products"), "{said}");
    let search = |agent: &str, out: &str| {
        let flags = ["--env", "gpu-gemm-recorded", "--trials", "20", "--agent", agent, "--out", out];
        scratch.data(&[&["search", "--set", "env.path=all.jsonl.gz"], &flags[..]].concat());
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

// Claim: every kernel of a table is a design of the environment that answers from it, with default settings.
#[test]
fn every_measured_kernel_is_a_design() {
    let scratch = Scratch::new();
    fill(&scratch, "table.jsonl", &[]);
    let flags = ["--set", "env.path=table.jsonl", "--agent", "grid", "--trials", "1000", "--out", "run"];
    scratch.data(&[&["search", "--env", "gpu-gemm-recorded"], &flags[..]].concat());
    let trials = scratch.read("run/trials.jsonl").lines().filter(|line| line.contains("\"timing\"")).count();
    assert_eq!((trials, tiles(&scratch, "table.jsonl")), (30, 30));
}

// Claim: a rehearsed table is a function of its seed, whoever of several processes was first; the library's product and fresh
// operands come in it at the same places.
#[test]
fn a_rehearsal_is_a_function_of_its_seed() {
    let scratch = Scratch::new();
    let table = |name: &str, threads: &str| {
        let every = ["--threads", threads, "--baseline-every", "16", "--per-process", "20", "--out", name];
        scratch.data(&[&["measure", "--rehearse", "--designs", "40", "--seed", "3"], &every[..]].concat());
        scratch.read(name)
    };
    let one = table("one.jsonl", "1");
    assert_eq!(one, table("three.jsonl", "3"));
    assert_eq!(one.lines().filter(|line| line.contains("cublaslt")).count(), 3, "{one}");
    let inputs = |line: &str| {
        line.split("\"inputs\":").nth(1).map(|rest| rest.split(',').next().unwrap_or("").to_owned())
    };
    let mut inputs: Vec<String> = one.lines().filter_map(inputs).collect();
    inputs.dedup();
    assert_eq!(inputs.len(), 2, "{inputs:?}");
}

// Claim: one command measures the ten bars of the published ablation, both baselines among them.
#[test]
fn the_post_is_one_command() {
    let scratch = Scratch::new();
    let flags = ["--designs", "1", "--device", "a100", "--json", "--out", "post.jsonl"];
    let data = scratch.data(&[&["measure", "--rehearse", "--preset", "post"], &flags[..]].concat());
    let filled: Value = serde_json::from_str(&data).unwrap();
    let types: Vec<&str> =
        filled["tables"].as_array().unwrap().iter().map(|bar| bar["types"].as_str().unwrap()).collect();
    assert_eq!(types.len(), 10);
    assert!(
        types.contains(&"f16-f16") && types.contains(&"bf16-bf16") && types.contains(&"s8-bf16"),
        "{types:?}"
    );
    assert!(!types.iter().any(|types| types.contains('4') || types.contains("e5m2")), "{types:?}");
    let both = scratch.complaint(2, &["measure", "--preset", "post", "--m", "5", "--out", "other.jsonl"]);
    assert!(both.contains("--preset") && both.contains("--m"), "{both}");
    let aligned = ["measure", "--preset", "post", "--alignment-byte", "4", "--out", "other.jsonl"];
    let aligned = scratch.complaint(2, &aligned);
    assert!(aligned.contains("--preset") && aligned.contains("--alignment-byte"), "{aligned}");
}

// Claim: any extents can be measured; those that no kernel computes are refused by name.
#[test]
fn odd_products_are_measured_and_impossible_ones_refused() {
    let scratch = Scratch::new();
    let odd = [
        "--m",
        "1",
        "--n",
        "4097",
        "--k",
        "100",
        "--batch",
        "2",
        "--alignment-byte",
        "4",
        "--types",
        "f16-e4m3",
    ];
    let flags = [&["measure", "--rehearse", "--designs", "3", "--out", "odd.jsonl"], &odd[..]].concat();
    scratch.data(&flags);
    assert!(
        scratch
            .read("odd.jsonl")
            .contains("\"k\":100,\"types\":\"f16-e4m3\",\"batch\":2,\"alignment_byte\":4}")
    );
    let again = scratch.data(&[&flags[..], &["--json"]].concat());
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["tables"][0]["known"], 3);
    assert!(again["tables"][0]["baseline_s"].as_f64().is_some_and(|baseline_s| baseline_s > 0.0), "{again}");
    let none = scratch.complaint(2, &["measure", "--rehearse", "--m", "0", "--out", "none.jsonl"]);
    assert!(none.contains("`m`: got 0; expected 1 to 1048576"), "{none}");
    let refused = |more: &[&str]| {
        let flags = ["measure", "--rehearse", "--designs", "1", "--out", "none.jsonl"];
        let complaint = scratch.complaint(2, &[&flags[..], more].concat());
        assert!(!scratch.path("none.jsonl").exists(), "{complaint}");
        complaint
    };
    // 2^20 rows of 2^20 halves and 4096 of as many bytes, each counted as a single: no operand is drawn.
    let large = refused(&["--m", "1048576", "--k", "1048576"]);
    assert!(large.contains("`k`: got 1048576; expected operands and product of at most 8589934592 byte in single precision; these take 4432"), "{large}");
    // The second of two products is refused before the first is measured.
    let second = refused(&["--types", "f16-u8,f16-f16", "--group", "32"]);
    assert!(second.contains("`group`: got 32; expected 0: f16-f16 has no narrow operand"), "{second}");
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
