//! `simulate`: hand-checked numbers, and files of Timeloop's results.

use std::path::PathBuf;

use serde_json::Value;
use tapeout::simulators::technology::{DramKind, Node, mac, register_file, sram};

use crate::scratch::{Scratch, is_png};

/// The files of the guide.
const SMALL: &str = include_str!("../../../docs/guide/simulate/mine.toml");

const PRODUCTS: &str = include_str!("../../../docs/guide/simulate/layers.toml");

const MAPPING: &str = include_str!("../../../docs/guide/simulate/map.toml");

fn small() -> Scratch {
    let here = Scratch::new();
    here.write("small.toml", SMALL);
    here.write("products.toml", PRODUCTS);
    here.write("mapping.toml", MAPPING);
    here
}

fn json(here: &Scratch, arguments: &[&str]) -> Value {
    let arguments = [&["simulate"], arguments, &["--json"]].concat();
    serde_json::from_str(&here.data(&arguments)).expect("the program writes JSON")
}

fn close(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|value| (value - expected).abs() <= 1e-6 * expected.abs())
}

// 12 words pass DRAM once each at 100 pJ, and 8 multiply-accumulates take 1 pJ each: 1.208 nJ. Overlapped, 12 words take
// 12 cycles.
#[test]
fn one_layer_under_a_mapping_costs_what_it_does_by_hand() {
    let here = small();
    let arguments = ["small.toml", "products.toml:first", "--mapping", "mapping.toml", "--timeloop-compat"];
    let found = json(&here, &arguments);
    assert_eq!(found["cycles"], 12, "{found}");
    assert!(close(&found["energy_j"], 1.208e-9), "{found}");
    assert!(close(&found["utilization"], 8.0 / 12.0), "{found}");
    let layer = &found["layers"][0];
    let [weights, outputs] = [0, 2].map(|tensor| &layer["levels"][1]["tensors"][tensor]);
    assert_eq!((&weights["name"], &weights["reads"]), (&Value::from("Weights"), &Value::from(4)));
    assert_eq!((&outputs["name"], &outputs["updates"]), (&Value::from("Outputs"), &Value::from(4)));

    let page = here.data(&[&["simulate"], arguments.as_slice()].concat());
    for text in ["12: 8 of work, 4 waiting for bandwidth", "66.7 %", "1.21 nJ: 8 pJ in 8 multiply"] {
        assert!(page.contains(text), "{text}\n{page}");
    }
}

// By default nothing hides the 8 words that are loaded first and the 4 that are stored last.
#[test]
fn first_loads_and_last_stores_take_time_by_default() {
    let found = json(&small(), &["small.toml", "products.toml:first", "--mapping", "mapping.toml"]);
    let layer = &found["layers"][0];
    assert_eq!((&layer["load_cycles"], &layer["store_cycles"]), (&Value::from(8), &Value::from(4)));
}

// Nothing can be cheaper than to move each word once, and `first` fits the buffer as a whole; four runs cost four times that.
#[test]
fn the_best_mapping_of_a_network_moves_each_word_once_where_that_fits() {
    let found = json(&small(), &["small.toml", "products.toml", "--objective", "energy"]);
    assert!(close(&found["energy_j"], 4.0 * 1.208e-9), "{found}");
    let one = found["layers"][0]["cycles"].as_u64().unwrap();
    assert_eq!(found["cycles"], 4 * one);
    assert_eq!(found["layers"][1]["runs"], 3);
}

#[test]
fn pictures_are_written_in_both_formats() {
    let here = small();
    let data = here.data(&["simulate", "small.toml", "products.toml", "--out", "pictures"]);
    for (name, bar) in [
        ("energy", "DRAM"),
        ("cycles", "DRAM"),
        ("energy-by-layer", "rest"),
        ("cycles-by-layer", "rest"),
        ("roofline", "byte of DRAM"),
    ] {
        assert!(is_png(&here.path(&format!("pictures/{name}.png"))), "{name}");
        assert!(here.read(&format!("pictures/{name}.svg")).contains(bar), "{name}");
        assert!(data.contains(&format!("pictures/{name}.png")), "{data}");
    }
}

// A file as it is written is the architecture that was simulated: the same cost, to the last digit. Of an accelerator with parameters, rows and
// columns are set; free of what it asks of mappings, a layer takes no longer on it.
#[test]
fn an_architecture_is_written_as_a_file_that_is_simulated_alike() {
    let here = small();
    let costs = |page: Value| (page["cycles"].clone(), page["energy_j"].clone());
    let first = json(&here, &["small.toml", "products.toml", "--architecture", "copy.toml"]);
    assert_eq!(costs(json(&here, &["copy.toml", "products.toml"])), costs(first));
    let gemmini = [
        "gemmini-accelerator",
        "products.toml",
        "array=16",
        "scratchpad_bytes=65536",
        "accumulator_bytes=16384",
    ];
    let objective = ["--objective", "latency", "--architecture", "gemmini.toml"];
    let set = json(&here, &[gemmini.as_slice(), &objective].concat());
    assert!(here.read("gemmini.toml").starts_with("# gemmini-accelerator array=16"));
    let free = json(&here, &["gemmini.toml", "products.toml", "--objective", "latency"]);
    let cycles = |page: &Value| page["cycles"].as_f64().unwrap();
    assert!(cycles(&free) <= cycles(&set), "{free} {set}");
}

// By hand: 12 words in 12 cycles of one word each against 8 multiply-accumulates on one unit; of the energy 1.2 of 1.208 nJ is DRAM's, each tensor of
// four words a third of that. With twice the bandwidth the 12 words take 6 cycles, and the work is what is left.
#[test]
fn why_says_what_bounds_a_layer_and_what_a_step_up_would_give() {
    let here = small();
    let arguments =
        ["small.toml", "products.toml:first", "--mapping", "mapping.toml", "--timeloop-compat", "--why"];
    let why = &json(&here, &arguments)["why"];
    assert_eq!(why["layers"][0]["bound_by"], "bandwidth of DRAM", "{why}");
    assert!(close(&why["layers"][0]["energy_share"], 0.4 / 1.208), "{why}");
    let step = |change: &str| {
        let steps = why["steps"].as_array().unwrap();
        steps.iter().find(|step| step["with"] == change).unwrap_or_else(|| panic!("{change}: {why}"))
    };
    assert_eq!(step("DRAM: twice the bandwidth")["cycles"], 8);
    assert_eq!(step("Buffer: twice the words, at the same energies")["cycles"], 12);
    let page = here.data(&[&["simulate"], arguments.as_slice()].concat());
    for text in ["bound by     bandwidth of DRAM (layers that take 100.0 % of the time)", "-33.3 %"] {
        assert!(page.contains(text), "{text}\n{page}");
    }
}

// A step that cannot be built or run is a row with its reason: the program is longer than the instruction memory, which the next level holds.
#[test]
fn steps_of_a_template_are_its_next_levels() {
    let here = Scratch::new();
    let arguments =
        ["gemmini-accelerator", "dlrm", "array=16", "scratchpad_bytes=65536", "accumulator_bytes=16384"];
    let found = json(&here, &[&arguments[..], &["--effort", "2000", "--why"]].concat());
    let steps = found["why"]["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["with"] == "array 16 -> 32"), "{steps:?}");
}

#[test]
fn bad_input_is_named_with_the_remedy() {
    let here = small();
    here.write("typo.toml", &SMALL.replace("entries", "entires"));
    here.write("tight.toml", &SMALL.replace("entries = 12", "entries = 11"));
    for (arguments, expected) in [
        (vec!["eyeris-like", "alexnet"], "unknown architecture `eyeris-like`; did you mean `eyeriss-like`?"),
        (vec!["eyeriss-like", "alexnt"], "unknown network `alexnt`; did you mean `alexnet`?"),
        (vec!["eyeriss-like", "alexnet:conv6"], "unknown layer `conv6`; did you mean `conv1`?"),
        (vec!["typo.toml", "products.toml"], "unknown field `entires`"),
        (vec!["nowhere.toml", "products.toml"], "nowhere.toml: cannot read"),
        (vec!["small.toml", "products.toml", "--mapping", "mapping.toml"], "is for one layer"),
        (
            vec!["tight.toml", "products.toml:first", "--mapping", "mapping.toml"],
            "mapping.toml: `first` cannot run so: level `Buffer`: tiles of 12 words exceed the 11 that fit",
        ),
    ] {
        let complaint = here.complaint(2, &[&["simulate"], arguments.as_slice()].concat());
        assert!(complaint.contains(expected), "{complaint}");
    }
}

/// The text of a file of Timeloop's results.
fn golden(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../simulators/tests/golden").join(name);
    std::fs::read_to_string(path).expect("the golden files are part of the sources")
}

#[test]
fn the_model_agrees_with_every_value_of_timeloop() {
    let here = Scratch::new();
    for (name, n_cases) in [("timeloop_hand.json", 24), ("timeloop_random.json", 150)] {
        here.write(name, &golden(name));
        let text = here.data(&["simulate", "--check", name]);
        assert!(text.starts_with(&format!("{name}: {n_cases} cases, ")), "{text}");
        assert!(text.ends_with(" values compared: all agree\n"), "{text}");
        let found = json(&here, &["--check", name]);
        assert_eq!(found["cases"], n_cases);
        assert!(found["values_compared"].as_u64().unwrap() > 50 * n_cases);
        assert_eq!(found["differences"], Value::Array(Vec::new()));
    }
}

// The first case has 48 reads of its weights in `Buf`.
#[test]
fn a_value_that_differs_is_named_with_both_sides() {
    let here = Scratch::new();
    let text = golden("timeloop_hand.json");
    assert!(text.contains("\"reads\":48,"));
    here.write("edited.json", &text.replacen("\"reads\":48,", "\"reads\":49,", 1));
    let done = here.run(&["simulate", "--check", "edited.json"]);
    assert_eq!((done.exit, done.notes.as_str()), (Some(3), ""));
    assert!(done.data.contains(": 1 difference in 1 case\n"), "{}", done.data);
    let line = "case `tl01-conv1d-ws`: levels.Buf.Weights.reads: got 48, expected 49";
    assert!(done.data.lines().any(|text| text == line), "{}", done.data);
    let done = here.run(&["simulate", "--check", "edited.json", "--json"]);
    let found: Value = serde_json::from_str(&done.data).unwrap();
    assert_eq!((done.exit, &found["differences"][0]["got"]), (Some(3), &Value::from("48")));
}

#[test]
fn a_file_that_is_not_of_the_format_is_named_with_its_field() {
    let here = Scratch::new();
    let text = golden("timeloop_hand.json");
    for (from, to, expected) in [
        ("\"cases\":", "\"case\":", "missing field `cases`"),
        ("\"id\":", "\"name\":", "`cases[0].id` is missing, expected a string"),
        (
            "\"instances\":1,",
            "\"instances\":\"one\",",
            "case `tl01-conv1d-ws` (`cases[0]`): `arch.mac.instances`: invalid type: string \"one\", expected u64",
        ),
        (
            "\"keep\":[",
            "\"keeps\":[",
            "case `tl01-conv1d-ws` (`cases[0]`): `mapping[0].keeps`: unknown field `keeps`, expected one of `level`",
        ),
        (
            "[\"P\",16]",
            "[\"P\",\"16\"]",
            "`mapping[1].temporal[1][1]`: expected a factor such as 4, or [4, 2] for a bound and a residual",
        ),
        (
            "\"R\":3,",
            "\"R\":3.5,",
            "`workload.dims.R` is missing or no whole number, expected the size of dimension `R`",
        ),
        (
            "\"level\":\"Buf\"",
            "\"level\":\"Bof\"",
            "case `tl01-conv1d-ws` (`cases[0]`): mapping: unknown level `Bof`; did you mean `Buf`?",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        here.write("bad.json", &text.replacen(from, to, 1));
        let complaint = here.complaint(2, &["simulate", "--check", "bad.json"]);
        assert!(complaint.starts_with("error: bad.json: ") && complaint.contains(expected), "{complaint}");
        assert!(complaint.contains("hint: "), "{complaint}");
    }
    here.write("bad.json", "{\"cases\": []}");
    let complaint = here.complaint(2, &["simulate", "--check", "bad.json"]);
    assert_eq!(complaint, "error: bad.json: `cases` is empty, expected at least one case\n");
}

/// The figures of a built-in architecture, as they are in its file.
fn architecture(name: &str) -> toml::Table {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../data/architectures").join(name);
    std::fs::read_to_string(path).expect("part of the sources").parse().expect("TOML")
}

fn same(value: &toml::Value, expected: f64) {
    let value = value.as_float().expect("a number");
    assert!((value - expected).abs() <= 1e-6 * expected, "{value}, expected {expected}");
}

// Claim: the costs in the files are those of the sources that they name.
#[test]
fn built_in_architectures_cost_what_their_sources_say() {
    /// A cycle of 400 MHz.
    const CYCLE_S: f64 = 2.5e-9;
    let edge = architecture("edge-like.toml");
    let node = Node::new(22).unwrap();
    let unit = mac(8, Some(32), node).unwrap();
    same(&edge["mac"]["energy_j"], unit.energy_j);
    same(&edge["mac"]["area_m2"], unit.area_m2);
    let macros = [register_file(64, 8, node).unwrap(), sram(1 << 20, 128, node).unwrap()];
    for (level, cost) in macros.iter().enumerate() {
        let level = &edge["levels"][level];
        same(&level["energy"]["read_j"], cost.read_j);
        same(&level["energy"]["fill_j"], cost.write_j);
        same(&level["energy"]["update_j"], cost.write_j);
        same(&level["energy"]["leak_j_per_cycle"], cost.leakage_w * CYCLE_S);
        same(&level["area_m2"], cost.area_m2);
        assert!(cost.cycle_s <= CYCLE_S);
    }
    same(&edge["levels"][2]["energy"]["read_j"], 8.0 * DramKind::Lpddr4.energy_j_per_bit());

    let eyeriss = architecture("eyeriss-like.toml");
    let unit_j = mac(16, None, Node::new(65).unwrap()).unwrap().energy_j;
    same(&eyeriss["mac"]["energy_j"], unit_j);
    for (level, ratio) in [(0, 1.0), (1, 6.0), (2, 200.0)] {
        for access in ["read_j", "fill_j", "update_j"] {
            same(&eyeriss["levels"][level]["energy"][access], ratio * unit_j);
        }
    }
    same(&eyeriss["levels"][1]["network"]["hop_j"], 2.0 * 0.25 / 1.5 * unit_j);
}

#[test]
fn a_network_runs_on_every_built_in_architecture() {
    let here = Scratch::new();
    for name in ["edge-like", "eyeriss-like"] {
        let found = json(&here, &[name, "alexnet:conv3"]);
        let utilization = found["utilization"].as_f64().unwrap();
        assert!(utilization > 0.1 && utilization <= 1.0, "{name}: {utilization}");
    }
}

#[test]
fn an_accelerator_with_parameters_costs_what_its_environment_says() {
    const DESIGN: [&str; 3] = ["array=16", "scratchpad_bytes=262144", "accumulator_bytes=65536"];
    let here = Scratch::new();
    // As long as the environment looks for mappings.
    let flags = ["gemmini-accelerator", "dlrm", "--effort", "20000", "--gap", "0.01"];
    let simulated = json(&here, &[&flags[..], &DESIGN].concat());
    let asked = ["evaluate", "gemmini-accelerator", "--json", "--set", "env.networks=[\"dlrm\"]"];
    let evaluated: Value = serde_json::from_str(&here.data(&[&asked[..], &DESIGN].concat())).expect("JSON");
    let metric = |name: &str| evaluated["designs"][0]["metrics"][name].as_f64().expect("a metric");
    assert!(close(&simulated["cycles"], metric("latency_s") * 1e9), "{}", simulated["cycles"]);
    assert!(close(&simulated["energy_j"], metric("energy_j")));
    assert!(close(&simulated["area_m2"], metric("area_m2")));

    for (settings, expected) in [
        (["array=15"], "`array` is 15, expected one of 2, 4, 8"),
        (["array=16"], "no value for scratchpad_bytes (1024, "),
        (["arrays=16"], "did you mean `array`?"),
    ] {
        let arguments = [&["simulate", "gemmini-accelerator", "dlrm"], &settings[..]].concat();
        let complaint = here.complaint(2, &arguments);
        assert!(complaint.contains(expected), "{complaint}");
    }
}
