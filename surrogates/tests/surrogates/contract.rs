//! Every learner keeps its contract and says what it is.

use tapeout_core::check::check_surrogate;
use tapeout_surrogates::LEARNERS;

use super::short_training;

/// The headings of a learner's page, in this order.
const HEADINGS: [&str; 4] = ["## Idea", "## Hyperparameters", "## Departures", "## Measured result"];

/// Each learner has a test of its own below, which fails by its name and runs beside the others.
fn keeps_the_contract(id: &str) {
    let entry = LEARNERS.iter().find(|entry| entry.id == id).expect("a row of the table");
    if let Err(findings) = check_surrogate(entry, &short_training(id)) {
        panic!("{id}:\n{findings}");
    }
}

#[test]
fn every_learner_has_a_test_of_its_contract() {
    for entry in LEARNERS {
        let call = format!("    keeps_the_contract(\"{}\");", entry.id);
        assert!(include_str!("contract.rs").contains(&call), "{}", entry.id);
    }
}

#[test]
fn every_page_has_the_same_headings_in_the_same_order() {
    for entry in LEARNERS {
        let found: Vec<&str> = entry.description.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(found, HEADINGS, "{}", entry.id);
        assert!(!entry.summary.is_empty() && !entry.summary.ends_with('.'), "{}", entry.id);
    }
}

#[test]
fn random_forest_keeps_the_contract() {
    keeps_the_contract("random-forest");
}

#[test]
fn boosted_trees_keeps_the_contract() {
    keeps_the_contract("boosted-trees");
}

#[test]
fn gaussian_process_keeps_the_contract() {
    keeps_the_contract("gaussian-process");
}

#[test]
fn mlp_ensemble_keeps_the_contract() {
    keeps_the_contract("mlp-ensemble");
}

#[test]
fn prime_keeps_the_contract() {
    keeps_the_contract("prime");
}

#[test]
fn prime_paper_keeps_the_contract() {
    keeps_the_contract("prime-paper");
}

#[test]
fn coms_keeps_the_contract() {
    keeps_the_contract("coms");
}

#[test]
fn ram_listnet_keeps_the_contract() {
    keeps_the_contract("ram-listnet");
}

#[test]
fn support_proximity_keeps_the_contract() {
    keeps_the_contract("support-proximity");
}

#[test]
fn ridge_keeps_the_contract() {
    keeps_the_contract("ridge");
}

#[test]
fn k_nearest_keeps_the_contract() {
    keeps_the_contract("k-nearest");
}

#[test]
fn svr_keeps_the_contract() {
    keeps_the_contract("svr");
}
