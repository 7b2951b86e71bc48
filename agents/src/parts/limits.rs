//! How far designs are from each limit, as numbers that a model likes to learn.
//!
//! Source: Gardner et al. (2014), "Bayesian Optimization with Inequality Constraints", section 3: a model for each constraint, on the
//! scale of what it limits.
//! Departs from it: values and limits that are positive are compared by their ratio, since sizes, times and energies are products; far
//! from the limit a difference counts by its logarithm. What cannot be measured at all has a class (Gelbart, Snoek & Adams
//! 2014, arXiv:1403.5607), and is the further from it the more it breaks the rule that it breaks.

use std::collections::BTreeMap;

use tapeout_core::{Column, Constraint, Problem};

/// The constraints of a problem, and what they limit.
pub struct Limits {
    constraints: Vec<Constraint>,
    columns: Vec<Column>,
}

/// Targets of mean 0 and variance 1, and where among them the limit lies: below it is what is wanted.
#[derive(Debug, PartialEq)]
pub struct Edge {
    /// Shape `[n]`.
    pub targets: Vec<f64>,
    /// The limit as a target.
    pub limit: f64,
}

impl Limits {
    /// Of a problem.
    pub fn new(problem: &Problem) -> Self {
        let column = |constraint: &Constraint| {
            problem
                .column(&constraint.metric)
                .expect("invariant: a problem's constraints name its quantities")
        };
        let constraints = problem.constraints().to_vec();
        Self { columns: constraints.iter().map(column).collect(), constraints }
    }

    /// How many constraints there are.
    pub fn len(&self) -> usize {
        self.constraints.len()
    }

    /// What each constraint limits, from what was measured of a design that has a value for all of them.
    pub fn values(&self, metrics: &[f64]) -> impl Iterator<Item = f64> {
        self.columns
            .iter()
            .map(|column| column.value(metrics).expect("invariant: a judged design has all values"))
    }

    /// How far `values` are beyond the constraint at `index`, shape `[n]`; none if all are within it.
    pub fn edge(&self, index: usize, values: &[f64]) -> Option<Edge> {
        let constraint = &self.constraints[index];
        values.iter().any(|&value| constraint.violation(value) > 0.0).then(|| {
            let is_ratio = constraint.limit > 0.0 && values.iter().all(|&value| value > 0.0);
            let sign = if constraint.side.is_upper() { 1.0 } else { -1.0 };
            let beyond = |&value: &f64| {
                sign * if is_ratio { (value / constraint.limit).ln() } else { value - constraint.limit }
            };
            let distances: Vec<f64> = values.iter().map(beyond).collect();
            let squares: f64 = distances.iter().map(|distance| distance * distance).sum();
            let scale = (squares / distances.len() as f64).sqrt().max(f64::MIN_POSITIVE);
            standardised(distances.iter().map(|distance| (distance / scale).asinh()).collect(), 0.0)
        })
    }
}

/// 0 for each design that was measured and, for any other, 1/2 and its rank among those that break the same rule by their violations, as
/// a share of their number: 1 if there is but one or all are alike. Between is the limit.
///
/// `broken`: the rule and by how much; none for what was measured.
pub fn labels(broken: &[Option<(&str, f64)>]) -> Edge {
    let mut by_rule: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for &(rule, violation) in broken.iter().flatten() {
        by_rule.entry(rule).or_default().push(violation);
    }
    by_rule.values_mut().for_each(|violations| violations.sort_by(f64::total_cmp));
    let label = |broken: &Option<(&str, f64)>| {
        broken.map_or(0.0, |(rule, violation)| {
            let alike = &by_rule[rule];
            let below = alike.partition_point(|&other| other < violation);
            let up_to = alike.partition_point(|&other| other <= violation);
            0.5 + 0.5 * (below + up_to) as f64 / alike.len() as f64
        })
    };
    standardised(broken.iter().map(label).collect(), 0.5)
}

fn standardised(mut values: Vec<f64>, limit: f64) -> Edge {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let scale = if variance > f64::EPSILON { variance.sqrt() } else { 1.0 };
    values.iter_mut().for_each(|value| *value = (*value - mean) / scale);
    Edge { targets: values, limit: (limit - mean) / scale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Goal};

    fn limits(text: &str) -> Limits {
        let toy = Toy::bowl();
        let constraints = vec![text.parse().unwrap()];
        let goal = Goal { constraints, ..toy.problem().goal().clone() };
        Limits::new(&Problem::new(toy.space().clone(), toy.metrics().to_vec(), goal).unwrap())
    }

    /// 1, 2 and 4 against a limit of 2 are a half, once and twice of it: as far to one side as to the other, by logarithm. Of a least
    /// value the order turns around. With 0 among the values there is no ratio: -2, 0 and 2 beyond 2.
    #[test]
    fn distances_by_hand() {
        let spread = 1.5_f64.sqrt();
        for (text, values, expected) in [
            ("distance <= 2", [1.0, 2.0, 4.0], [-spread, 0.0, spread]),
            ("distance >= 2", [1.0, 2.0, 4.0], [spread, 0.0, -spread]),
            ("distance <= 2", [0.0, 2.0, 4.0], [-spread, 0.0, spread]),
        ] {
            let edge = limits(text).edge(0, &values).unwrap();
            assert!(edge.limit.abs() < 1e-12);
            assert!(
                edge.targets.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12),
                "{text}: {edge:?}"
            );
        }
        assert_eq!(limits("distance <= 4").edge(0, &[1.0, 2.0, 4.0]), None);
    }

    /// Two of four were measured, 0; two break a rule by 3 and by 9, with ranks of 1/4 and 3/4: labels of 3/4 and 5/4. Their mean is 1/2,
    /// the limit.
    #[test]
    fn labels_by_hand() {
        let edge = labels(&[Some(("too_wide", 3.0)), None, Some(("too_wide", 9.0)), None]);
        let spread = ((2.0 * 0.25 + 0.0625 + 0.5625) / 4.0_f64).sqrt();
        let expected = [0.25, -0.5, 0.75, -0.5].map(|label| label / spread);
        assert!(edge.targets.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{edge:?}");
        assert_eq!(edge.limit, 0.0);
    }
}
