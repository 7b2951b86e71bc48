//! What a network of your own costs on a built-in architecture: by layer, by level, and in all.

use tapeout_simulators::architectures::architecture;
use tapeout_simulators::loop_nest::Einsum;
use tapeout_simulators::mapper::{MappingConstraints, Objective, Options};
use tapeout_simulators::network_cost::NetworkCost;
use tapeout_simulators::networks::NeuralNetwork;

const NETWORK: &str = r#"
schema = 1
id = "mine"
title = "A convolution, three of its kind with a smaller image, and a classifier"
source = "made up for this example"
layers = [
  { name = "stem", conv2d = { in_channels = 3, out_channels = 16, output = [32, 32], kernel = [3, 3], padding = [2, 2] } },
  { name = "body", conv2d = { in_channels = 16, out_channels = 16, output = [16, 16], kernel = [3, 3], padding = [2, 2] }, count = 3 },
  { name = "head", matmul = { m = 1, n = 10, k = 4096, second = "weight" } },
]
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (machine, network) = (architecture("edge-like")?, NeuralNetwork::from_toml(NETWORK, "mine.toml")?);
    let layers = network.layers().iter().map(|layer| (layer, layer.count() as f64));
    let free = |layer: &Einsum| MappingConstraints::free(&machine, layer);
    let cost =
        NetworkCost::under_best_mappings(&machine, layers, Objective::EnergyDelay, free, Options::default())?;

    // In all: 256 units cannot be faster than the work over 256, and do not always have work.
    assert_eq!(cost.macs(), network.macs() as f64);
    assert!(cost.utilization() <= 1.0 && cost.cycles() >= cost.macs() / 256.0);
    // By layer: three runs of the body take longer than the stem, which has as many multiply-accumulates as one of them.
    let [stem, body, head] = cost.layers() else { return Err("three layers were asked for".into()) };
    assert_eq!((body.name.as_str(), body.runs), ("body", 3.0));
    assert!(body.cycles() > stem.cycles());
    // By level: each of the head's 40,960 weights is used once, so that DRAM, the outermost level, is what it pays for.
    let dram = machine.levels().len() - 1;
    let dram_j: f64 = (0..cost.tensors().len()).map(|tensor| head.access_energy_j(dram, tensor)).sum();
    assert!(dram_j > 0.5 * head.total_energy_j());
    // Levels, the networks below them and arithmetic are everything.
    let by_level: f64 = cost.levels().iter().map(|level| level.energy_j()).sum::<f64>() + cost.mac_energy_j();
    assert!((by_level / cost.energy_j() - 1.0).abs() < 1e-9);
    Ok(())
}
