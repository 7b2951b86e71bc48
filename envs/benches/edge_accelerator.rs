//! What evaluating one design of `edge-accelerator` costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::{BuildEnv, Design, Env, Seed};
use tapeout_envs::{EdgeAccelerator, EdgeAcceleratorConfig};

fn evaluate(criterion: &mut Criterion) {
    for id in ["resnet50", "mobilenet-v2", "bert-base"] {
        let config = EdgeAcceleratorConfig { networks: vec![id.to_owned()], ..Default::default() };
        let env = EdgeAccelerator::build(config).expect("the network is built in");
        let mut rng = Seed::new(0).stream("bench");
        let designs: Vec<Design> = (0..256).map(|_| env.space().sample(&mut rng)).collect();
        let mut next = designs.iter().cycle();
        criterion.bench_function(&format!("edge-accelerator/random design on {id}"), |bencher| {
            bencher.iter(|| env.evaluate(black_box(next.next().expect("designs are cycled"))));
        });
    }
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
