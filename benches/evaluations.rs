//! What evaluating one design of an environment costs.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tapeout_core::{Design, Env, Outcome, Seed};

/// Times `n` random designs of `env`, feasible or not, and the feasible ones of them alone.
pub fn random_and_feasible(criterion: &mut Criterion, group: &str, env: &dyn Env, n: usize) {
    let mut rng = Seed::new(0).stream("bench");
    let random: Vec<Design> = (0..n).map(|_| env.space().sample(&mut rng)).collect();
    let is_feasible = |design: &&Design| matches!(env.evaluate(design), Ok(Outcome::Measured(_)));
    let feasible: Vec<Design> = random.iter().filter(is_feasible).cloned().collect();
    let mut group = criterion.benchmark_group(group);
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
