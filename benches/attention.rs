//! What evaluating one design of `attention-accelerator` costs: random ones at the defaults, feasible or not, and feasible ones alone; and
//! what finding the best fusion of BERT-base costs, all 120 stages.

mod evaluations;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::BuildEnv;
use tapeout_envs::{AttentionAccelerator, AttentionAcceleratorConfig};
use tapeout_simulators::attention::AttentionMachine;
use tapeout_simulators::fusion::{FusionGoal, best_fusion};
use tapeout_simulators::transformer::transformer;

fn designs(criterion: &mut Criterion) {
    let env = AttentionAccelerator::build(AttentionAcceleratorConfig::default()).expect("the defaults build");
    evaluations::random_and_feasible(criterion, "attention_accelerator", &env, 10_000);
}

fn fusion(criterion: &mut Criterion) {
    let machine = AttentionMachine {
        side: 256,
        lanes: 256,
        cycles_per_mac: 1.0,
        clock_hz: 940e6,
        buffer_byte: f64::from(16 << 20),
        dram_byte_per_s: 400e9,
    };
    let model = transformer("bert-base").expect("it is built in");
    criterion.bench_function("attention_accelerator/fuse_bert", |bencher| {
        bencher.iter(|| {
            let cascade = model.cascade(black_box(1024), 2.0).expect("its stages run in their order");
            let alone = model.alone(&cascade, &machine, 2.0);
            best_fusion(&cascade, &(&machine).into(), FusionGoal::Traffic, &alone)
        });
    });
}

criterion_group!(benches, designs, fusion);
criterion_main!(benches);
