//! What evaluating one random design of `scratchpad` costs, on the smallest and the largest of MiniMalloc's instances, and what fitting each of the
//! seven instances into its capacity costs.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tapeout_core::{BuildEnv, Design, Env, Seed};
use tapeout_envs::{Scratchpad, ScratchpadConfig};
use tapeout_simulators::scratchpad::{Allocated, MINIMALLOC_BYTE, SCRATCHPADS, allocate_within};

fn designs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scratchpad");
    for instance in ["minimalloc-a", "minimalloc-k"] {
        let config = ScratchpadConfig { instance: instance.to_owned(), ..ScratchpadConfig::default() };
        let env = Scratchpad::build(config).expect("it is built in");
        let mut rng = Seed::new(0).stream("bench");
        let designs: Vec<Design> = (0..100).map(|_| env.space().sample(&mut rng)).collect();
        group.throughput(Throughput::Elements(designs.len() as u64));
        group.bench_function(instance, |bencher| {
            bencher.iter(|| {
                for design in &designs {
                    let _ = black_box(env.evaluate(black_box(design)));
                }
            });
        });
    }
    group.finish();
}

fn fits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scratchpad/fit");
    group.sample_size(10).measurement_time(Duration::from_secs(1));
    for row in SCRATCHPADS {
        let buffers = row.buffers();
        group.bench_function(row.id, |bencher| {
            bencher.iter(|| {
                let found = allocate_within(black_box(&buffers), MINIMALLOC_BYTE, 10_000_000);
                assert!(matches!(found, Allocated::Found(_)), "{}: {found:?}", row.id);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, designs, fits);
criterion_main!(benches);
