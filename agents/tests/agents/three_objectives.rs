//! The searches by models that have a way of their own with three objectives.

use serde_json::{Value, json};
use tapeout_agents::AGENTS;
use tapeout_core::check::toy::Toy;
use tapeout_core::{Design, DesignSpace, Env, Goal, Metric, Objective, Outcome, Problem, Rule, Seed, Trial};

/// The bowl under a rule, and with its first three levels in conflict: each loss is a level, and what the two others lack.
fn problem() -> Problem {
    let names = ["cost", "time", "size"];
    let metrics = names.map(|name| Metric::new(name, "", "a level, and what two others lack")).into();
    let goal = Goal { objectives: names.map(Objective::minimize).into(), constraints: Vec::new() };
    let narrow = Rule::new("narrow", "c + d <= 20", &["c", "d"], |v| v.int("c") + v.int("d") <= 20);
    let space = DesignSpace::new(Toy::bowl().space().parameters().to_vec(), vec![narrow]);
    Problem::new(space.expect("names differ"), metrics, goal).expect("the goal names metrics")
}

fn outcome(design: &Design) -> Outcome {
    let levels = design.levels();
    if levels[0] + levels[1] >= 20 {
        return Outcome::infeasible("too_wide", f64::from(levels[0] + levels[1] - 19));
    }
    let loss = |index: usize| {
        let others = (0..3).filter(|&other| other != index).map(|other| 15 - levels[other]);
        f64::from(1 + 2 * levels[index] + others.sum::<u32>())
    };
    Outcome::Measured((0..3).map(loss).collect())
}

/// Designs in the order proposed, two at a time.
fn proposals(id: &str, settings: &Value, count: usize) -> Vec<Design> {
    let problem = problem();
    let entry = AGENTS.iter().find(|entry| entry.id == id).expect("a row of the table");
    let mut agent = entry.build(&problem, settings, Seed::new(0)).expect("settings are good");
    let mut all = Vec::new();
    while all.len() < count {
        let designs = agent.suggest(2).expect("an agent can go on");
        let trials: Vec<Trial> =
            designs.iter().map(|design| problem.trial(design.clone(), outcome(design))).collect();
        agent.observe(&trials).expect("an agent can go on");
        all.extend(designs);
    }
    all
}

/// 14 designs come before the first model, so both directions are followed and, by `auto`, all its agents asked.
#[test]
fn three_objectives_are_searched_alike_with_one_seed_and_within_the_rules() {
    for (id, settings) in [("gp", json!({})), ("auto", json!({ "n_first": 18 }))] {
        let designs = proposals(id, &settings, 32);
        assert_eq!(designs, proposals(id, &settings, 32), "{id}");
        let problem = problem();
        assert!(designs.iter().all(|design| problem.space().is_legal(design.levels())), "{id}");
        let mut distinct: Vec<&[u32]> = designs.iter().map(Design::levels).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 32, "{id} proposes nothing twice");
    }
}

/// A bound has no meaning where a scalar or a volume is improved, so it is refused, not ignored.
#[test]
fn a_confidence_bound_of_several_objectives_is_refused() {
    let entry = AGENTS.iter().find(|entry| entry.id == "gp").expect("a row of the table");
    let settings = json!({ "acquisition": "upper-confidence-bound" });
    let error = entry.build(&problem(), &settings, Seed::new(0)).err().unwrap().to_string();
    assert!(error.contains("acquisition") && error.contains("one objective"), "{error}");
    assert!(entry.build(&Toy::bowl().problem(), &settings, Seed::new(0)).is_ok());
}
