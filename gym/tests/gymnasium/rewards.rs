//! Rewards of judgements, worked out by hand.

use tapeout::core::{Constraint, DesignSpace, Goal, Metric, Objective, Outcome, Parameter, Problem};
use tapeout::gymnasium::{RewardPolicy, Scalarization};

/// Latency is minimised with a limit of 4, throughput maximised.
fn problem() -> Problem {
    let space = DesignSpace::new(vec![Parameter::integer("x", 0, 1)], Vec::new()).unwrap();
    let metrics = ["latency_s", "throughput_per_s"].map(|name| Metric::new(name, "", "a number")).into();
    let goal = Goal {
        objectives: vec![Objective::minimize("latency_s"), Objective::maximize("throughput_per_s")],
        constraints: vec![Constraint::at_most("latency_s", 4.0)],
    };
    Problem::new(space, metrics, goal).unwrap()
}

fn reward(policy: &RewardPolicy, outcome: &Outcome) -> f64 {
    let problem = problem();
    policy.check(&problem).unwrap();
    policy.reward(&problem, &problem.judge(outcome))
}

/// Latency 2 s, throughput 5/s: losses 2 and -5. With weights 3 and 0.5: -(6 - 2.5) = -3.5.
#[test]
fn weighted_sums_by_hand() {
    let outcome = Outcome::Measured(vec![2.0, 5.0]);
    assert_eq!(reward(&RewardPolicy::weighted_sum(), &outcome), 3.0);
    let scalarization = Scalarization::WeightedSum { weights: Some(vec![3.0, 0.5]) };
    let policy = RewardPolicy { scalarization, ..RewardPolicy::weighted_sum() };
    assert_eq!(reward(&policy, &outcome), -3.5);
}

/// Target 3 s, got 2 s: 3 / 1. Target 10/s, got 5/s: 10 / 5. Met exactly: 1 / 0.01 each.
#[test]
fn targets_by_hand() {
    let policy = RewardPolicy::target(vec![3.0, 10.0]);
    assert_eq!(reward(&policy, &Outcome::Measured(vec![2.0, 5.0])), 5.0);
    assert!((reward(&policy, &Outcome::Measured(vec![3.0, 10.0])) - 200.0).abs() < 1e-9);
}

/// Latency 6 s against a limit of 4 s is half the limit beyond it: 0.5 less.
#[test]
fn a_constraint_costs_its_relative_violation() {
    let mut policy = RewardPolicy::weighted_sum();
    assert_eq!(reward(&policy, &Outcome::Measured(vec![6.0, 5.0])), -1.5);
    policy.violation_weight = 10.0;
    assert_eq!(reward(&policy, &Outcome::Measured(vec![6.0, 5.0])), -6.0);
}

#[test]
fn infeasible_designs_get_the_reward_that_was_set_for_them() {
    let mut policy = RewardPolicy::weighted_sum();
    assert_eq!(reward(&policy, &Outcome::infeasible("capacity", 9.0)), -1.0);
    policy.infeasible = -77.0;
    assert_eq!(reward(&policy, &Outcome::infeasible("capacity", 9.0)), -77.0);
    assert_eq!(reward(&RewardPolicy::target(vec![1.0, 1.0]), &Outcome::infeasible("capacity", 9.0)), 0.0);
}

#[test]
fn a_policy_that_does_not_suit_names_its_setting() {
    let refusal = |policy: RewardPolicy| policy.check(&problem()).unwrap_err().to_string();
    assert_eq!(
        refusal(RewardPolicy::target(vec![1.0])),
        "reward `targets`: got 1 numbers, expected 2, one for each objective"
    );
    assert_eq!(
        refusal(RewardPolicy::target(vec![1.0, 0.0])),
        "reward `targets`: got 0, expected a finite number other than 0"
    );
    let policy = RewardPolicy { infeasible: f64::NEG_INFINITY, ..RewardPolicy::weighted_sum() };
    assert_eq!(refusal(policy), "reward `infeasible`: got -inf, expected a finite number");
    let scalarization = Scalarization::WeightedSum { weights: Some(vec![1.0, -1.0]) };
    let policy = RewardPolicy { scalarization, ..RewardPolicy::weighted_sum() };
    assert_eq!(refusal(policy), "reward `weights`: got -1, expected a finite number not below 0");
}
