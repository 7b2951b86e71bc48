//! A fitted model as an environment, so that every agent and command can search it.
//!
//! Source: Krishnan, Yazdanbakhsh et al. (2023), "ArchGym: an open-source gymnasium for machine learning assisted architecture
//! design", doi:10.1145/3579371.3589049, section 7, for a model learned from logs in the place of a simulator.
//! Departs from it: designs that are predicted infeasible are infeasible here too, and predictions may be held back by
//! their spread.

use tapeout_core::{Design, DesignSpace, Direction, Env, EvalError, Goal, Metric, Outcome, Surrogate};

use crate::outlook::{Combination, Outlook};

/// The rule of designs that the model holds for infeasible.
pub const PREDICTED_INFEASIBLE: &str = "predicted_infeasible";

/// How a model is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The context of each workload that the designs are for, and its weight, positive; at least one.
    pub workloads: Vec<(Vec<f64>, f64)>,
    /// What becomes of several workloads.
    pub combination: Combination,
    /// By how many standard deviations a metric of the goal is worse than expected; better if negative.
    pub kappa: f64,
    /// Below this probability of being feasible, for the workload where it is least, a design is infeasible.
    pub least_p_feasible: f64,
}

/// A fitted model as an environment. Its metrics are those of the environment learned from, and `p_feasible`.
pub struct SurrogateEnv {
    space: DesignSpace,
    metrics: Vec<Metric>,
    surrogate: Box<dyn Surrogate>,
    view: View,
    /// For each metric the side on which it is worse: 1 above, -1 below, 0 if the goal does not say; shape `[k]`.
    worse: Vec<f64>,
}

impl SurrogateEnv {
    /// `surrogate`, fitted over `space` to `metrics`, in this view; `goal` says on which side each metric is worse.
    ///
    /// # Panics
    /// If the view has no workload, or a weight that is not positive.
    pub fn new(
        space: &DesignSpace,
        metrics: &[Metric],
        goal: &Goal,
        surrogate: Box<dyn Surrogate>,
        view: View,
    ) -> Self {
        assert!(!view.workloads.is_empty(), "designs are for at least one workload");
        assert!(view.workloads.iter().all(|&(_, weight)| weight > 0.0), "weights are positive");
        let worse = metrics.iter().map(|metric| side(goal, &metric.name)).collect();
        let mut metrics = metrics.to_vec();
        metrics.push(Metric::new("p_feasible", "", "predicted probability that the design is feasible"));
        Self { space: space.clone(), metrics, surrogate, view, worse }
    }

    /// What becomes of designs if each metric of the goal is worse than expected by kappa and, one after the other, each of `deviations`
    /// more, in standard deviations; shape `[deviations][n]`. The model is asked once.
    pub fn outcomes(&self, designs: &[Design], deviations: &[f64]) -> Vec<Vec<Outcome>> {
        let View { workloads, combination, kappa, least_p_feasible } = &self.view;
        let workloads = workloads.iter().map(|(context, weight)| (context.as_slice(), *weight));
        let outlook = Outlook::new(self.surrogate.as_ref(), workloads, designs);
        let outcome = |index: usize, kappa: f64| {
            let p = outlook.p_feasible(index);
            if p < *least_p_feasible {
                return Outcome::infeasible(PREDICTED_INFEASIBLE, least_p_feasible - p);
            }
            let value = |metric: usize| {
                outlook.combined(*combination, (index, metric), |mean, std| {
                    held_back(mean, self.worse[metric] * kappa * std)
                })
            };
            let mut values: Vec<f64> = (0..self.worse.len()).map(value).collect();
            values.push(p);
            Outcome::Measured(values)
        };
        let kappas = deviations.iter().map(|deviation| kappa + deviation);
        kappas.map(|kappa| (0..designs.len()).map(|index| outcome(index, kappa)).collect()).collect()
    }

    /// What the model expects.
    fn expected(&self, designs: &[Design]) -> Vec<Outcome> {
        self.outcomes(designs, &[0.0]).pop().expect("one deviation was given")
    }
}

/// 1 if more of the metric is worse, -1 if less is, 0 if the goal does not name it. An objective comes before a constraint.
fn side(goal: &Goal, metric: &str) -> f64 {
    let objective = goal.objectives.iter().find(|objective| objective.metric == metric);
    let constraint = goal.constraints.iter().find(|constraint| constraint.metric == metric);
    let is_more_worse = objective
        .map(|objective| objective.direction == Direction::Minimize)
        .or(constraint.map(|constraint| constraint.side.is_upper()));
    is_more_worse.map_or(0.0, |is| if is { 1.0 } else { -1.0 })
}

/// `mean` moved by `distance`, or by the same share along the logarithm if it is positive, so that it stays so.
fn held_back(mean: f64, distance: f64) -> f64 {
    if distance == 0.0 {
        mean
    } else if mean > 0.0 {
        (mean * (distance / mean).exp()).clamp(f64::MIN_POSITIVE, f64::MAX)
    } else {
        mean + distance
    }
}

impl Env for SurrogateEnv {
    fn space(&self) -> &DesignSpace {
        &self.space
    }

    fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    fn evaluate(&self, design: &Design) -> Result<Outcome, EvalError> {
        let outcome = self.expected(std::slice::from_ref(design)).pop();
        Ok(outcome.expect("a model predicts each design"))
    }

    fn evaluate_batch(&self, designs: &[Design]) -> Vec<Result<Outcome, EvalError>> {
        self.expected(designs).into_iter().map(Ok).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::check_env;
    use tapeout_core::{Constraint, Objective, Parameter, Prediction, Saved};

    /// Expects 2 to the level times the context, with half of that as spread, and the same for a rate; feasible with 1, 0.75, 0.5,
    /// 0.25 by level for context 1, always for others.
    struct Known;

    impl Surrogate for Known {
        fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
            let level = |design: &Design| f64::from(design.levels()[0]);
            let mean: Vec<Vec<f64>> = designs
                .iter()
                .map(|design| context[0] * level(design).exp2())
                .map(|value| vec![value, value])
                .collect();
            let halved = |row: &Vec<f64>| row.iter().map(|value| 0.5 * value).collect();
            let p = |design: &Design| if context[0] == 1.0 { 1.0 - 0.25 * level(design) } else { 1.0 };
            Prediction {
                std: Some(mean.iter().map(halved).collect()),
                mean,
                p_feasible: designs.iter().map(p).collect(),
            }
        }

        fn save(&self) -> Saved {
            Saved::new("known", 1, &())
        }
    }

    fn env(view: View) -> SurrogateEnv {
        let space =
            DesignSpace::new(vec![Parameter::integer("size", 0, 3).about("how large")], Vec::new()).unwrap();
        let metrics = [Metric::new("latency_s", "s", "time"), Metric::new("rate", "", "speed")];
        let goal = Goal {
            objectives: vec![Objective::minimize("latency_s")],
            constraints: vec![Constraint::at_least("rate", 1.0)],
        };
        SurrogateEnv::new(&space, &metrics, &goal, Box::new(Known), view)
    }

    fn view() -> View {
        View {
            workloads: vec![(vec![1.0], 1.0), (vec![4.0], 3.0)],
            combination: Combination::Mean,
            kappa: 0.0,
            least_p_feasible: 0.4,
        }
    }

    fn measured(env: &SurrogateEnv, level: u32) -> Vec<f64> {
        let outcome = env.evaluate(&env.space().design(&[level]).unwrap()).unwrap();
        outcome.metrics().unwrap().to_vec()
    }

    /// Level 1: 2 and 8 by weights 1 and 3 are 6.5; geometrically (2 * 8^3)^(1/4) = 2^(10/4). The less likely workload is feasible
    /// with 0.75. Level 3 is feasible with 0.25 there, 0.15 too little.
    #[test]
    fn workloads_are_taken_together_by_hand() {
        let mean = env(view());
        assert_eq!(measured(&mean, 1), [6.5, 6.5, 0.75]);
        let geometric = env(View { combination: Combination::GeometricMean, ..view() });
        assert!((measured(&geometric, 1)[0] - 2.5f64.exp2()).abs() < 1e-12);
        let outcome = mean.evaluate(&mean.space().design(&[3]).unwrap()).unwrap();
        let Outcome::Infeasible { rule, violation } = outcome else { panic!("{outcome:?}") };
        assert!(rule == PREDICTED_INFEASIBLE && (violation - 0.15).abs() < 1e-12);
    }

    /// With kappa 2, a spread of half the mean moves a metric by e: up where less is better, down where more is.
    #[test]
    fn spread_makes_each_metric_of_the_goal_worse() {
        let env = env(View { kappa: 2.0, workloads: vec![(vec![1.0], 1.0)], ..view() });
        let values = measured(&env, 1);
        let e = std::f64::consts::E;
        assert!((values[0] - 2.0 * e).abs() < 1e-12 && (values[1] - 2.0 / e).abs() < 1e-12, "{values:?}");
        // Two deviations less are what is expected, 2 of both; two more are e times as far.
        let design = env.space().design(&[1]).unwrap();
        let outcomes = env.outcomes(&[design], &[-2.0, 2.0]);
        let latency = |it: &[Outcome]| it[0].metrics().unwrap()[0];
        assert!((latency(&outcomes[0]) - 2.0).abs() < 1e-12, "{outcomes:?}");
        assert!((latency(&outcomes[1]) - 2.0 * e * e).abs() < 1e-12, "{outcomes:?}");
    }

    #[test]
    fn a_model_is_an_environment() {
        check_env(&env(view())).unwrap();
    }
}
