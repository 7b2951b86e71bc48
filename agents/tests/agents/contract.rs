//! Every agent keeps its contract, says what it is, and can reach every design.

use serde_json::Value;
use tapeout_agents::AGENTS;
use tapeout_core::Seed;
use tapeout_core::check::check_agent;
use tapeout_core::check::toy::Toy;

use crate::search::search;

/// The headings of an agent's page, in this order.
const HEADINGS: [&str; 4] = ["## Idea", "## Hyperparameters", "## Departures", "## Measured result"];

/// Each agent has a test of its own below, which fails by its name and runs beside the others.
fn keeps_the_contract(id: &str) {
    let entry = AGENTS.iter().find(|entry| entry.id == id).expect("a row of the table");
    if let Err(findings) = check_agent(entry) {
        panic!("{id}:\n{findings}");
    }
}

#[test]
fn every_agent_has_a_test_of_its_contract() {
    for entry in AGENTS.iter().filter(|entry| entry.required.is_empty()) {
        let call = format!("    keeps_the_contract(\"{}\");", entry.id);
        assert!(include_str!("contract.rs").contains(&call), "{}", entry.id);
    }
}

#[test]
fn every_name_stands_once() {
    let mut names: Vec<&str> = AGENTS.iter().map(|entry| entry.id).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), AGENTS.len());
}

#[test]
fn every_page_has_the_same_headings_in_the_same_order() {
    for entry in AGENTS {
        let found: Vec<&str> = entry.description.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(found, HEADINGS, "{}", entry.id);
        assert!(!entry.summary.is_empty() && !entry.summary.ends_with('.'), "{}", entry.id);
    }
}

#[test]
fn every_hyperparameter_is_on_the_page() {
    for entry in AGENTS {
        let defaults = entry.defaults();
        for name in defaults.as_object().expect("config are an object").keys() {
            assert!(entry.description.contains(&format!("`{name}`")), "{}: `{name}`", entry.id);
        }
    }
}

/// In a space tied by rules, and in one where nothing is feasible and so nothing guides the search.
#[test]
fn every_legal_level_of_every_parameter_is_reached() {
    for entry in AGENTS.iter().filter(|entry| entry.required.is_empty()) {
        for toy in [Toy::tied(), Toy::hopeless()] {
            let problem = toy.problem();
            let mut agent = entry.build(&problem, &Value::Null, Seed::new(1)).unwrap();
            let trials = search(agent.as_mut(), &toy, 1, usize::MAX);
            for index in 0..problem.space().n_parameters() {
                for design in problem.space().iter() {
                    let level = design.levels()[index];
                    let is_reached = trials.iter().any(|trial| trial.design.levels()[index] == level);
                    assert!(is_reached, "{}: level {level} of parameter {index}", entry.id);
                }
            }
        }
    }
}

#[test]
fn random_keeps_the_contract() {
    keeps_the_contract("random");
}

#[test]
fn grid_keeps_the_contract() {
    keeps_the_contract("grid");
}

#[test]
fn sa_keeps_the_contract() {
    keeps_the_contract("sa");
}

#[test]
fn ils_keeps_the_contract() {
    keeps_the_contract("ils");
}

#[test]
fn ga_keeps_the_contract() {
    keeps_the_contract("ga");
}

#[test]
fn regularized_evolution_keeps_the_contract() {
    keeps_the_contract("regularized-evolution");
}

#[test]
fn de_keeps_the_contract() {
    keeps_the_contract("de");
}

#[test]
fn pso_keeps_the_contract() {
    keeps_the_contract("pso");
}

#[test]
fn aco_keeps_the_contract() {
    keeps_the_contract("aco");
}

#[test]
fn cma_es_keeps_the_contract() {
    keeps_the_contract("cma-es");
}

#[test]
fn nsga2_keeps_the_contract() {
    keeps_the_contract("nsga2");
}

#[test]
fn nsga3_keeps_the_contract() {
    keeps_the_contract("nsga3");
}

#[test]
fn sms_emoa_keeps_the_contract() {
    keeps_the_contract("sms-emoa");
}

#[test]
fn firefly_keeps_the_contract() {
    keeps_the_contract("firefly");
}

#[test]
fn tpe_keeps_the_contract() {
    keeps_the_contract("tpe");
}

#[test]
fn smac_keeps_the_contract() {
    keeps_the_contract("smac");
}

#[test]
fn gp_keeps_the_contract() {
    keeps_the_contract("gp");
}

#[test]
fn auto_keeps_the_contract() {
    keeps_the_contract("auto");
}

#[test]
fn reinforce_keeps_the_contract() {
    keeps_the_contract("reinforce");
}

#[test]
fn ppo_keeps_the_contract() {
    keeps_the_contract("ppo");
}

#[test]
fn mappo_keeps_the_contract() {
    keeps_the_contract("mappo");
}
