//! Every agent that claims to learn beats random search on a problem with a known optimum.
//!
//! A sign test: seed by seed each agent and random search get the same budget, and the better best loss wins; a tie counts as lost. An agent
//! that wins on all of the first 16 seeds, or on 28 of 30, has passed. One no better than random search would do so with a probability
//! of at most 2^-16 + (1 + 30 + 435) / 2^30 = 1.6e-5.

use std::cell::OnceCell;

use rand::RngExt;
use serde_json::Value;
use tapeout_agents::AGENTS;
use tapeout_core::check::toy::Toy;
use tapeout_core::pareto::hypervolume_2d;
use tapeout_core::{AgentEntry, Constraint, Env, Goal, Objective, ObjectiveSupport, Problem, Seed, Trial};

use crate::search::search;

const SEEDS: u64 = 30;
const WINS: usize = 28;
/// So many seeds that are won from the first on are enough.
const FIRST: u64 = 16;
/// Of 30, the seeds on which a search that goes on from a log has to be as good as one that starts from nothing. One to which the log made no
/// difference would be strictly better on so many with probability 768212 / 2^30 = 7.2e-4. On all of the first it is enough, too.
const HELD: usize = 24;

/// Agents that do not learn.
const BASELINES: &[&str] = &["random", "grid"];

/// The agents that learn, each with the number of designs it may evaluate on the bowl (2,359,296 feasible ones).
const LEARNERS: &[(&str, usize)] = &[
    ("nsga2", 1000),
    ("firefly", 200),
    ("ga", 300),
    ("regularized-evolution", 300),
    ("nsga3", 1000),
    ("sms-emoa", 1000),
    ("de", 400),
    ("sa", 200),
    ("pso", 400),
    ("aco", 400),
    ("cma-es", 200),
    ("ils", 200),
    ("tpe", 150),
    ("smac", 100),
    ("gp", 60),
    ("auto", 60),
    ("reinforce", 1000),
    ("ppo", 500),
    ("mappo", 500),
];

/// Searches for fronts, each with its budget on the trade-off between cost and time (1,048,576 designs, 31 on the front).
const FRONT_LEARNERS: &[(&str, usize)] = &[
    ("nsga2", 1000),
    ("nsga3", 1000),
    ("sms-emoa", 1000),
    ("tpe", 200),
    ("smac", 100),
    ("gp", 60),
    ("auto", 60),
];

fn entry(id: &str) -> &'static AgentEntry {
    AGENTS.iter().find(|entry| entry.id == id).unwrap_or_else(|| panic!("no agent is called `{id}`"))
}

fn trials(id: &str, toy: &Toy, seed: u64, budget: usize) -> Vec<Trial> {
    let mut agent =
        entry(id).build(&toy.problem(), &Value::Null, Seed::new(seed)).expect("defaults are good");
    search(agent.as_mut(), toy, 1, budget)
}

/// Least loss; infinite if nothing was feasible.
fn best(trials: &[Trial]) -> f64 {
    trials
        .iter()
        .filter_map(|trial| trial.judgement.accepted())
        .map(|losses| losses[0])
        .fold(f64::INFINITY, f64::min)
}

/// Area dominated below the worst corner of the trade-off: cost 75, time 46.
fn area(trials: &[Trial]) -> f64 {
    let losses = trials.iter().filter_map(|trial| trial.judgement.accepted());
    let front: Vec<[f64; 2]> = losses.map(|losses| [losses[0], losses[1]]).collect();
    hypervolume_2d(&front, [75.0, 46.0]).expect("losses are finite")
}

#[test]
fn every_row_is_tested_or_a_baseline() {
    for entry in AGENTS.iter().filter(|entry| entry.required.is_empty()) {
        let is_tested = LEARNERS.iter().any(|&(id, _)| id == entry.id);
        assert!(is_tested != BASELINES.contains(&entry.id), "{}", entry.id);
    }
    for &(id, _) in LEARNERS {
        for claim in ["comes_closer_than_random_search", "makes_use_of_an_earlier_log"] {
            let call = format!("    {claim}(\"{id}\");");
            assert!(include_str!("learning.rs").contains(&call), "{id} {claim}");
        }
    }
    for &(id, _) in FRONT_LEARNERS {
        assert_eq!(entry(id).objectives, ObjectiveSupport::Any, "{id}");
    }
}

/// Fails unless `holds` of all of the first seeds, or of `least` of all; seeds after the first are asked about only where they decide.
fn enough(what: &str, other: &str, least: usize, holds: impl Fn(u64) -> bool) {
    let first = (0..FIRST).filter(|&seed| holds(seed)).count();
    if first < FIRST as usize {
        let all = first + (FIRST..SEEDS).filter(|&seed| holds(seed)).count();
        assert!(all >= least, "{what} held its own against {other} {all} times of {SEEDS}");
    }
}

fn budget(id: &str) -> usize {
    LEARNERS.iter().find(|&&(learner, _)| learner == id).expect("a learner of the list").1
}

/// Each learner has a test of its own below, which fails by its name and runs beside the others.
fn comes_closer_than_random_search(id: &str) {
    let toy = Toy::bowl();
    let budget = budget(id);
    enough(id, "random search", WINS, |seed| {
        best(&trials(id, &toy, seed, budget)) < best(&trials("random", &toy, seed, budget))
    });
}

#[test]
fn every_search_for_fronts_dominates_more_than_random_search() {
    for &(id, budget) in FRONT_LEARNERS {
        let toy = Toy::tradeoff();
        enough(id, "random search", WINS, |seed| {
            area(&trials(id, &toy, seed, budget)) > area(&trials("random", &toy, seed, budget))
        });
    }
}

/// A log of 128 designs around the optimum, which is not among them: what a learner proposes next is better than what random
/// search does, and as good as what the learner proposes that starts from nothing. An agent that ignores the log is no better in
/// its first 50 designs.
fn makes_use_of_an_earlier_log(id: &str) {
    let toy = Toy::bowl();
    let problem = toy.problem();
    let mut rng = Seed::new(0).stream("log");
    let mut log = Vec::new();
    while log.len() < 128 {
        let nearby = [11, 3, 7, 12, 5].map(|level| rng.random_range(level - 1..=level + 1));
        let design = problem.space().repair(&[nearby.as_slice(), &[2]].concat());
        let trial = problem.trial(design.clone(), toy.evaluate(&design).expect("toys never fail"));
        if trial.judgement.accepted().is_some_and(|losses| losses[0] > 0.0) {
            log.push(trial);
        }
    }
    let searched = |seed| {
        let mut agent = entry(id).build(&problem, &Value::Null, Seed::new(seed)).expect("defaults are good");
        agent.observe(&log).expect("any log can be learned from");
        best(&search(agent.as_mut(), &toy, 1, 50))
    };
    // Both claims ask about the same searches.
    let known: [OnceCell<f64>; SEEDS as usize] = Default::default();
    let first = |seed: u64| *known[seed as usize].get_or_init(|| searched(seed));
    let against = |other: &str, seed| best(&trials(other, &toy, seed, 50));
    let what = format!("{id} with a log");
    enough(&what, "random search", WINS, |seed| first(seed) < against("random", seed));
    enough(&what, "itself without", HELD, |seed| first(seed) <= against(id, seed));
}

/// The time of the trade-off under a limit that its best design reaches: cost at most 25, which one random design in eight keeps. Without
/// the limit the least time costs 30, so a search that does not learn it goes where nothing is acceptable.
#[test]
fn searches_by_models_learn_where_designs_are_acceptable() {
    let toy = Toy::tradeoff();
    let goal = Goal {
        objectives: vec![Objective::minimize("time")],
        constraints: vec![Constraint::at_most("cost", 25.0)],
    };
    let problem = Problem::new(toy.space().clone(), toy.metrics().to_vec(), goal).expect("both are metrics");
    let n_acceptable = |id: &str| -> usize {
        let of_seed = |seed| {
            let agent = entry(id).build(&problem, &Value::Null, Seed::new(seed));
            let mut agent = agent.expect("defaults are good");
            let mut count = 0;
            for _ in 0..60 {
                let design = agent.suggest(1).expect("an agent can go on").remove(0);
                let outcome = toy.evaluate(&design).expect("toys never fail");
                let trial = problem.trial(design, outcome);
                count += usize::from(trial.judgement.accepted().is_some());
                agent.observe(&[trial]).expect("an agent can go on");
            }
            count
        };
        (0..5).map(of_seed).sum()
    };
    let by_chance = n_acceptable("random");
    for id in ["gp", "smac"] {
        let learned = n_acceptable(id);
        assert!(learned >= 2 * by_chance, "{id}: {learned} acceptable designs, {by_chance} at random");
    }
}

#[test]
fn nsga2_comes_closer_than_random_search() {
    comes_closer_than_random_search("nsga2");
}

#[test]
fn firefly_comes_closer_than_random_search() {
    comes_closer_than_random_search("firefly");
}

#[test]
fn ga_comes_closer_than_random_search() {
    comes_closer_than_random_search("ga");
}

#[test]
fn regularized_evolution_comes_closer_than_random_search() {
    comes_closer_than_random_search("regularized-evolution");
}

#[test]
fn nsga3_comes_closer_than_random_search() {
    comes_closer_than_random_search("nsga3");
}

#[test]
fn sms_emoa_comes_closer_than_random_search() {
    comes_closer_than_random_search("sms-emoa");
}

#[test]
fn de_comes_closer_than_random_search() {
    comes_closer_than_random_search("de");
}

#[test]
fn sa_comes_closer_than_random_search() {
    comes_closer_than_random_search("sa");
}

#[test]
fn pso_comes_closer_than_random_search() {
    comes_closer_than_random_search("pso");
}

#[test]
fn aco_comes_closer_than_random_search() {
    comes_closer_than_random_search("aco");
}

#[test]
fn cma_es_comes_closer_than_random_search() {
    comes_closer_than_random_search("cma-es");
}

#[test]
fn ils_comes_closer_than_random_search() {
    comes_closer_than_random_search("ils");
}

#[test]
fn tpe_comes_closer_than_random_search() {
    comes_closer_than_random_search("tpe");
}

#[test]
fn smac_comes_closer_than_random_search() {
    comes_closer_than_random_search("smac");
}

#[test]
fn gp_comes_closer_than_random_search() {
    comes_closer_than_random_search("gp");
}

#[test]
fn auto_comes_closer_than_random_search() {
    comes_closer_than_random_search("auto");
}

#[test]
fn reinforce_comes_closer_than_random_search() {
    comes_closer_than_random_search("reinforce");
}

#[test]
fn ppo_comes_closer_than_random_search() {
    comes_closer_than_random_search("ppo");
}

#[test]
fn mappo_comes_closer_than_random_search() {
    comes_closer_than_random_search("mappo");
}

#[test]
fn nsga2_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("nsga2");
}

#[test]
fn firefly_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("firefly");
}

#[test]
fn ga_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("ga");
}

#[test]
fn regularized_evolution_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("regularized-evolution");
}

#[test]
fn nsga3_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("nsga3");
}

#[test]
fn sms_emoa_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("sms-emoa");
}

#[test]
fn de_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("de");
}

#[test]
fn sa_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("sa");
}

#[test]
fn pso_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("pso");
}

#[test]
fn aco_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("aco");
}

#[test]
fn cma_es_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("cma-es");
}

#[test]
fn ils_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("ils");
}

#[test]
fn tpe_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("tpe");
}

#[test]
fn smac_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("smac");
}

#[test]
fn gp_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("gp");
}

#[test]
fn auto_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("auto");
}

#[test]
fn reinforce_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("reinforce");
}

#[test]
fn ppo_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("ppo");
}

#[test]
fn mappo_makes_use_of_an_earlier_log() {
    makes_use_of_an_earlier_log("mappo");
}
