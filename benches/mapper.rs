//! Time of the mapper: each of the thirty small pairs of `simulators/tests/models/mapper`, and ResNet-50 on one design, searched and cached.

#[path = "../simulators/tests/models/mapper/pairs.rs"]
mod pairs;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_simulators::loop_nest::{Architecture, Einsum, Level, Mac};
use tapeout_simulators::mapper::{MappingCache, MappingConstraints, Objective, Options, best_mapping};
use tapeout_simulators::networks::network;

use pairs::{level, pairs};

/// Name and options of the searches that are timed.
fn options() -> [(&'static str, Options); 2] {
    [("quick", Options::quick()), ("default", Options::default())]
}

/// 16 x 16 units with registers of 256 words, a buffer of 128 Ki words, DRAM.
fn design() -> Architecture {
    let mac = Mac { instances: 256, mesh_x: 16, word_bits: 8, energy_j: 1e-12, area_m2: None };
    let mut buffer = Level { multiple_buffering: 2.0, ..level("GLB", 1, 1, Some(1 << 17), 6e-12) };
    buffer.bandwidth.shared_words_per_cycle = Some(64.0);
    let mut dram = level("DRAM", 1, 1, None, 200e-12);
    dram.bandwidth.shared_words_per_cycle = Some(16.0);
    Architecture::new(mac, vec![level("RF", 256, 16, Some(256), 1e-12), buffer, dram]).expect("well formed")
}

fn small(criterion: &mut Criterion) {
    for (name, options) in options() {
        let mut group = criterion.benchmark_group(format!("mapper, {name}"));
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for pair in pairs() {
            group.bench_function(format!("{} on {}", pair.layer, pair.machine), |bencher| {
                bencher.iter(|| {
                    let einsum = black_box(&pair.einsum);
                    best_mapping(&pair.architecture, einsum, pair.objective, &pair.constraints, options)
                        .expect("the smallest tiles fit")
                });
            });
        }
        group.finish();
    }
}

fn resnet50(criterion: &mut Criterion) {
    let resnet = network("resnet50").expect("built in");
    let mut layers: Vec<_> = resnet.layers().iter().collect();
    layers.sort_by(|a, b| a.op().cmp(b.op()));
    layers.dedup_by(|a, b| a.op() == b.op());
    let einsums: Vec<&Einsum> = layers.iter().map(|layer| layer.einsum()).collect();
    let architecture = design();
    let mut group = criterion.benchmark_group("mapper, every distinct layer of ResNet-50");
    for (name, options) in options() {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let cycles = |einsum: &&Einsum| {
                    let constraints = MappingConstraints::free(&architecture, einsum);
                    best_mapping(&architecture, einsum, Objective::EnergyDelay, &constraints, options)
                        .expect("the smallest tiles fit")
                        .report
                        .cycles
                };
                black_box(&einsums).iter().map(cycles).sum::<u64>()
            });
        });
    }
    let mut cache = MappingCache::new(einsums.len());
    group.bench_function("cached", |bencher| {
        bencher.iter(|| {
            let cycles = |(index, einsum): (usize, &&Einsum)| {
                let ask = || {
                    let constraints = MappingConstraints::free(&architecture, einsum);
                    best_mapping(
                        &architecture,
                        einsum,
                        Objective::EnergyDelay,
                        &constraints,
                        Options::quick(),
                    )
                };
                cache.get_or_search(&index, ask).expect("the smallest tiles fit").report.cycles
            };
            black_box(&einsums).iter().enumerate().map(cycles).sum::<u64>()
        });
    });
    group.finish();
}

criterion_group!(benches, small, resnet50);
criterion_main!(benches);
