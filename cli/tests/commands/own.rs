//! Accelerators, networks and goals of one's own: files in specs, narrowed spaces, single designs.

use crate::scratch::Scratch;
use serde_json::Value;

const NETWORK: &str = r#"
schema = 1
id = "mine"
title = "Two layers"
source = "made up for this test"
layers = [
  { name = "conv", conv2d = { in_channels = 16, out_channels = 32, output = [28, 28], kernel = [3, 3], padding = [2, 2] } },
  { name = "fc", matmul = { m = 1, n = 100, k = 256, second = "weight" } },
]
"#;

const ARCHITECTURE: &str = r#"
[constants]
clock_hz = 500e6
node_nm = 22
[parameters]
rows = { levels = [4, 8, 16], about = "rows of the array" }
kib = { powers_of_two = [16, 64], unit = "KiB", about = "size of the buffer" }
[rules]
enough = "kib >= 2 * rows"
[parts]
unit = { mac = { bits = 8, accumulator_bits = 32 } }
buffer = { memory = { class = "SRAM", rows = "kib * 1024 / 16", width_bits = 128 } }
dram = { dram = "lpddr4" }
[mac]
instances = "rows * rows"
mesh_x = "rows"
word_bits = 8
cost = "unit"
[[levels]]
name = "Buffer"
word_bits = 8
block_words = 16
entries = "kib * 1024"
multiple_buffering = 2
bandwidth = { shared_words_per_cycle = 16 }
cost = "buffer"
[[levels]]
name = "DRAM"
word_bits = 8
reduces_in_place = false
bandwidth = { shared_words_per_cycle = "12.8e9 / clock_hz" }
cost = "dram"
"#;

fn here() -> Scratch {
    let here = Scratch::new();
    here.write("mine.toml", NETWORK);
    here.write("array.toml", ARCHITECTURE);
    here
}

const SEARCH: [&str; 12] = [
    "search",
    "--env",
    "accelerator",
    "--agent",
    "random",
    "--set",
    "env.architecture=array.toml",
    "--set",
    "env.networks=[\"mine.toml\"]",
    "--trials",
    "6",
    "-q",
];

// By hand: 3 x 3 settings, of which 16 rows with 16 KiB break the rule: 8 designs.
#[test]
fn an_accelerator_and_a_network_of_ones_own_are_searched_and_resumed_from_elsewhere() {
    let here = here();
    here.data(&[&SEARCH[..], &["--out", "run"]].concat());
    let spec = here.read("run/spec.toml");
    assert_eq!(spec.matches("mine.toml").count(), 2, "the setting and the checksum\n{spec}");
    let log = here.read("run/trials.jsonl");
    std::fs::create_dir(here.path("elsewhere")).unwrap();
    let mut command = here.command();
    command.current_dir(here.path("elsewhere"));
    let resumed = command.args(["resume", "../run", "--trials", "8", "-q"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert!(here.read("run/trials.jsonl").starts_with(&log));
    assert!(here.data(&["replay", "run"]).starts_with("8 trials replayed"));

    here.write("mine.toml", &NETWORK.replace("n = 100", "n = 101"));
    let complaint = here.complaint(2, &["replay", "run"]);
    assert!(complaint.contains("mine.toml: the file has changed: its SHA-256 is "), "{complaint}");
}

const SIMULATOR: &str = "schema = 1\n[parameters]\nx = { low = 0, high = 9 }\n[metrics]\nloss = {}\n[goal]\nobjectives = [\"loss\"]\n\
    [command]\nrun = [\"sh\", \"-c\", \"echo '{{\\\"metrics\\\": {{\\\"loss\\\": {x}}}}}'\"]\ndesign = \"arguments\"\n";

/// Results in T4 of x = 1 and x = 2, and their problem in T1, with a value that was not run.
const RESULTS: &str = r#"{"schema_version": "1.0.0", "metadata": {"timeunit": "miliseconds"}, "results": [
    {"configuration": {"x": 1}, "times": {"runtimes": [1]}, "invalidity": "correct", "correctness": 1,
     "measurements": [{"name": "time", "value": 2.5, "unit": ""}], "objectives": ["time"]},
    {"configuration": {"x": 2}, "times": {"runtimes": [1]}, "invalidity": "correct", "correctness": 1,
     "measurements": [{"name": "time", "value": 1.5, "unit": ""}], "objectives": ["time"]}]}"#;
const PROBLEM: &str = r#"{"General": {"BenchmarkName": "conv"},
    "ConfigurationSpace": {"TuningParameters": [{"Name": "x", "Type": "int", "Values": "[1, 2, 4]"}]}}"#;

#[test]
fn files_of_simulators_and_records_are_found_from_elsewhere_and_held_to() {
    let here = Scratch::new();
    here.write("simulator.toml", SIMULATOR);
    here.write("results.json", RESULTS);
    here.write("problem.json", PROBLEM);
    std::fs::create_dir(here.path("elsewhere")).unwrap();
    let runs: [(&str, &[&str], &str, &str); 2] = [
        ("command", &["env.file=simulator.toml"], "simulator.toml", SIMULATOR),
        ("recorded-kernel", &["env.path=results.json", "env.problem=problem.json"], "problem.json", PROBLEM),
    ];
    for (env, settings, file, text) in runs {
        let mut search =
            vec!["search", "--env", env, "--agent", "random", "--trials", "1", "-q", "--out", env];
        search.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
        here.data(&search);
        let mut command = here.command();
        command.current_dir(here.path("elsewhere"));
        let resumed = command.args(["resume", &format!("../{env}"), "--trials", "2", "-q"]).output().unwrap();
        assert_eq!(resumed.status.code(), Some(0), "{}", String::from_utf8_lossy(&resumed.stderr));
        here.write(file, &format!("{text}\n"));
        let complaint = here.complaint(2, &["replay", env]);
        assert!(complaint.contains(&format!("{file}: the file has changed: its SHA-256 is ")), "{complaint}");
    }
}

#[test]
fn goals_over_networks_and_expressions_in_a_narrowed_space_hold_for_every_trial() {
    let here = here();
    let networks = "env.networks=[\"mine.toml\", \"dlrm\"]";
    let flags = [
        "search",
        "--env",
        "edge-accelerator",
        "--set",
        networks,
        "--agent",
        "ga",
        "--trials",
        "60",
        "-q",
        "--out",
        "run",
        "--derive",
        "perf_per_mm2 = 1e-6 / latency_s / area_m2",
        "--objective",
        "max:perf_per_mm2",
        "--constraint",
        "latency_s.mine < 1 ms",
        "--constraint",
        "latency_s.max <= 10 ms",
        "--constraint",
        "area_m2 <= 30 mm2",
        "--fix",
        "cores=4",
        "--levels",
        "lanes=16..64",
    ];
    let done = here.run(&flags);
    assert_eq!(done.exit, Some(0), "{}", done.notes);
    assert_eq!(
        done.notes,
        "note: `area_m2 <= 3e-5` has nothing to do: designs beyond `area_m2 <= 2.7e-5` are infeasible in `edge-accelerator`\n"
    );
    assert!(done.data.contains("Best design: max:perf_per_mm2"), "{}", done.data);
    let log = here.read("run/trials.jsonl");
    for line in log.lines().skip(1) {
        let trial: Value = serde_json::from_str(line).unwrap();
        assert_eq!(trial["design"]["cores"], 4);
        assert!((16..=64).contains(&trial["design"]["lanes"].as_i64().unwrap()));
    }
    here.data(&["plot", "run", "--x", "perf_per_mm2", "--y", "latency_s.geometric_mean"]);
    let complaint = here.complaint(2, &["search", "--fix", "cores=5"]);
    assert!(complaint.contains("`env.fix.cores`: parameter `cores`: 5 is not a level"), "{complaint}");
}

// By hand: 3 of 4 of one network and 1 of 4 of the other.
#[test]
fn means_over_networks_are_weighted_by_name() {
    let here = here();
    let goal = "latency_s.mean(mine=3, dlrm=1)";
    let spec = format!(
        "version = 1\nobjectives = [\"{goal}\"]\nconstraints = [\"latency_s.geometric_mean(mine=2, dlrm=1) < 10 s\"]\n\
         [env]\nid = \"edge-accelerator\"\nconfig = {{ networks = [\"mine.toml\", \"dlrm\"] }}\n\
         [agent]\nid = \"random\"\n[budget]\ntrials = 6\n"
    );
    here.write("spec.toml", &spec);
    here.data(&["search", "spec.toml", "--out", "run"]);
    let rows = here.data(&["evaluate", "run", "0", "--json"]);
    let rows: Value = serde_json::from_str(&rows).unwrap();
    let of =
        |name: &str| rows["designs"][0]["metrics"][name].as_f64().unwrap_or_else(|| panic!("{name}: {rows}"));
    let expected = 0.75 * of("latency_s.mine") + 0.25 * of("latency_s.dlrm");
    assert!((of(goal) / expected - 1.0).abs() < 1e-12);
    assert_eq!(here.run(&["replay", "run"]).exit, Some(0));
    here.write("spec.toml", &spec.replace("dlrm=1)\"]\nc", "dlrn=1)\"]\nc"));
    let complaint = here.complaint(2, &["search", "spec.toml", "--out", "other"]);
    assert!(complaint.contains("unknown network `dlrn`; did you mean `dlrm`?"), "{complaint}");
}

/// Claim: a run goes on from any folder, whatever setting names a file: a trace, a layer of a file.
#[test]
fn runs_over_files_go_on_from_elsewhere() {
    let here = here();
    here.write("trace.csv", "cycle,op,address\n0,R,0x40\n10,W,0x80\n30,R,0x1000\n");
    std::fs::create_dir(here.path("below")).unwrap();
    for (index, setting) in ["env.trace=trace.csv", "env.layer=mine.toml:conv"].into_iter().enumerate() {
        let run = format!("run{index}");
        let search = [
            "search",
            "--env",
            "dram-controller",
            "--set",
            setting,
            "--set",
            "env.requests=100",
            "--agent",
            "random",
        ];
        here.data(&[&search[..], &["--trials", "3", "--out", &run]].concat());
        let mut resume = here.command();
        let run = here.path(&run);
        resume.current_dir(here.path("below")).args(["resume", run.to_str().unwrap(), "--trials", "5"]);
        let resumed = resume.output().unwrap();
        assert!(resumed.status.success(), "{setting}: {}", String::from_utf8_lossy(&resumed.stderr));
    }
    here.write("trace.csv", "cycle,op,address\n0,R,0x40\n");
    let complaint = here.complaint(2, &["resume", "run0", "--trials", "6"]);
    assert!(complaint.contains("trace.csv"), "{complaint}");
}

#[test]
fn one_mapping_is_taken_apart_like_an_accelerator() {
    let here = here();
    here.data(&["search", "--env", "mapping", "--agent", "random", "--trials", "300", "--out", "run"]);
    let log = here.read("run/trials.jsonl");
    let measured = log.lines().skip(1).position(|line| line.contains("\"measured\"")).expect("one that fits");
    let text = here.data(&["evaluate", "run", &measured.to_string()]);
    for part in ["layer3.1.conv2", "DRAM", "multiply-accumulate units", "bound by"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn one_design_is_evaluated_down_to_its_parts() {
    let here = here();
    let set = ["--set", "env.architecture=array.toml", "--set", "env.networks=[\"mine.toml\"]"];
    let arguments = [&["evaluate", "accelerator", "rows=8", "kib=32"], &set[..]].concat();
    let text = here.data(&arguments);
    for part in ["latency_s", "conv", "fc", "Buffer", "DRAM", "multiply-accumulate units", "bound by"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json: Value = serde_json::from_str(&here.data(&[&arguments[..], &["--json"]].concat())).unwrap();
    let one = &json["designs"][0];
    let sheet = |of: &str| {
        let sheets = one["breakdown"]["sheets"].as_array().unwrap();
        sheets.iter().find(|sheet| sheet["of"] == of).unwrap_or_else(|| panic!("no table of {of}"))
    };
    let sum = |of: &str, column: usize| -> f64 {
        sheet(of)["rows"].as_array().unwrap().iter().map(|row| row["values"][column].as_f64().unwrap()).sum()
    };
    // Claim: parts add up to the whole: layers and memories to latency and energy, parts to the area.
    for (metric, of, column) in [
        ("latency_s", "layer", 1),
        ("energy_j", "layer", 2),
        ("energy_j", "memory", 0),
        ("area_m2", "part", 1),
    ] {
        let whole = one["metrics"][metric].as_f64().unwrap();
        assert!(
            (sum(of, column) / whole - 1.0).abs() < 1e-9,
            "{metric} by {of}: {} of {whole}",
            sum(of, column)
        );
    }
    here.write("design.toml", "rows = 8\nkib = 32\n");
    assert_eq!(
        text,
        here.data(&[&["evaluate", "accelerator", "--design", "design.toml"], &set[..]].concat())
    );
    let complaint = here.complaint(2, &[&["evaluate", "accelerator", "rows=8"], &set[..]].concat());
    assert!(complaint.contains("values are missing for kib (16, 32, 64)"), "{complaint}");
}

#[test]
fn two_designs_are_compared_by_what_differs() {
    let here = here();
    here.data(&[&SEARCH[..], &["--out", "run"]].concat());
    let text = here.data(&["explain", "run", "0", "--change", "kib=64"]);
    assert!(
        text.contains("kib") && text.contains("latency_s alone") && text.contains("the second is"),
        "{text}"
    );
    let same = here.data(&["explain", "run", "0", "0"]);
    assert!(same.contains("the designs are the same") && same.contains("same"), "{same}");
    let complaint = here.complaint(2, &["explain", "run", "0"]);
    assert!(complaint.contains("1 design named, expected two"), "{complaint}");
    let complaint = here.complaint(2, &["explain", "run", "0", "99"]);
    assert!(complaint.contains("`99` is no trial of run: it has 6"), "{complaint}");
}

// Claim: the page of the guide shows the file that its commands use, whole.
#[test]
fn the_guide_shows_the_file_that_it_walks_with() {
    let guide = |name: &str| {
        std::fs::read_to_string(format!("{}/../docs/guide/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let page = guide("your-own-accelerator.md");
    let shown = page.split("```toml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&shown.collect::<Vec<_>>().join("\n")), words(&guide("your-own-accelerator.toml")));
}
