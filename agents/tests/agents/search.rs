//! What the tests share: one search of a toy.

use std::collections::HashSet;

use tapeout_core::check::toy::Toy;
use tapeout_core::{Agent, Env, Trial};

/// Proposals per evaluated design beyond which a search counts as stalled.
const MAX_REPETITION: usize = 50;

/// Searches until `budget` different designs are evaluated, or all there are, or the agent is finished; returns the
/// trials in the order observed. A design proposed again is answered from what is known and costs no budget.
///
/// # Panics
/// If the agent fails, or hardly proposes anything new.
pub fn search(agent: &mut dyn Agent, toy: &Toy, batch: usize, budget: usize) -> Vec<Trial> {
    let problem = toy.problem();
    let budget = budget.min(usize::try_from(toy.space().cardinality()).unwrap_or(usize::MAX));
    let (mut known, mut log) = (HashSet::new(), Vec::new());
    while known.len() < budget {
        let designs = agent.suggest(batch).expect("an agent can go on");
        if designs.is_empty() {
            break;
        }
        let answer = |design| {
            let outcome = toy.evaluate(&design).expect("toys never fail");
            problem.trial(design, outcome)
        };
        let trials: Vec<Trial> = designs.into_iter().map(answer).collect();
        agent.observe(&trials).expect("an agent can go on");
        for trial in trials {
            known.insert(trial.design.clone());
            log.push(trial);
        }
        assert!(
            log.len() <= MAX_REPETITION * budget,
            "only {} designs in {} proposals",
            known.len(),
            log.len()
        );
    }
    log
}
