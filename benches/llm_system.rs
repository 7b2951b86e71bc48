//! What evaluating one design costs: of `llm-system`, of a mixture of experts there, and of `llm-serving`, which is simulated event by event; random
//! ones at the defaults, feasible or not, and feasible ones alone.

mod evaluations;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::BuildEnv;
use tapeout_envs::{LlmServing, LlmServingConfig, LlmSystem, LlmSystemConfig};

fn designs(criterion: &mut Criterion) {
    let env = LlmSystem::build(LlmSystemConfig::default()).expect("the defaults build");
    evaluations::random_and_feasible(criterion, "llm_system", &env, 10_000);
    let config = LlmSystemConfig { model: "mixtral-8x7b".to_owned(), ..LlmSystemConfig::default() };
    let env = LlmSystem::build(config).expect("the model is known");
    evaluations::random_and_feasible(criterion, "llm_system_mixture", &env, 10_000);
    let env = LlmServing::build(LlmServingConfig::default()).expect("the defaults build");
    evaluations::random_and_feasible(criterion, "llm_serving", &env, 200);
}

criterion_group!(benches, designs);
criterion_main!(benches);
