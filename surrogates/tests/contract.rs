//! Every learner keeps its contract and says what it is.

use tapeout_core::check::check_surrogate;
use tapeout_surrogates::LEARNERS;

/// The headings of a learner's page, in this order.
const HEADINGS: [&str; 4] = ["## Idea", "## Hyperparameters", "## Departures", "## Measured result"];

#[test]
fn every_learner_keeps_the_contract() {
    for entry in LEARNERS {
        if let Err(findings) = check_surrogate(entry) {
            panic!("{}:\n{findings}", entry.id);
        }
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
