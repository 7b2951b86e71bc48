//! What evaluating one design of `llm-system` costs: random ones at the defaults, feasible or not, and feasible ones alone.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tapeout_core::{BuildEnv, Design, Env, Outcome, Seed};
use tapeout_envs::{LlmSystem, LlmSystemConfig};

fn designs(criterion: &mut Criterion) {
    let env = LlmSystem::build(LlmSystemConfig::default()).expect("the defaults build");
    let mut rng = Seed::new(0).stream("bench");
    let random: Vec<Design> = (0..10_000).map(|_| env.space().sample(&mut rng)).collect();
    let is_feasible = |design: &&Design| matches!(env.evaluate(design), Ok(Outcome::Measured(_)));
    let feasible: Vec<Design> = random.iter().filter(is_feasible).cloned().collect();
    let mut group = criterion.benchmark_group("llm_system");
    for (name, designs) in [("random", &random), ("feasible", &feasible)] {
        group.throughput(Throughput::Elements(designs.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for design in designs {
                    let _ = black_box(env.evaluate(black_box(design)));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, designs);
criterion_main!(benches);
