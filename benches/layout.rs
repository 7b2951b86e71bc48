//! What evaluating one design of `layout-assignment` costs, and finding the best assignment.

mod evaluations;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::BuildEnv;
use tapeout_envs::{LayoutAssignment, LayoutAssignmentConfig};

fn designs(criterion: &mut Criterion) {
    let env = LayoutAssignment::build(LayoutAssignmentConfig::default()).expect("the defaults build");
    evaluations::random_and_feasible(criterion, "layout_assignment", &env, 10_000);
    criterion.bench_function("layout_assignment/optimum", |bencher| {
        bencher.iter(|| black_box(env.graph().optimum(1 << 16)));
    });
}

criterion_group!(benches, designs);
criterion_main!(benches);
