//! A batch of designs to build: good ones that are not all neighbours, so that the next model learns from each.
//!
//! Ours: greedily by what the model expects, each at least a distance from those before it. Where the model is wrong about one
//! design, it is wrong about its neighbours too, and a batch of them is a single bet.

use std::collections::BTreeSet;

use tapeout_core::{Design, Problem, Trial};
use tapeout_surrogates::support::Support;

use super::choose;

/// How far the designs of a batch are from each other, as a share of the way across the space. Ours: one of ten parameters over a
/// third of its range; halved until there are enough.
const APART: f64 = 0.1;
/// Below this all designs that are not the same are apart. Ours: one of a hundred parameters by a hundredth of its range.
const LEAST_APART: f64 = 1e-3;

/// The `count` designs to build next, best first, none of them `known`: indices of `trials`.
pub fn batch(problem: &Problem, trials: &[Trial], known: &BTreeSet<Design>, count: usize) -> Vec<usize> {
    let mut order = choose(problem, trials, trials.len());
    order.retain(|&index| !known.contains(&trials[index].design));
    let mut chosen: Vec<usize> = Vec::new();
    let mut apart = APART;
    while chosen.len() < count && chosen.len() < order.len() {
        for &index in &order {
            if chosen.len() == count {
                break;
            }
            if chosen.contains(&index) {
                continue;
            }
            let others = chosen.iter().map(|&it| trials[it].design.clone()).collect();
            let nearest =
                Support::new(problem.space(), others, 1).distance(&trials[index].design, problem.space());
            if nearest >= apart {
                chosen.push(index);
            }
        }
        apart = if apart < LEAST_APART { 0.0 } else { apart / 2.0 };
    }
    let place = |index: &usize| order.iter().position(|it| it == index);
    chosen.sort_by_key(place);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{DesignSpace, Goal, Metric, Objective, Outcome, Parameter};

    /// One parameter of 17 levels whose metric is the level: 0 is the best and known, so 1 is the first; the next are at least 0.1 of the way
    /// across apart, two levels, 3 and 5. Of two levels both are taken, however near.
    #[test]
    fn a_batch_by_hand() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 16)], Vec::new()).unwrap();
        let goal = Goal { objectives: vec![Objective::minimize("y")], constraints: Vec::new() };
        let problem = Problem::new(space.clone(), vec![Metric::new("y", "", "level")], goal).unwrap();
        let trial = |level: u32| {
            let outcome = Outcome::Measured(vec![f64::from(level)]);
            problem.trial(space.design(&[level]).unwrap(), outcome)
        };
        let trials: Vec<Trial> = (0..=16).map(trial).collect();
        let known = BTreeSet::from([space.design(&[0]).unwrap()]);
        assert_eq!(batch(&problem, &trials, &known, 3), [1, 3, 5]);
        assert_eq!(batch(&problem, &trials[..2], &BTreeSet::new(), 3), [0, 1]);
    }
}
