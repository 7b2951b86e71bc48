//! What is searched, and by whom.

use std::num::NonZeroUsize;

use serde_json::{Map, Value, json};
use tapeout::core::Objective;
use tapeout::experiment::comparison::{ComparedAgent, ComparedEnv, ComparisonPlan, Knob, variants};
use tapeout::experiment::{AgentSpec, EnvSpec};

/// Kinds of traffic whose optima are known. ArchGym has two cloud traces; `mixed`, with writes, stands for the second.
pub const WORKLOADS: [&str; 4] = ["stream", "random", "cloud", "mixed"];

/// ArchGym's goals: little power, short latency, both. Power over a run is least for the slowest controller, so it is energy here.
pub const GOALS: [(&str, &[&str]); 3] =
    [("energy", &["energy_j"]), ("latency", &["latency_mean_s"]), ("both", &["energy_j", "latency_mean_s"])];

/// Agents that are compared with their defaults: all but programs of one's own, and NSGA-III, which is for more objectives than any goal has.
pub const AGENTS: [&str; 20] = [
    "random",
    "grid",
    "sa",
    "ils",
    "ga",
    "regularized-evolution",
    "de",
    "pso",
    "aco",
    "cma-es",
    "nsga2",
    "sms-emoa",
    "firefly",
    "tpe",
    "smac",
    "gp",
    "reinforce",
    "ppo",
    "mappo",
    "auto",
];

/// The agents whose hyperparameters are drawn, as in ArchGym one of each family, and the values that are tried.
pub const LOTTERY: [&str; 4] = ["ga", "aco", "sa", "ppo"];

fn knobs(agent: &str) -> Vec<Knob> {
    let knob = |name: &str, values: &[Value]| Knob { name: name.to_owned(), values: values.to_vec() };
    match agent {
        "ga" => vec![
            knob("population", &[json!(10), json!(20), json!(40)]),
            knob("crossover_probability", &[json!(0.5), json!(0.95)]),
            knob("mutation_probability", &[json!(0.05), json!(0.2), json!(0.5)]),
        ],
        "aco" => vec![
            knob("n_ants", &[json!(2), json!(5), json!(20)]),
            knob("evaporation_rate", &[json!(0.05), json!(0.2), json!(0.5)]),
            knob("p_best", &[json!(0.05), json!(0.5)]),
        ],
        "sa" => vec![
            knob("n_initial_points", &[json!(5), json!(20)]),
            knob("initial_temperature", &[json!(0.02), json!(0.1), json!(1.0)]),
            knob("cooling_factor", &[json!(0.8), json!(0.95), json!(0.99)]),
        ],
        "ppo" => vec![
            knob("learning_rate", &[json!(0.0003), json!(0.001), json!(0.01)]),
            knob("n_steps", &[json!(16), json!(64)]),
            knob("ent_coef", &[json!(0.0), json!(0.01), json!(0.1)]),
        ],
        other => unreachable!("invariant: `{other}` is not in the lottery"),
    }
}

/// All environments, agents and variants.
pub fn plan(seeds: u64, trials: NonZeroUsize, samples: NonZeroUsize) -> ComparisonPlan {
    let agent = |id: &str| AgentSpec::named(id);
    let mut agents: Vec<ComparedAgent> =
        AGENTS.iter().map(|id| ComparedAgent { name: (*id).to_owned(), spec: agent(id) }).collect();
    for id in LOTTERY {
        agents.extend(
            variants(&agent(id), &knobs(id), Some(samples))
                .into_iter()
                .map(|variant| ComparedAgent { name: format!("{id} {}", variant.name), ..variant }),
        );
    }
    let env = |(workload, (goal, metrics)): (&str, (&str, &[&str]))| ComparedEnv {
        name: format!("{workload} {goal}"),
        spec: EnvSpec {
            config: Map::from_iter([
                ("workload".to_owned(), json!(workload)),
                ("space".to_owned(), json!("powers")),
            ]),
            ..EnvSpec::named("dram-controller")
        },
        objectives: Some(metrics.iter().map(|metric| Objective::minimize(metric)).collect()),
        constraints: Some(Vec::new()),
        derived: Vec::new(),
    };
    let envs = WORKLOADS.iter().flat_map(|&workload| GOALS.map(|goal| env((workload, goal)))).collect();
    ComparisonPlan { envs, agents, seeds: 0..seeds, trials, batch: NonZeroUsize::MIN, reference: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    // Claim: whoever adds an agent to the catalog is told to compare it here.
    #[test]
    fn all_agents_of_the_catalog_that_suit_the_goals_are_compared() {
        let catalog = tapeout::builtin();
        let is_compared = |id: &&str| !["process", "python", "nsga3"].contains(id);
        let expected: BTreeSet<&str> =
            catalog.agents().iter().map(|entry| entry.id).filter(is_compared).collect();
        assert_eq!(BTreeSet::from(AGENTS), expected);
    }
}
