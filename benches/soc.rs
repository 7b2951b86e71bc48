//! What evaluating one design of `soc` costs: random ones of each workload, feasible or not, and feasible ones alone.

mod evaluations;

use criterion::{Criterion, criterion_group, criterion_main};
use tapeout_core::BuildEnv;
use tapeout_envs::{SocConfig, SocDesign};

fn designs(criterion: &mut Criterion) {
    for workload in ["audio-decoder", "cava", "edge-detection"] {
        let config = SocConfig { workload: workload.to_owned(), ..SocConfig::default() };
        let env = SocDesign::build(config).expect("built-in workloads build");
        evaluations::random_and_feasible(criterion, &format!("soc_{workload}"), &env, 10_000);
    }
}

criterion_group!(benches, designs);
criterion_main!(benches);
