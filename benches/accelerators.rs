//! What evaluating one design of `mapping`, `eyeriss-accelerator` and `gemmini-accelerator` costs at the defaults; and the same designs of
//! `edge-accelerator` as it is compiled in and as a file.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::{BuildEnv, Design, Seed};
use tapeout_envs::{
    AcceleratorEnv, AcceleratorFileEnv, EdgeAccelerator, EyerissAccelerator, GemminiAccelerator, LayerMapping,
};

fn evaluate<E: BuildEnv>(criterion: &mut Criterion) {
    let env = E::build(E::Config::default()).expect("defaults can be used");
    let mut rng = Seed::new(0).stream("bench");
    let designs: Vec<Design> = (0..256).map(|_| env.space().sample(&mut rng)).collect();
    let mut next = designs.iter().cycle();
    criterion.bench_function(&format!("{}/random design", E::ID), |bencher| {
        bencher.iter(|| env.evaluate(black_box(next.next().expect("designs are cycled"))));
    });
}

criterion_group!(
    benches,
    evaluate::<LayerMapping>,
    evaluate::<AcceleratorEnv<EyerissAccelerator>>,
    evaluate::<AcceleratorEnv<GemminiAccelerator>>,
    evaluate::<AcceleratorEnv<EdgeAccelerator>>,
    evaluate::<AcceleratorFileEnv>
);
criterion_main!(benches);
