//! What a model expects of designs that are for several workloads.

use serde::{Deserialize, Serialize};
use tapeout_core::{Design, Prediction, Surrogate};

/// How what is expected for several workloads becomes one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combination {
    /// The weighted mean: the mean over workloads of PRIME (Kumar et al. 2022, arXiv:2110.11346, section 4).
    #[default]
    Mean,
    /// The weighted geometric mean, in which no workload counts for more because it takes longer; for positive metrics.
    GeometricMean,
}

impl Combination {
    /// The mean of values by their weights.
    fn of(self, values: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
        let total: f64 = values.clone().map(|(_, weight)| weight).sum();
        let is_geometric = self == Self::GeometricMean && values.clone().all(|(value, _)| value > 0.0);
        if is_geometric {
            (values.map(|(value, weight)| weight * value.ln()).sum::<f64>() / total).exp()
        } else {
            values.map(|(value, weight)| weight * value).sum::<f64>() / total
        }
    }
}

/// The predictions of one model for the same designs, workload by workload.
#[derive(Debug, Clone)]
pub struct Outlook {
    /// For each workload what is expected, and the workload's weight.
    by_workload: Vec<(Prediction, f64)>,
}

impl Outlook {
    /// Asks `surrogate` about `designs` for each of `workloads`: its context and its weight.
    ///
    /// # Panics
    /// If a context has another length than those that the model was fitted to.
    pub fn new<'a>(
        surrogate: &dyn Surrogate,
        workloads: impl IntoIterator<Item = (&'a [f64], f64)>,
        designs: &[Design],
    ) -> Self {
        let ask = |(context, weight): (&[f64], f64)| (surrogate.predict(context, designs), weight);
        Self { by_workload: workloads.into_iter().map(ask).collect() }
    }

    /// What is expected for each workload, in the order asked.
    pub fn predictions(&self) -> impl Iterator<Item = &Prediction> {
        self.by_workload.iter().map(|(prediction, _)| prediction)
    }

    /// The probability that the design at `index` is feasible, for the workload where it is least; 1 of no workload.
    pub fn p_feasible(&self, index: usize) -> f64 {
        self.predictions().map(|prediction| prediction.p_feasible[index]).fold(1.0, f64::min)
    }

    /// The mean of a metric over the workloads, of what `value` makes of its mean and its spread for each; the spread is 0 where the
    /// model gives none.
    pub fn combined(
        &self,
        combination: Combination,
        (index, metric): (usize, usize),
        value: impl Fn(f64, f64) -> f64,
    ) -> f64 {
        combination.of(self.by_workload.iter().map(|(prediction, weight)| {
            let std = prediction.std.as_ref().map_or(0.0, |std| std[index][metric]);
            (value(prediction.mean[index][metric], std), *weight)
        }))
    }

    /// Whether the model gives a spread for every workload.
    pub fn has_spread(&self) -> bool {
        self.predictions().all(|prediction| prediction.std.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::{DesignSpace, Parameter, Saved};

    /// Expects the context of everything, with a tenth of it as spread, and one over it as p(feasible).
    struct Echo;

    impl Surrogate for Echo {
        fn predict(&self, context: &[f64], designs: &[Design]) -> Prediction {
            let all = |value: f64| vec![vec![value]; designs.len()];
            Prediction {
                mean: all(context[0]),
                std: Some(all(0.1 * context[0])),
                p_feasible: vec![1.0 / context[0]; designs.len()],
            }
        }

        fn save(&self) -> Saved {
            Saved::new("echo", 1, &())
        }
    }

    /// 2 and 16 by weights 2 and 1: the mean is 20 / 3, the geometric mean (2 * 2 * 16)^(1/3) = 4; spreads 0.2 and 1.6 have the mean
    /// 2 / 3; the less likely workload is feasible with 1/16.
    #[test]
    fn workloads_are_taken_together_by_hand() {
        let space = DesignSpace::new(vec![Parameter::integer("x", 0, 3)], Vec::new()).unwrap();
        let workloads = [([2.0], 2.0), ([16.0], 1.0)];
        let asked = workloads.iter().map(|(context, weight)| (context.as_slice(), *weight));
        let outlook = Outlook::new(&Echo, asked, &[space.unrank(0)]);
        let mean = |combination| outlook.combined(combination, (0, 0), |mean, _| mean);
        assert!((mean(Combination::Mean) - 20.0 / 3.0).abs() < 1e-12);
        assert!((mean(Combination::GeometricMean) - 4.0).abs() < 1e-12);
        assert!((outlook.combined(Combination::Mean, (0, 0), |_, std| std) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((outlook.p_feasible(0), outlook.has_spread()), (1.0 / 16.0, true));
        assert_eq!(
            outlook.predictions().map(|prediction| prediction.mean[0][0]).collect::<Vec<_>>(),
            [2.0, 16.0]
        );
    }
}
