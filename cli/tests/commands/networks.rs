//! Networks and designs in files of other programs.

use serde_json::Value;

use crate::scratch::Scratch;

const TOPOLOGY: &str = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n\
    conv1, 10, 10, 3, 3, 3, 16, 1,\nfc, 1, 1, 1, 1, 1024, 10, 1,\n";

/// By hand: 8 x 8 outputs of 27 products in 16 channels, and 1,024 by 10.
#[test]
fn a_network_of_another_program_is_shown_written_and_simulated() {
    let here = Scratch::new();
    here.write("net.csv", TOPOLOGY);
    let page = here.data(&["network", "import", "net.csv", "--out", "net.toml"]);
    assert!(
        page.contains("37,888 MACs, 10,672 parameters") && page.contains("written to net.toml"),
        "{page}"
    );
    let data: Value = serde_json::from_str(&here.data(&["network", "import", "net.toml", "--json"])).unwrap();
    assert_eq!(
        (&data["form"], &data["macs"], &data["left_out"]),
        (&"TOML".into(), &37_888.into(), &Value::Array(vec![]))
    );
    let simulated = |file: &str| -> Value {
        serde_json::from_str(&here.data(&["simulate", "eyeriss-like", file, "--json"])).unwrap()
    };
    assert_eq!(simulated("net.csv:conv1")["cycles"], simulated("net.toml:conv1")["cycles"]);
}

/// A file that is there is never an unknown name, and one that is not is a file that cannot be read.
#[test]
fn a_file_in_the_place_of_a_network_is_spoken_of_as_one() {
    let here = Scratch::new();
    here.write("net.yaml", "a: [1");
    here.write("net.onnx", "hello");
    here.write("net.m", "Network N {");
    here.write("net.csv", "a,b\n1,2\n");
    let complaint = |name: &str| here.complaint(2, &["simulate", "edge-like", name]);
    assert!(complaint("net.yaml").starts_with("error: net.yaml:"));
    assert!(complaint("net.onnx").starts_with("error: net.onnx: is no ONNX model"));
    assert!(complaint("net.m").starts_with("error: net.m:1: the file ends"));
    assert!(complaint("net.csv").starts_with("error: net.csv:1: the first row names the columns of neither"));
    assert!(complaint("other.onnx").starts_with("error: other.onnx: cannot be read"));
    assert!(complaint("resnet5").starts_with("error: unknown network `resnet5`"));
}

const DESIGN: &str = "\
architecture:
  nodes:
  - !Component {name: DRAM, class: DRAM, attributes: {width: 64, datawidth: 16, flavour: mint}}
  - !Component {name: buffer, class: storage, attributes: {width: 16, datawidth: 16, depth: 64}}
  - !Component {name: mac, class: intmac, spatial: {meshX: 2}}
problem:
  instance: {C: 2, M: 4, P: 3}
mapping:
- {target: DRAM, type: temporal, factors: [P=3], permutation: [P]}
- {target: buffer, type: temporal, factors: [M=4], permutation: [M]}
- {target: buffer, type: spatial, factors: [C=2], permutation: [C], split: 1}
";

/// By hand: two products at once, so 2 * 4 * 3 / 2 = 12 cycles.
#[test]
fn a_design_of_timeloop_becomes_files_that_are_simulated() {
    let here = Scratch::new();
    here.write("design.yaml", DESIGN);
    let said = here.data(&["timeloop", "design.yaml", "--out", "read"]);
    assert!(said.contains("written to read/mapping.toml"), "{said}");
    assert!(said.contains("note: design.yaml:3: `flavour` of `DRAM` is not read"), "{said}");
    assert!(said.contains("note: no file has energies"), "{said}");
    let simulated = here.data(&[
        "simulate",
        "read/architecture.toml",
        "read/network.toml:problem",
        "--mapping",
        "read/mapping.toml",
        "--json",
    ]);
    let simulated: Value = serde_json::from_str(&simulated).unwrap();
    assert_eq!(simulated["cycles"], 12, "{simulated}");
    here.write("empty.yaml", "a: 1\n");
    let complaint = here.complaint(2, &["timeloop", "empty.yaml", "--out", "none"]);
    assert!(complaint.contains("no `architecture`, `problem` or `mapping`"), "{complaint}");
}

/// By hand: sums over the two units take 2 * 3 / 2 cycles; where a constraint keeps `C` from running over them, one unit does all 6. Nothing costs
/// energy here, so the fewest cycles are best.
#[test]
fn constraints_of_timeloop_hold_the_search_for_mappings() {
    let here = Scratch::new();
    let free = DESIGN.replace("M: 4", "M: 1").replace("mapping:", "unused:");
    let units = "spatial: {meshX: 2}}";
    assert!(free.contains(units), "{free}");
    let held = "spatial: {meshX: 2}, constraints: {spatial: {factors: [C=1, P=1], permutation: [C, P]}}}";
    here.write("held.yaml", &free.replace(units, held));
    let said = here.data(&["timeloop", "held.yaml", "--out", "held"]);
    assert!(said.contains("written to held/dataflow.toml") && !said.contains("constraint"), "{said}");
    let simulate = ["simulate", "held/architecture.toml", "held/network.toml", "--timeloop-compat", "--json"];
    let cycles = |more: &[&str]| {
        let simulated: Value = serde_json::from_str(&here.data(&[&simulate, more].concat())).unwrap();
        simulated["cycles"].clone()
    };
    assert_eq!((cycles(&[]), cycles(&["--dataflow", "held/dataflow.toml"])), (3.into(), 6.into()));

    let refused = |machine: &str, workload: &str, file: &str, settings: &[&str]| {
        let arguments = [&["simulate", machine, workload][..], settings, &["--dataflow", file]].concat();
        here.complaint(2, &arguments)
    };
    here.write("level.toml", "[levels.PE]\nspatial_x = [\"K\"]\n");
    let complaint = refused("held/architecture.toml", "held/network.toml", "level.toml", &[]);
    assert!(complaint.contains("level.toml: `levels.PE`: ") && complaint.contains("buffer"), "{complaint}");
    let complaint = refused("held/architecture.toml", "bert-base:query", "held/dataflow.toml", &[]);
    assert!(complaint.contains("is no dimension of a matrix product, expected all, outputs"), "{complaint}");
    let settings = ["array=16", "scratchpad_bytes=262144", "accumulator_bytes=65536"];
    let complaint = refused("gemmini-accelerator", "alexnet:conv5", "held/dataflow.toml", &settings);
    assert!(complaint.contains("`gemmini-accelerator` has a dataflow of its own"), "{complaint}");
    let complaint = refused("held/architecture.toml", "held/network.toml", "held.yaml", &[]);
    assert!(complaint.contains("held.yaml: a dataflow is read from TOML"), "{complaint}");
}

/// The same design as a template over a file beside it.
#[test]
fn templates_of_timeloop_are_read_with_what_they_include() {
    let here = Scratch::new();
    let (machine, rest) = DESIGN.split_once("problem:").unwrap();
    here.write(
        "machine.yaml",
        &machine.replace("depth: 64", "depth: '{{kib}} * 512'").replace(", flavour: mint", ""),
    );
    here.write("top.yaml.jinja2", &format!("{{{{include_text('machine.yaml')}}}}\nproblem:{rest}"));
    let complaint = here.complaint(2, &["timeloop", "top.yaml.jinja2", "--out", "read"]);
    assert!(
        complaint.starts_with("error: machine.yaml:4: a name of the template stands for nothing"),
        "{complaint}"
    );
    here.data(&["timeloop", "top.yaml.jinja2", "--define", "kib=2", "--out", "read"]);
    assert!(
        here.read("read/architecture.toml").contains("entries = 1024"),
        "{}",
        here.read("read/architecture.toml")
    );
    let complaint = here.complaint(2, &["timeloop", "top.yaml.jinja2", "--define", "kib", "--out", "read"]);
    assert!(complaint.contains("expected `NAME=VALUE`"), "{complaint}");
}

/// A convolution of a volume: neither a convolution of images nor a product.
const VOLUME: &str = "\
problem:
  shape:
    dimensions: [C, M, D, P, Q, T, R, S]
    data_spaces:
    - {name: Filter, projection: [[[M]], [[C]], [[T]], [[R]], [[S]]]}
    - {name: Image, projection: [[[C]], [[D], [T]], [[P], [R]], [[Q], [S]]]}
    - {name: Sums, projection: [[[M]], [[D]], [[P]], [[Q]]], read_write: true}
  instance: {C: 4, M: 8, D: 4, P: 8, Q: 8, T: 3, R: 3, S: 3, Depth: 7}
";

/// Claim: a layer of dimensions of its own runs wherever layers do, and what is imported of it is the same.
#[test]
fn a_contraction_is_a_layer_like_any_other() {
    let here = Scratch::new();
    here.write("volume.yaml", VOLUME);
    let said = here.data(&["network", "import", "volume.yaml", "--out", "volume.toml"]);
    assert!(said.contains("contraction over C 4, M 8") && said.contains("Depth"), "{said}");
    let simulated = |file: &str| -> Value {
        serde_json::from_str(&here.data(&["simulate", "edge-like", file, "--effort", "2000", "--json"]))
            .unwrap()
    };
    assert_eq!(simulated("volume.yaml:problem")["cycles"], simulated("volume.toml:problem")["cycles"]);
    for env in ["edge-accelerator", "eyeriss-accelerator", "gemmini-accelerator"] {
        let out = format!("run-{env}");
        let file = "env.networks=[\"volume.toml\"]";
        let done = here.data(&[
            "search", "--env", env, "--set", file, "--agent", "random", "--trials", "4", "--json", "--out",
            &out,
        ]);
        let summary: Value = serde_json::from_str(&done).unwrap();
        assert_eq!(summary["summary"]["trials"], 4, "{env}: {done}");
    }
}
