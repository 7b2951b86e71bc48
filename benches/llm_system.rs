//! What evaluating one design of `llm-system` costs: random ones at the defaults, feasible or not, and feasible ones alone.

mod evaluations;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::BuildEnv;
use tapeout_envs::{LlmSystem, LlmSystemConfig};

fn designs(criterion: &mut Criterion) {
    let env = LlmSystem::build(LlmSystemConfig::default()).expect("the defaults build");
    evaluations::random_and_feasible(criterion, "llm_system", &env);
}

criterion_group!(benches, designs);
criterion_main!(benches);
