//! Every environment of the table keeps the contract.

use serde_json::Value;
use tapeout_core::check::check_env;
use tapeout_core::{Catalog, EnvEntry, Problem};
use tapeout_envs::ENVS;

fn catalog() -> Catalog {
    ENVS.iter().cloned().fold(Catalog::new(), Catalog::with_env)
}

/// The environments that can be built without a file of one's own; the others are tested with one in their folders.
fn built_in() -> impl Iterator<Item = &'static EnvEntry> {
    ENVS.iter().filter(|entry| entry.required.is_empty())
}

#[test]
fn every_environment_passes_the_conformance_check_with_its_defaults() {
    for entry in built_in() {
        let (env, _) = catalog().build_env(entry.id, &Value::Null).unwrap();
        check_env(env.as_ref()).unwrap_or_else(|findings| panic!("{}:\n{findings}", entry.id));
    }
}

// Claim: what a list says of an environment is what the environment is.
#[test]
fn every_environment_has_as_many_designs_as_it_states() {
    for entry in built_in() {
        let (env, _) = catalog().build_env(entry.id, &Value::Null).unwrap();
        assert_eq!(entry.designs, Some(env.space().cardinality()), "{}", entry.id);
    }
}

#[test]
fn every_default_goal_names_metrics_that_its_environment_has() {
    for entry in built_in() {
        let (env, goal) = catalog().build_env(entry.id, &Value::Null).unwrap();
        let problem = Problem::new(env.space().clone(), env.metrics().to_vec(), goal);
        assert!(problem.is_ok(), "{}: {:?}", entry.id, problem.err());
    }
}

// Claim: the reference pages have the same headings in the same order.
#[test]
fn every_page_has_the_headings_of_the_house() {
    const HEADINGS: [&str; 7] = [
        "## What it models",
        "## Parameters",
        "## Metrics",
        "## Feasibility rules",
        "## Workloads",
        "## How it was validated",
        "## Version history",
    ];
    for entry in ENVS {
        let headings: Vec<&str> = entry.description.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, HEADINGS, "{}", entry.id);
        assert!(entry.description.starts_with(&format!("# {}\n", entry.id)), "{}", entry.id);
    }
}
