//! What a suggestion and its observation cost, at trial 1,000 on a space of 14 parameters, for each agent.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::Value;
use tapeout_agents::AGENTS;
use tapeout_core::{
    Agent, Design, DesignSpace, Goal, Metric, Objective, Outcome, Parameter, Problem, Seed, Trial,
};

const TRIALS: usize = 1_000;

/// Twelve ordinals of ten levels and two categories of four; the two metrics, of which the first `n_objectives` are sought, are
/// in conflict.
fn problem(n_objectives: usize) -> Problem {
    let ordinals = (0..12).map(|index| Parameter::integer(&format!("ordinal_{index}"), 0, 9));
    let categories =
        (0..2).map(|index| Parameter::categorical(&format!("category_{index}"), &["a", "b", "c", "d"]));
    let space = DesignSpace::new(ordinals.chain(categories).collect(), Vec::new()).expect("names differ");
    let metrics =
        vec![Metric::new("cost", "", "sum of the levels"), Metric::new("time", "", "and its opposite")];
    let objectives = metrics[..n_objectives].iter().map(|metric| Objective::minimize(&metric.name)).collect();
    Problem::new(space, metrics, Goal { objectives, constraints: Vec::new() }).expect("the metrics are there")
}

fn trial(problem: &Problem, design: Design) -> Trial {
    let sum: u32 = design.levels().iter().sum();
    let time = 1.0 / (1.0 + f64::from(sum)) + f64::from(design.levels()[0]);
    problem.trial(design, Outcome::Measured(vec![f64::from(sum), time]))
}

fn step(agent: &mut dyn Agent, problem: &Problem) {
    let designs = agent.suggest(1).expect("an agent can go on");
    let trials: Vec<Trial> = designs.into_iter().map(|design| trial(problem, design)).collect();
    agent.observe(black_box(&trials)).expect("an agent can go on");
}

fn suggest(criterion: &mut Criterion) {
    for (n_objectives, name) in [(1, "one objective"), (2, "two objectives")] {
        let problem = problem(n_objectives);
        for entry in AGENTS.iter().filter(|entry| entry.required.is_empty()) {
            let warm = || {
                let mut agent = entry.build(&problem, &Value::Null, Seed::new(0)).expect("defaults are good");
                (0..TRIALS).for_each(|_| step(agent.as_mut(), &problem));
                agent
            };
            // A hundred trials each time, so that work done once a generation is shared out.
            criterion.bench_function(&format!("100 suggestions, {name}/{}", entry.id), |bencher| {
                bencher.iter_batched_ref(
                    warm,
                    |agent| (0..100).for_each(|_| step(agent.as_mut(), &problem)),
                    BatchSize::LargeInput,
                );
            });
        }
    }
}

criterion_group!(benches, suggest);
criterion_main!(benches);
