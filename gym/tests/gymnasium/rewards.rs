//! Rewards of judgements, worked out by hand.

use tapeout::core::check::toy::Toy;
use tapeout::core::{
    Constraint, Design, DesignSpace, Env, EvalError, Goal, Metric, Objective, Outcome, Parameter, Problem,
};
use tapeout::gymnasium::{RewardPolicy, Scalarization};

use super::toys::{Device, goal_of};

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

/// Usual are 8 s and 5/s. 2 s is a quarter of it, two octaves better; 10/s is twice as much, one octave better; 16 s and 5/s are
/// one octave worse, and twelve seconds beyond a limit of 4 s are three times the limit, four with the limit itself: two octaves. That is
/// three octaves below what an infeasible design's -1 leaves untouched, so half of an octave less an eighth of it.
#[test]
fn octaves_by_hand() {
    let policy = RewardPolicy {
        scalarization: Scalarization::Octaves { usual: vec![8.0, 5.0] },
        ..RewardPolicy::weighted_sum()
    };
    assert_eq!(reward(&policy, &Outcome::Measured(vec![2.0, 10.0])), 3.0);
    assert_eq!(reward(&policy, &Outcome::Measured(vec![16.0, 5.0])), -0.5 * (1.0 - 0.125));
}

/// Measures `x + 1` in some unit for each of the levels 0 to 3 of `x`, and refuses 0.
struct Scaled {
    space: DesignSpace,
    metrics: Vec<Metric>,
    unit: f64,
}

impl Scaled {
    fn new(unit: f64) -> Self {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 3)], Vec::new()).unwrap();
        Self { space, metrics: vec![Metric::new("latency_s", "s", "time")], unit }
    }
}

impl Env for Scaled {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        Ok(match design.levels()[0] {
            0 => Outcome::infeasible("not_0", 1.0),
            level => Outcome::Measured(vec![f64::from(level + 1) * self.unit]),
        })
    }
}

/// Law: the unit does not matter. What can be built takes 2, 3 or 4 units: of fifteen such designs some take 4, and the worst is
/// log2(usual / 4) octaves better than is usual.
#[test]
fn relative_rewards_are_free_of_scale_and_infeasible_designs_lie_below_the_worst() {
    let policies = [1.0, 1e-9].map(|unit| {
        let env = Scaled::new(unit);
        let goal = Goal { objectives: vec![Objective::minimize("latency_s")], constraints: Vec::new() };
        let problem = Problem::new(env.space.clone(), env.metrics.clone(), goal).unwrap();
        let policy = RewardPolicy::relative(&env, &problem).unwrap();
        let of = |units: f64| policy.reward(&problem, &problem.judge(&Outcome::Measured(vec![units * unit])));
        let infeasible = policy.reward(&problem, &problem.judge(&Outcome::infeasible("not_0", 1.0)));
        [of(2.0), of(3.0), of(4.0), infeasible]
    });
    for (a, b) in policies[0].iter().zip(&policies[1]) {
        assert!((a - b).abs() < 1e-9, "{policies:?}");
    }
    let [_, _, worst, infeasible] = policies[0];
    assert_eq!(policies[0][0] - worst, 1.0);
    assert_eq!(infeasible, worst - 1.0);
}

/// Law: whatever can be built is worth more than what cannot, and less the further it is beyond a limit: levels of 1 to 1,000 s where at most 4 s
/// are usual and 0.001 s are allowed. By hand: a violation of 1 costs an octave.
#[test]
fn nothing_that_can_be_built_is_worth_less_than_what_cannot() {
    let env = Scaled::new(1.0);
    let goal = Goal {
        objectives: vec![Objective::minimize("latency_s")],
        constraints: vec![Constraint::at_most("latency_s", 0.001)],
    };
    let problem = Problem::new(env.space.clone(), env.metrics.clone(), goal).unwrap();
    let policy = RewardPolicy::relative(&env, &problem).unwrap();
    let of = |latency_s: f64| policy.reward(&problem, &problem.judge(&Outcome::Measured(vec![latency_s])));
    let rewards = [0.5, 2.0, 4.0, 10.0, 100.0, 1000.0].map(of);
    assert!(rewards.windows(2).all(|pair| pair[0] > pair[1]), "{rewards:?}");
    assert!(rewards[5] > policy.infeasible);
    // 2 s and 4 s are 1,999 and 3,999 times the limit beyond it.
    let expected = 1.0 + (4000.0_f64 / 2000.0).log2();
    assert!((rewards[1] - rewards[2] - expected).abs() < 1e-9, "{rewards:?}");
}

/// Claim: a device that does not answer once is asked about another design.
#[test]
fn a_design_whose_evaluation_failed_is_no_scale() {
    let device = Device::new();
    let problem =
        Problem::new(device.space().clone(), device.metrics().to_vec(), goal_of(&Toy::tradeoff())).unwrap();
    let policy = RewardPolicy::relative(&device, &problem).unwrap();
    assert!(policy.infeasible < 0.0, "{policy:?}");
}

#[test]
fn where_nothing_is_above_0_a_reward_is_to_be_named() {
    let env = Scaled::new(-1.0);
    let goal = Goal { objectives: vec![Objective::minimize("latency_s")], constraints: Vec::new() };
    let problem = Problem::new(env.space.clone(), env.metrics.clone(), goal).unwrap();
    let refusal = RewardPolicy::relative(&env, &problem).unwrap_err().to_string();
    assert_eq!(
        refusal,
        "no usual value above 0 of `latency_s` among 15 designs that can be built and run; name a reward"
    );
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
