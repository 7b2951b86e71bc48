//! Toy environments with known optima, on which agents and learners are checked.

use crate::env::{Env, EvalError};
use crate::outcome::{Metric, Outcome};
use crate::parameter::Parameter;
use crate::problem::{Goal, Objective, Problem};
use crate::rule::Rule;
use crate::space::{Design, DesignSpace};

type Evaluate = fn(&[u32]) -> Outcome;

/// A small environment whose best designs are known.
pub struct Toy {
    space: DesignSpace,
    metrics: Vec<Metric>,
    goal: Goal,
    evaluate: Evaluate,
}

impl Toy {
    /// One metric: the squared distance from (11, 3, 7, 12, 5, tile) over 16^5 * 3 designs; least is 0, at that design.
    ///
    /// A quarter of the designs are infeasible: those whose first two levels add up to 20 or more.
    pub fn bowl() -> Self {
        let mut parameters: Vec<Parameter> =
            ["a", "b", "c", "d", "e"].map(|name| Parameter::integer(name, 0, 15)).into();
        parameters.push(Parameter::categorical("order", &["row", "column", "tile"]));
        Self::new(parameters, Vec::new(), &["distance"], |levels| {
            if levels[0] + levels[1] >= 20 {
                return Outcome::infeasible("too_wide", f64::from(levels[0] + levels[1] - 19));
            }
            let squares = levels
                .iter()
                .zip([11, 3, 7, 12, 5])
                .map(|(&level, best)| f64::from(level.abs_diff(best)).powi(2));
            let order = if levels[5] == 2 { 0.0 } else { 25.0 };
            Outcome::Measured(vec![squares.sum::<f64>() + order])
        })
    }

    /// Two metrics in conflict over 16^5 designs: `cost` is the sum of the levels, `time` falls with the first two
    /// and grows with the others. The front is where c = d = e = 0: the `time` 1 / (1 + a + b) against `cost` a + b.
    pub fn tradeoff() -> Self {
        let parameters = ["a", "b", "c", "d", "e"].map(|name| Parameter::integer(name, 0, 15)).into();
        Self::new(parameters, Vec::new(), &["cost", "time"], |levels| {
            let useful = f64::from(levels[0] + levels[1]);
            let waste = f64::from(levels[2] + levels[3] + levels[4]);
            Outcome::Measured(vec![useful + waste, (1.0 + waste) / (1.0 + useful)])
        })
    }

    /// One metric over a space in which rules leave 37 of 7,203 combinations: each size divides the one before, and the
    /// product of all is 512. `spread`, the sum of the sizes, is least (14) at 4, 4, 4, 2 with copies 4.
    pub fn tied() -> Self {
        let size = |name| Parameter::power_of_two(name, 1, 64);
        let divides = |name, outer: &'static str, inner: &'static str| {
            Rule::new(name, "the inner size divides the outer", &[outer, inner], move |v| {
                v.int(outer) % v.int(inner) == 0
            })
        };
        let rules = vec![
            divides("b_in_a", "a", "b"),
            divides("c_in_b", "b", "c"),
            divides("d_in_c", "c", "d"),
            Rule::measured(
                "product",
                "a * b * c * d * copies == 512",
                &["a", "b", "c", "d", "copies"],
                |v| {
                    let product: i64 =
                        ["a", "b", "c", "d", "copies"].iter().map(|name| v.int(name)).product();
                    (product - 512).unsigned_abs() as f64
                },
            ),
        ];
        let parameters =
            vec![size("a"), size("b"), size("c"), size("d"), Parameter::ordinal("copies", [1, 2, 4])];
        Self::new(parameters, rules, &["spread"], |levels| {
            Outcome::Measured(vec![levels[..4].iter().map(|&level| f64::from(1u32 << level)).sum::<f64>()])
        })
    }

    /// A space of one design.
    pub fn single() -> Self {
        Self::new(vec![Parameter::ordinal("a", [1])], Vec::new(), &["constant"], |_| {
            Outcome::Measured(vec![1.0])
        })
    }

    /// Nothing is feasible.
    pub fn hopeless() -> Self {
        let parameters = vec![Parameter::integer("a", 0, 7), Parameter::integer("b", 0, 7)];
        Self::new(parameters, Vec::new(), &["never"], |levels| {
            Outcome::infeasible("always", f64::from(1 + levels[0]))
        })
    }

    fn new(parameters: Vec<Parameter>, rules: Vec<Rule>, metrics: &[&str], evaluate: Evaluate) -> Self {
        let space = DesignSpace::new(parameters, rules).expect("the toy spaces are well formed");
        let goal = Goal {
            objectives: metrics.iter().map(|name| Objective::minimize(name)).collect(),
            constraints: Vec::new(),
        };
        let metrics = metrics.iter().map(|name| Metric::new(name, "", "a toy's number")).collect();
        Self { space, metrics, goal, evaluate }
    }

    /// All its metrics, minimised.
    pub fn problem(&self) -> Problem {
        Problem::new(self.space.clone(), self.metrics.clone(), self.goal.clone())
            .expect("a toy's goal names its metrics")
    }
}

impl Env for Toy {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        Ok((self.evaluate)(design.levels()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(toy: &Toy) -> f64 {
        let outcomes = toy.space().iter().map(|design| toy.evaluate(&design).unwrap());
        outcomes.filter_map(|outcome| outcome.metrics().map(|m| m[0])).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_optima_are_as_documented() {
        let bowl = Toy::bowl();
        let design = bowl.space().design(&[11, 3, 7, 12, 5, 2]).unwrap();
        assert_eq!(bowl.evaluate(&design).unwrap(), Outcome::Measured(vec![0.0]));
        assert_eq!(best(&Toy::tied()), 14.0);
    }

    #[test]
    fn few_combinations_of_the_tied_toy_are_legal() {
        let tied = Toy::tied();
        let by_filter = (0..7u32.pow(4) * 3).filter(|&code| {
            let sizes: Vec<u32> = (0..4).map(|i| code / 3 / 7u32.pow(i) % 7).collect();
            sizes.windows(2).all(|pair| pair[1] <= pair[0]) && sizes.iter().sum::<u32>() + code % 3 == 9
        });
        assert_eq!(tied.space().cardinality(), by_filter.count() as u128);
    }
}
