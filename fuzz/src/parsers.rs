//! Everything that reads bytes of other people, a function each: it may refuse them, but it must end, and not panic.
//!
//! Fuzz targets call these, and so does a test of the program (`cli/tests/commands/fuzz.rs`), which needs no nightly toolchain.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tapeout::core::check::toy::Toy;
use tapeout::core::{Definition, ModelFile, Problem, Saved};
use tapeout::envs::TuningFile;
use tapeout::experiment::Spec;
use tapeout::experiment::dataset::{Dataset, import};
use tapeout::experiment::log::{Header, LogReader};
use tapeout::gpu::Table;
use tapeout::offline::proposals::Proposals;
use tapeout::simulators::accelerator_file::AcceleratorFile;
use tapeout::simulators::layout::LayoutGraph;
use tapeout::simulators::llm_system::serving::requests_from_csv;
use tapeout::simulators::llm_system::{
    Cluster, GradientExchange, LanguageModel, NodeTraffic, Offload, OptimizerState, PipelineSchedule,
    Recompute, TensorCommunication, TrainingPlan, training_step,
};
use tapeout::simulators::loop_nest::timeloop;
use tapeout::simulators::networks::{Dimensions, import_network};
use tapeout::simulators::task_graph::TaskGraph;
use tapeout::simulators::{architectures, dram};

/// What is given bytes.
pub type Parser = fn(&[u8]);

/// Each by the name of its target, which is also that of its folder in `corpus`.
pub const PARSERS: &[(&str, Parser)] = &[
    ("accelerator", accelerator),
    ("architecture", architecture),
    ("columns", columns),
    ("dataset", dataset),
    ("expression", expression),
    ("kernel_table", kernel_table),
    ("language_model", language_model),
    ("layout_graph", layout_graph),
    ("log", log),
    ("model", model),
    ("network_csv", network_csv),
    ("network_onnx", network_onnx),
    ("network_toml", network_toml),
    ("proposals", proposals),
    ("protocol", protocol),
    ("requests", requests),
    ("spec", spec),
    ("task_graph", task_graph),
    ("timeloop_design", timeloop_design),
    ("timeloop_results", timeloop_results),
    ("trace", trace),
    ("tuning_file", tuning_file),
];

/// A spec, and what it is written as again.
pub fn spec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(spec) = Spec::parse(text, Path::new("spec.toml")) {
        let _ = spec.to_toml();
    }
}

/// A log: its header, and lines of trials behind one that is right, packed or not.
pub fn log(bytes: &[u8]) {
    let problem = Toy::bowl().problem();
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Header::parse(text.lines().next().unwrap_or_default());
    }
    with_file("trials.jsonl", bytes, |path| {
        if let Ok((_, log)) = LogReader::open(path, &problem) {
            // A reader goes on behind an error; a line is enough.
            for record in log {
                if record.is_err() {
                    break;
                }
            }
        }
    });
}

/// An architecture in TOML.
pub fn architecture(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = architectures::from_toml(text, "architecture.toml");
}

/// An accelerator with parameters, and its first designs.
pub fn accelerator(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = AcceleratorFile::from_toml(text, "accelerator.toml", &BTreeMap::new());
}

/// A network in TOML.
pub fn network_toml(bytes: &[u8]) {
    network("network.toml", bytes);
}

/// A network as a topology of SCALE-Sim.
pub fn network_csv(bytes: &[u8]) {
    network("network.csv", bytes);
}

/// A network in ONNX.
pub fn network_onnx(bytes: &[u8]) {
    network("network.onnx", bytes);
}

fn network(name: &str, bytes: &[u8]) {
    with_file(name, bytes, |path| {
        let _ = import_network(path, &Dimensions::new());
    });
}

/// A design of Timeloop, a template or not.
pub fn timeloop_design(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = timeloop::read_design(&[("design.yaml", text)], &[]);
}

/// Results of Timeloop.
pub fn timeloop_results(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = timeloop::read(text);
}

/// What was measured of GPU kernels.
pub fn kernel_table(bytes: &[u8]) {
    let _ = Table::parse(Path::new("table.jsonl"), bytes);
}

/// A cache of Kernel Tuner, results in T4 or the output of KTT, and its space.
pub fn tuning_file(bytes: &[u8]) {
    if let Ok(file) = TuningFile::read(bytes, None) {
        let _ = file.listed_space();
    }
    let _ = TuningFile::read(br#"{"results": []}"#, Some(bytes));
}

/// A model, by whichever learner it names; of anything else, as what each learner saved.
pub fn model(bytes: &[u8]) {
    let space = Toy::bowl().problem().space().clone();
    let file = ModelFile::from_bytes(bytes);
    for learner in tapeout::builtin().learners() {
        let _ = match &file {
            Ok(file) => learner.load(&space, &file.saved),
            // What a learner saved is behind a checksum in a file.
            Err(_) => {
                let payload = bytes.to_vec();
                learner
                    .load(&space, &Saved { learner: learner.id.to_owned(), schema: learner.schema, payload })
            }
        };
    }
}

/// The manifest of a data set whose table is `table.csv`.
pub fn dataset(bytes: &[u8]) {
    with_file("dataset.toml", bytes, |path| {
        let folder = path.parent().unwrap_or(path);
        let _ = Dataset::read(&tapeout::builtin(), folder);
    });
}

/// What the columns of a log mean, and the log: up to the first line `---` the former.
pub fn columns(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (columns, table) = text.split_once("\n---\n").unwrap_or((text, ""));
    with_file("log.csv", table.as_bytes(), |path| {
        if let Ok(columns) = import::columns::LogColumns::parse(columns) {
            let _ = import::import(&[path.to_owned()], &columns);
        }
        let _ = import::draft(path);
    });
}

/// Proposals of an offline search.
pub fn proposals(bytes: &[u8]) {
    with_file("proposals.json", bytes, |path| {
        let _ = Proposals::read(path);
    });
}

/// What a program tells a run of what it was asked about.
pub fn protocol(bytes: &[u8]) {
    thread_local! {
        static ASKED: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
    }
    ASKED.with(|asked| {
        let asked = asked.get_or_init(|| tempfile::tempdir().expect("a folder for a run"));
        let (run, told) = (asked.path().join("run"), asked.path().join("told.json"));
        fs::write(&told, bytes).expect("room for what is told");
        let call = |words: &[OsString]| {
            let words = [OsString::from("tapeout")].into_iter().chain(words.iter().cloned());
            let _ = tapeout_cli::answer_of(words, &tapeout::builtin(), &Arc::new(AtomicBool::new(false)));
        };
        let ask: [OsString; 5] = [
            "ask".into(),
            run.clone().into(),
            "--env".into(),
            "gpu-gemm-model".into(),
            "--agent=random".into(),
        ];
        if !run.exists() {
            call(&ask);
        }
        call(&["tell".into(), run.into(), told.into()]);
    });
}

/// A metric of others.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(definition) = text.parse::<Definition>() else { return };
    let toy: Problem = Toy::tradeoff().problem();
    if let Ok(problem) = Problem::with_definitions(
        toy.space().clone(),
        toy.metrics().to_vec(),
        vec![definition],
        toy.goal().clone(),
    ) {
        let _ = problem.quantity_values(&[1.5, 0.0]);
    }
}

/// Tasks and messages between them.
pub fn task_graph(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = TaskGraph::from_toml(text);
}

/// The shape of a language model, and what it comes to.
pub fn language_model(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(model) = LanguageModel::from_toml(text) {
        let _ = model.parameters();
        let plan = TrainingPlan {
            tensor: 4,
            pipeline: 2,
            data: 2,
            expert: 2,
            interleave: 1,
            microbatch: 1,
            batch: 8,
            recompute: Recompute::Attention,
            communication: TensorCommunication::Sequence { gathers_again: true },
            node_traffic: NodeTraffic::Tensor,
            optimizer: OptimizerState::Sharded,
            gradients: GradientExchange::Overlapped,
            offload: Offload::default(),
            schedule: PipelineSchedule::OneForwardOneBackward,
        };
        if let Ok(step) = training_step(&model, &Cluster::a100_published(), &plan) {
            assert!(step.step_s > 0.0 && step.step_s.is_finite(), "a step takes time");
        }
    }
}

/// Tensors, operators and their kernels, and the best layouts.
pub fn layout_graph(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(graph) = LayoutGraph::from_toml(text) {
        let _ = graph.optimum(1 << 12);
    }
}

/// Requests to a language model.
pub fn requests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = requests_from_csv(text);
}

/// Requests to a memory.
pub fn trace(bytes: &[u8]) {
    let _ = dram::read_trace(bytes);
}

/// Does something with a file of these bytes.
fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    thread_local! {
        static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder for files"));
        let path: PathBuf = folder.path().join(name);
        fs::write(&path, bytes).expect("room for a file");
        read(&path);
    });
}
