//! Metrics as targets: normalised, and by their logarithms where they are positive.

use serde::{Deserialize, Serialize};
use tapeout_core::{FitError, Prediction, TrainingData, WorkloadTrials};

use crate::features::Standard;

/// Fewer feasible trials say nothing about a space. Own choice: a mean and a spread need two.
const LEAST_FEASIBLE: usize = 2;

/// The scale of one metric: models see mean 0 and standard deviation 1 over the feasible trials of all workloads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetScale {
    /// Whether it is the logarithm that is brought to them: if every value learned from was positive.
    pub is_logarithmic: bool,
    /// The mean and standard deviation of the value, or of its logarithm.
    pub standard: Standard,
}

impl TargetScale {
    /// The scale of `values`.
    pub fn of(values: &[f64]) -> Self {
        let is_logarithmic = values.iter().all(|&value| value > 0.0);
        let plain = |&value: &f64| if is_logarithmic { value.ln() } else { value };
        Self { is_logarithmic, standard: Standard::of(values.iter().map(plain)) }
    }

    /// The target for a value; from outside of the logarithm's domain, that of the smallest positive number.
    pub fn target(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        self.standard.apply(value)
    }

    /// The value and the spread around it, in the metric's unit, of a target and the spread around that.
    pub fn value(&self, target: f64, spread: f64) -> (f64, f64) {
        let (mean, std) = (self.standard.invert(target), self.standard.std * spread);
        if !self.is_logarithmic {
            return (mean, std);
        }
        // A model far from its data may promise anything; what is promised stays a positive finite number.
        let mean = mean.exp().clamp(f64::MIN_POSITIVE, f64::MAX.sqrt());
        (mean, (mean * std).min(f64::MAX))
    }
}

/// The scales of all metrics, shape `[k]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetScales(pub Vec<TargetScale>);

impl TargetScales {
    /// The scales of the trials to learn from.
    ///
    /// # Errors
    /// [`FitError::TooFew`] if fewer than two of them are feasible.
    pub fn new(data: &TrainingData) -> Result<Self, FitError> {
        let (_, n_feasible) = data.n_trials();
        if n_feasible < LEAST_FEASIBLE {
            return Err(FitError::TooFew { got: n_feasible, expected: LEAST_FEASIBLE });
        }
        let measured = || {
            data.train().iter().flat_map(|group| &group.trials).filter_map(|trial| trial.outcome.metrics())
        };
        let n_metrics = measured().next().map_or(0, <[f64]>::len);
        let scale =
            |metric: usize| TargetScale::of(&measured().map(|metrics| metrics[metric]).collect::<Vec<f64>>());
        Ok(Self((0..n_metrics).map(scale).collect()))
    }

    /// How many metrics there are, `k`.
    pub fn n_metrics(&self) -> usize {
        self.0.len()
    }

    /// The targets of one trial's metrics; both of shape `[k]`.
    pub fn targets(&self, metrics: &[f64]) -> Vec<f64> {
        self.0.iter().zip(metrics).map(|(scale, &value)| scale.target(value)).collect()
    }

    /// What is expected of `n` designs, in the metrics' units.
    ///
    /// `expected`: for each design and metric a target and the spread around it, shape `[n][k]`; `p_feasible`: shape `[n]`.
    pub fn prediction(&self, expected: &[Vec<(f64, f64)>], p_feasible: Vec<f64>) -> Prediction {
        let values = |row: &Vec<(f64, f64)>| -> (Vec<f64>, Vec<f64>) {
            let pairs = self.0.iter().zip(row);
            pairs.map(|(scale, &(target, spread))| scale.value(target, spread)).unzip()
        };
        let (mean, std) = expected.iter().map(values).unzip();
        Prediction { mean, std: Some(std), p_feasible }
    }
}

/// The mean of what the members of an ensemble say, and the standard deviation around it.
pub(crate) fn mean_and_spread(outputs: &[f64]) -> (f64, f64) {
    let n = outputs.len().max(1) as f64;
    let mean = outputs.iter().sum::<f64>() / n;
    let variance = outputs.iter().map(|output| (output - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// The probability that a design is feasible when nothing is known but how many were: (feasible + 1) / (all + 2).
/// Source: Laplace (1814), "Essai philosophique sur les probabilités", the rule of succession.
pub fn feasible_share(groups: &[WorkloadTrials]) -> f64 {
    let trials = || groups.iter().flat_map(|group| &group.trials);
    let n_feasible = trials().filter(|trial| trial.outcome.metrics().is_some()).count();
    (n_feasible + 1) as f64 / (trials().count() + 2) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// e and e^3: logarithms 1 and 3, mean 2, standard deviation 1. One deviation above the mean is e^3; half a deviation around
    /// it is half of e^3.
    #[test]
    fn a_positive_metric_is_scaled_by_its_logarithm() {
        let scale = TargetScale::of(&[1f64.exp(), 3f64.exp()]);
        assert!(scale.is_logarithmic);
        assert!((scale.target(2f64.exp())).abs() < 1e-12);
        let (mean, std) = scale.value(1.0, 0.5);
        assert!((mean - 3f64.exp()).abs() < 1e-9 && (std - 0.5 * 3f64.exp()).abs() < 1e-9);
        assert!(scale.value(1e6, 1e6).1.is_finite() && scale.value(-1e6, 0.0).0 > 0.0);
    }

    /// -1 and 3: mean 1, standard deviation 2.
    #[test]
    fn any_other_metric_is_scaled_plainly() {
        let scale = TargetScale::of(&[-1.0, 3.0]);
        assert_eq!(
            (scale.is_logarithmic, scale.target(5.0), scale.value(2.0, 0.5)),
            (false, 2.0, (5.0, 1.0))
        );
        assert_eq!(TargetScale::of(&[7.0, 7.0]).value(0.0, 0.0).0.round(), 7.0);
    }
}
