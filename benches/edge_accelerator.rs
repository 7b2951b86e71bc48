//! What evaluating one design of `edge-accelerator` costs: random ones, each new, most of them infeasible; and one whose
//! mappings are known already.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tapeout_core::{BuildEnv, Env, Seed};
use tapeout_envs::{AcceleratorEnv, EdgeAccelerator, EdgeAcceleratorConfig};

fn evaluate(criterion: &mut Criterion) {
    for id in ["resnet50", "mobilenet-v2", "bert-base"] {
        let config = EdgeAcceleratorConfig { networks: vec![id.to_owned()], ..Default::default() };
        let env = AcceleratorEnv::<EdgeAccelerator>::build(config).expect("the network is built in");
        let mut rng = Seed::new(0).stream("bench");
        criterion.bench_function(&format!("edge-accelerator/random design on {id}"), |bencher| {
            let sample = || env.space().sample(&mut rng);
            bencher.iter_batched(sample, |design| env.evaluate(black_box(&design)), BatchSize::SmallInput);
        });
        let mut rng = Seed::new(0).stream("bench");
        let feasible = std::iter::repeat_with(|| env.space().sample(&mut rng))
            .find(|design| env.evaluate(design).is_ok_and(|outcome| outcome.metrics().is_some()))
            .expect("designs are sampled until one is feasible");
        criterion.bench_function(&format!("edge-accelerator/the same feasible design on {id}"), |bencher| {
            bencher.iter(|| env.evaluate(black_box(&feasible)));
        });
    }
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
