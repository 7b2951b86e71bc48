//! Evaluations per second of the loop-nest model: one by one, and in batches on one core and on two.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tapeout_simulators::architectures::architecture;
use tapeout_simulators::loop_nest::{
    AccessEnergy, Architecture, Bandwidth, Einsum, Evaluator, Factor, Level, LevelText, Mac, Mapping,
    MappingText, Network, Quirks, Report, TensorSpec, Workspace,
};

const BATCH: usize = 4_096;

fn level(name: &str, instances: u64, mesh_x: u64, entries: Option<u64>) -> Level {
    Level {
        name: name.to_owned(),
        instances,
        mesh_x,
        word_bits: 16,
        block_words: 1,
        cluster_size: 1,
        entries,
        multiple_buffering: 1.0,
        overlaps_fills: None,
        bandwidth: Bandwidth { shared_words_per_cycle: Some(16.0), ..Bandwidth::default() },
        energy: AccessEnergy { read_j: 1e-12, fill_j: 1e-12, update_j: 1e-12, leak_j_per_cycle: 0.0 },
        network: Network::default(),
        reduces_in_place: true,
        area_m2: None,
    }
}

/// A 3 x 3 convolution of ResNet-50, 128 channels, 28 x 28.
fn convolution() -> Einsum {
    let dims = [("R", 3), ("S", 3), ("P", 28), ("Q", 28), ("C", 128), ("K", 128)];
    let tensors = [
        TensorSpec::input("Weights", &[&[("C", 1)], &[("K", 1)], &[("R", 1)], &[("S", 1)]]),
        TensorSpec::input("Inputs", &[&[("C", 1)], &[("R", 1), ("P", 1)], &[("S", 1), ("Q", 1)]]),
        TensorSpec::output("Outputs", &[&[("K", 1)], &[("P", 1)], &[("Q", 1)]]),
    ];
    Einsum::new(&dims, &tensors).expect("the layer is well formed")
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

fn loops(list: &[(&str, u64)]) -> Vec<(String, Factor)> {
    list.iter().map(|&(name, bound)| (name.to_owned(), Factor::Perfect(bound))).collect()
}

fn entry(level: &str, keep: &[&str], temporal: &[(&str, u64)]) -> LevelText {
    LevelText {
        level: level.to_owned(),
        keep: names(keep),
        temporal: loops(temporal),
        ..LevelText::default()
    }
}

/// 256 units, a register file each, and `extra` buffers between the global buffer and DRAM.
fn case(extra: usize, quirks: Quirks) -> (Evaluator, Mapping) {
    let mac = Mac { instances: 256, mesh_x: 16, word_bits: 16, energy_j: 1e-12, area_m2: None };
    let mut levels = vec![level("RF", 256, 16, Some(256)), level("GLB", 1, 1, Some(1 << 17))];
    let all = ["Weights", "Inputs", "Outputs"];
    let mut text = vec![
        entry("RF", &["Weights", "Outputs"], &[("Q", 14), ("R", 3)]),
        LevelText {
            spatial_x: loops(&[("K", 16)]),
            spatial_y: loops(&[("C", 16)]),
            ..entry("GLB", &["Inputs", "Outputs"], &[("C", 2), ("S", 3), ("P", 14), ("Q", 2)])
        },
    ];
    for index in 0..extra {
        let name = format!("L{index}");
        levels.push(level(&name, 1, 1, Some(1 << 22)));
        text.push(entry(&name, &all, if index == 0 { &[("K", 2), ("C", 2)] } else { &[] }));
    }
    let outer: &[(&str, u64)] =
        if extra > 0 { &[("K", 4), ("P", 2), ("C", 2)] } else { &[("K", 8), ("P", 2), ("C", 4)] };
    levels.push(level("DRAM", 1, 1, None));
    text.push(entry("DRAM", &all, outer));
    let (architecture, einsum) = (Architecture::new(mac, levels).expect("well formed"), convolution());
    let mapping =
        Mapping::from_text(&MappingText { levels: text }, &architecture, &einsum).expect("known names");
    (Evaluator::new(&architecture, &einsum, quirks).expect("the layer fits 64 bits"), mapping)
}

fn evaluate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loop_nest");
    for (name, extra, quirks) in [
        ("256 PEs, 3 levels", 0, Quirks::default()),
        ("256 PEs, 5 levels", 2, Quirks::default()),
        ("256 PEs, 3 levels, timeloop_compat", 0, Quirks::timeloop_compat()),
        ("256 PEs, 5 levels, timeloop_compat", 2, Quirks::timeloop_compat()),
    ] {
        let (evaluator, mapping) = case(extra, quirks);
        let (mut workspace, mut report) = (Workspace::new(), Report::new());
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                evaluator
                    .evaluate(black_box(&mapping), &mut workspace, &mut report)
                    .expect("the mapping is legal");
                black_box(report.cycles)
            });
        });
    }
    let (evaluator, mapping) = case(0, Quirks::default());
    let mappings = vec![mapping; BATCH];
    group.throughput(Throughput::Elements(BATCH as u64));
    for n_threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads start");
        group.bench_function(format!("256 PEs, 3 levels, batch on {n_threads} cores"), |bencher| {
            bencher.iter(|| {
                pool.install(|| evaluator.evaluate_batch(black_box(&mappings), |report| report.cycles))
            });
        });
    }
    group.finish();
}

/// Row-stationary loops on the built-in `eyeriss-like`: columns of the output along x; taps, then channels along y; windows
/// slide past by columns of the image.
fn priced_hops(hop_j: f64) -> (Evaluator, Mapping) {
    let machine = architecture("eyeriss-like").expect("built in");
    let mut levels = machine.levels().to_vec();
    levels[1].network.hop_j = hop_j;
    let machine = Architecture::new(machine.mac().clone(), levels).expect("well formed");
    let all = ["Weights", "Inputs", "Outputs"];
    let text = vec![
        entry("Scratchpad", &all, &[("C", 4), ("S", 3)]),
        LevelText {
            spatial_x: loops(&[("P", 14)]),
            spatial_y: loops(&[("R", 3), ("K", 4)]),
            ..entry("GlobalBuffer", &all, &[("K", 4), ("Q", 28)])
        },
        entry("DRAM", &all, &[("P", 2), ("K", 8), ("C", 32)]),
    ];
    let einsum = convolution();
    let mapping = Mapping::from_text(&MappingText { levels: text }, &machine, &einsum).expect("known names");
    (Evaluator::new(&machine, &einsum, Quirks::default()).expect("the layer fits 64 bits"), mapping)
}

fn hops(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hops");
    group.throughput(Throughput::Elements(1));
    for (name, hop_j) in [("eyeriss-like, wires for nothing", 0.0), ("eyeriss-like", 1.6e-12)] {
        let (evaluator, mapping) = priced_hops(hop_j);
        let (mut workspace, mut report) = (Workspace::new(), Report::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                evaluator
                    .evaluate(black_box(&mapping), &mut workspace, &mut report)
                    .expect("the mapping is legal");
                black_box(report.energy_j)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, evaluate, hops);
criterion_main!(benches);
