//! Data sets from the command line: made, gathered, looked at, split, written again.

use serde_json::Value;

use crate::scratch::Scratch;

const GENERATE: [&str; 9] = [
    "dataset",
    "generate",
    "edge-accelerator",
    "--workloads",
    "rnnt-decoder,mobilenet-v2",
    "--designs",
    "40",
    "--out",
    "set",
];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

// Claim: what is generated is shown, split and written again, and a round trip through CSV gives the same bytes.
#[test]
fn a_data_set_goes_all_the_way_round() {
    let scratch = Scratch::new();
    let shown = scratch.data(&GENERATE);
    assert!(shown.starts_with("80 rows of `edge-accelerator` version "), "{shown}");
    assert_eq!(shown, scratch.data(&["dataset", "info", "set"]));
    let info = json(&scratch.data(&["dataset", "info", "set", "--json"]));
    assert_eq!(info["overviews"][0]["rows"], 80);
    assert_eq!(info["workloads"][1]["name"], "mobilenet-v2");

    assert_eq!(scratch.data(&["dataset", "export", "set", "--csv", "--out", "text"]), "text/table.csv\n");
    scratch.data(&["dataset", "export", "text", "--parquet", "--out", "again"]);
    for file in ["dataset.toml", "croissant.json", "table.parquet"] {
        let bytes = |folder: &str| std::fs::read(scratch.path(&format!("{folder}/{file}"))).unwrap();
        assert_eq!(bytes("set"), bytes("again"), "{file}");
    }

    let by = [
        "dataset",
        "split",
        "set",
        "--hide",
        "rnnt-decoder",
        "--hide-level",
        "pes_x=32",
        "--validate-level",
        "pes_x=1",
    ];
    let split = json(&scratch.data(&[&by[..], &["--json", "--out", "split.json"]].concat()));
    assert_eq!(split["rows"], json(&scratch.read("split.json"))["rows"]);
    let n = |part: &str| split["rows"][part].as_array().unwrap().len();
    assert_eq!(n("train") + n("validation") + n("hidden"), 80);
    assert!(n("hidden") >= 40, "a whole workload is hidden");
}

// Claim: a data set of a part of a space holds the designs of that part: two levels of one parameter, all else fixed, are two designs.
#[test]
fn a_part_of_a_space_is_drawn_from() {
    let scratch = Scratch::new();
    let part = "--fix page_policy=open --fix scheduler=fifo --fix scheduler_buffer=shared --fix response_queue=fifo \
                --fix refresh_policy=all-bank --fix refresh_max_postponed=1 --fix refresh_max_pulled_in=1 --fix arbiter=simple \
                --fix max_active_transactions=1 --levels request_buffer_size=1..2";
    let generate = "dataset generate dram-controller --workloads stream --set env.requests=100 --out set";
    let words: Vec<&str> = generate.split(' ').chain(part.split_whitespace()).collect();
    let shown = scratch.data(&words);
    assert!(shown.contains("2 rows of `dram-controller`") && shown.contains(" 2 designs"), "{shown}");
    assert_eq!(shown, scratch.data(&["dataset", "info", "set"]));
    scratch
        .complaint(2, &["dataset", "generate", "dram-controller", "--fix", "arbiter=none", "--out", "other"]);
}

// Claim: settings of a workload that are not set, such as a trace that is not read, are left out of the manifest.
#[test]
fn a_workload_may_have_settings_that_are_not_set() {
    let scratch = Scratch::new();
    let generate = ["dataset", "generate", "dram-controller", "--designs", "3", "--out", "set"];
    assert!(scratch.data(&generate).starts_with("3 rows of `dram-controller`"));
    assert!(scratch.data(&["dataset", "info", "set"]).starts_with("3 rows of `dram-controller`"));
}

// Claim: two runs of one environment become one table, without saying a design twice.
#[test]
fn runs_become_a_data_set() {
    let scratch = Scratch::new();
    for (seed, out) in [("0", "one"), ("1", "two"), ("0", "one-again")] {
        scratch.data(&[
            "search", "--agent", "random", "--trials", "40", "--seed", seed, "--out", out, "--quiet",
        ]);
    }
    let info =
        json(&scratch.data(&["dataset", "build", "one", "two", "one-again", "--out", "set", "--json"]));
    assert_eq!(info["overviews"][0]["rows"], 80);
    assert_eq!(info["sources"][1]["name"], "two");
}

// Claim: whatever is wrong is told with its remedy, and ends in the exit code of bad input.
#[test]
fn what_cannot_be_a_data_set_is_refused() {
    let scratch = Scratch::new();
    scratch.data(&GENERATE);
    let complaint = |arguments: &[&str]| scratch.complaint(2, arguments);
    assert_eq!(
        complaint(&GENERATE),
        "error: set: there is a data set in this folder already\nhint: choose another folder, or delete this one\n"
    );
    assert_eq!(
        complaint(&["dataset", "info", "sett"]),
        "error: sett: there is no data set in this folder: `dataset.toml` is missing\n\
         hint: check the path; one is made by `tapeout dataset build` or `tapeout dataset generate`\n"
    );
    assert_eq!(
        complaint(&["dataset", "split", "set"]),
        "error: nothing says what to split by; expected quality, workload or architecture\n\
         hint: `--objective`, `--hide` or `--hide-level` says it\n"
    );
    assert_eq!(
        complaint(&["dataset", "split", "set", "--hide", "rnnt-decode"]),
        "error: unknown workload `rnnt-decode`; did you mean `rnnt-decoder`?\n"
    );
    let error = complaint(&[
        "dataset",
        "generate",
        "edge-accelerator",
        "--workloads",
        "mobilenetv2",
        "--out",
        "other",
    ]);
    assert!(error.starts_with("error: environment `edge-accelerator`: "), "{error}");
    assert!(error.contains("did you mean `mobilenet-v2`?"), "{error}");
    let error = complaint(&[
        "dataset",
        "generate",
        "edge-accelerator",
        "--set",
        "agent.population=4",
        "--out",
        "other",
    ]);
    assert!(error.contains("by no agent"), "{error}");
}
