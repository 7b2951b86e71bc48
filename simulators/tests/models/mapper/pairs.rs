//! Thirty small layers on architectures: small enough for the exhaustive search to prove the optimum.

use tapeout_simulators::loop_nest::{
    AccessEnergy, Architecture, Bandwidth, Delivery, Einsum, Level, Mac, Network, TensorSet,
};
use tapeout_simulators::mapper::{DimSet, MappingConstraints, Objective};
use tapeout_simulators::networks::{Conv2d, Layer, MatMul, Op, SecondOperand};

pub struct Pair {
    pub layer: &'static str,
    pub machine: &'static str,
    pub objective: Objective,
    pub einsum: Einsum,
    pub architecture: Architecture,
    pub constraints: MappingConstraints,
}

/// Every layer on every machine, objectives taking turns.
pub fn pairs() -> Vec<Pair> {
    let objectives = [Objective::EnergyDelay, Objective::Energy, Objective::Latency];
    let mut pairs = Vec::new();
    for (row, (layer, einsum)) in layers().into_iter().enumerate() {
        for (column, (machine, architecture)) in machines().into_iter().enumerate() {
            let constraints = constraints(machine, &architecture, &einsum);
            let objective = objectives[(row + column) % 3];
            pairs.push(Pair { layer, machine, objective, einsum: einsum.clone(), architecture, constraints });
        }
    }
    pairs
}

fn layers() -> Vec<(&'static str, Einsum)> {
    let conv = |in_channels, out_channels, output: u64, kernel: u64, stride: u64| Conv2d {
        batch: 1,
        in_channels,
        out_channels,
        output: [output; 2],
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        padding: [0; 2],
        groups: 1,
    };
    let matmul = |batch, m, n, k| Op::MatMul(MatMul { batch, m, n, k, second: SecondOperand::Activation });
    let list = [
        ("conv 3x3, 4 to 8, 7x7", Op::Conv2d(conv(4, 8, 7, 3, 1))),
        ("conv 3x3 stride 2, 4 to 8, 6x6", Op::Conv2d(conv(4, 8, 6, 3, 2))),
        ("conv 1x1, 16 to 32, 7x7", Op::Conv2d(conv(16, 32, 7, 1, 1))),
        ("conv 5x5, 1 to 6, 12x12", Op::Conv2d(conv(1, 6, 12, 5, 1))),
        ("depthwise 3x3, 16, 8x8", Op::Conv2d(Conv2d { groups: 16, ..conv(16, 16, 8, 3, 1) })),
        ("product 16x16x16", matmul(1, 16, 16, 16)),
        ("product 13x24x10", matmul(1, 13, 24, 10)),
        ("product 64x8x32", matmul(1, 64, 8, 32)),
        ("vector 1x100x64", matmul(1, 1, 100, 64)),
        ("4 products 12x12x8", matmul(4, 12, 12, 8)),
    ];
    let einsum = |(name, op): (&'static str, Op)| {
        (name, Layer::new(name, op).expect("the layer is well formed").einsum().clone())
    };
    list.map(einsum).into()
}

/// One word of 8 bits at a time, of the same energy whatever is done with it.
pub fn level(name: &str, instances: u64, mesh_x: u64, entries: Option<u64>, word_j: f64) -> Level {
    Level {
        name: name.to_owned(),
        instances,
        mesh_x,
        word_bits: 8,
        block_words: 1,
        cluster_size: 1,
        entries,
        multiple_buffering: 1.0,
        overlaps_fills: None,
        bandwidth: Bandwidth::default(),
        energy: AccessEnergy { read_j: word_j, fill_j: word_j, update_j: word_j, leak_j_per_cycle: 0.0 },
        network: Network::default(),
        reduces_in_place: true,
        area_m2: None,
    }
}

fn shared(mut level: Level, words_per_cycle: f64) -> Level {
    level.bandwidth.shared_words_per_cycle = Some(words_per_cycle);
    level
}

/// Energies are in multiples of that of a multiply-accumulate, as in Chen et al. (2017), doi:10.1109/JSSC.2016.2616357,
/// figure 10: register file 1, global buffer 6, DRAM 200.
fn machines() -> Vec<(&'static str, Architecture)> {
    let mac = |instances, mesh_x| Mac { instances, mesh_x, word_bits: 8, energy_j: 1e-12, area_m2: None };
    let buffer = Level { multiple_buffering: 2.0, ..level("Buffer", 1, 1, Some(512), 6e-12) };
    let dram = || shared(level("DRAM", 1, 1, None, 200e-12), 4.0);
    let mut array = shared(buffer, 32.0);
    array.network = Network { delivery: Delivery::Systolic, ..Network::default() };
    let spatial = vec![
        level("RF", 16, 4, Some(24), 1e-12),
        shared(Level { multiple_buffering: 2.0, ..level("GLB", 1, 1, Some(1024), 6e-12) }, 16.0),
        dram(),
    ];
    let lanes = vec![
        level("Register", 16, 16, Some(4), 0.1e-12),
        level("PE", 4, 4, Some(96), 1e-12),
        shared(level("GLB", 1, 1, Some(768), 6e-12), 16.0),
        dram(),
    ];
    let build = |mac, levels| Architecture::new(mac, levels).expect("the machine is well formed");
    vec![
        ("2 levels, 4x4 array", build(mac(16, 4), vec![array, dram()])),
        ("3 levels, 4x4 PEs", build(mac(16, 4), spatial)),
        ("4 levels, 4 PEs of 4 lanes", build(mac(16, 16), lanes)),
    ]
}

/// Everything is free on the first two machines. On the third, registers hold outputs while they are added up, PEs
/// hold weights and inputs, and lanes run over output channels or columns.
fn constraints(machine: &str, architecture: &Architecture, einsum: &Einsum) -> MappingConstraints {
    let mut constraints = MappingConstraints::free(architecture, einsum);
    if machine.starts_with('4') {
        let (weights, inputs, outputs) = (0, 1, 2);
        let [register, pe, glb, _] = &mut constraints.levels[..] else { unreachable!("four levels") };
        register.must_keep = TensorSet::EMPTY.with(outputs);
        register.may_keep = TensorSet::EMPTY;
        let reduced = (0..einsum.dims().len()).filter(|&dim| !einsum.tensors()[outputs].uses(dim));
        register.temporal = DimSet::of(&reduced.collect::<Vec<_>>());
        pe.must_keep = TensorSet::EMPTY.with(weights).with(inputs);
        pe.may_keep = TensorSet::EMPTY;
        glb.must_keep = TensorSet::EMPTY.with(outputs).with(inputs);
        glb.may_keep = TensorSet::EMPTY.with(weights);
    }
    constraints
}
