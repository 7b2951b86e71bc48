//! One layer on one architecture written in TOML, with a mapping written in TOML.

use tapeout_simulators::loop_nest::{
    Architecture, Evaluator, Mapping, MappingText, Quirks, Report, Workspace,
};
use tapeout_simulators::networks::{Layer, MatMul, Op, SecondOperand};

/// Four units in a row under a buffer. Energies are made up, so that sums are easy to follow.
const ARCHITECTURE: &str = r#"
mac = { instances = 4, mesh_x = 4, word_bits = 8, energy_j = 1e-12 }

[[levels]]
name = "Buffer"
instances = 1
mesh_x = 1
word_bits = 8
entries = 1024
energy = { read_j = 0.0, fill_j = 0.0, update_j = 0.0 }

[[levels]]
name = "DRAM"
instances = 1
mesh_x = 1
word_bits = 8
energy = { read_j = 100e-12, fill_j = 100e-12, update_j = 100e-12 }
"#;

/// The whole layer is loaded once; four columns of the result are worked on at a time.
const MAPPING: &str = r#"
[[levels]]
level = "Buffer"
keep = ["Weights", "Inputs", "Outputs"]
temporal = [["M", 8], ["N", 2], ["K", 8]]
spatial_x = [["N", 4]]

[[levels]]
level = "DRAM"
keep = ["Weights", "Inputs", "Outputs"]
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let architecture: Architecture = toml::from_str(ARCHITECTURE)?;
    let product = MatMul { batch: 1, m: 8, n: 8, k: 8, second: SecondOperand::Weight };
    let layer = Layer::new("fc", Op::MatMul(product))?;
    let mapping: MappingText = toml::from_str(MAPPING)?;
    let mapping = Mapping::from_text(&mapping, &architecture, layer.einsum())?;

    let evaluator = Evaluator::new(&architecture, layer.einsum(), Quirks::default())?;
    let mut report = Report::new();
    evaluator.evaluate(&mapping, &mut Workspace::new(), &mut report)?;

    // 8 * 8 * 8 multiply-accumulates on 4 units.
    assert_eq!(report.cycles, 128);
    assert_eq!(report.utilization, 1.0);
    // Three matrices of 64 words pass DRAM once each, at 100 pJ a word; each multiply-accumulate takes 1 pJ.
    let expected_j = 3.0 * 64.0 * 100e-12 + 512.0 * 1e-12;
    assert!((report.energy_j - expected_j).abs() < 1e-9 * expected_j);
    Ok(())
}
