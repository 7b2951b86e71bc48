//! What each agent proposes first for seed 0, so that no change moves it unseen.
//!
//! Four designs from nothing, then, for another agent of the same seed, eight after a log of 128 random trials, which
//! are enough to start any search proper. A change that is meant is accepted with `INSTA_UPDATE=always`.

use serde_json::Value;
use tapeout_agents::AGENTS;
use tapeout_core::check::toy::Toy;
use tapeout_core::{AgentEntry, Env, Seed, Trial};

use crate::search::search;

fn proposals(entry: &AgentEntry, log: &[Trial], count: usize) -> String {
    let toy = Toy::bowl();
    let mut agent = entry.build(&toy.problem(), &Value::Null, Seed::new(0)).expect("defaults are good");
    if !log.is_empty() {
        agent.observe(log).expect("any log can be learned from");
    }
    let trials = search(agent.as_mut(), &toy, 1, count);
    trials.iter().map(|trial| format!("{:?}\n", trial.design.levels())).collect()
}

#[test]
fn first_proposals_stay_as_they_are() {
    let toy = Toy::bowl();
    let mut rng = Seed::new(0).stream("first proposals");
    let designs = (0..128).map(|_| toy.space().sample(&mut rng));
    let log: Vec<Trial> = designs
        .map(|design| {
            let outcome = toy.evaluate(&design).unwrap();
            toy.problem().trial(design, outcome)
        })
        .collect();
    for entry in AGENTS.iter().filter(|entry| entry.required.is_empty()) {
        let text =
            format!("from nothing\n{}after a log\n{}", proposals(entry, &[], 4), proposals(entry, &log, 8));
        insta::assert_snapshot!(entry.id, text);
    }
}
