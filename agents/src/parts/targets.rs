//! Losses as a model likes to learn them: logarithms of what is positive, standardised, and a short tail on the bad side.
//!
//! Times, energies and areas are positive and spread over decades, and what matters is by what factor one design is better.
//! Source of the tail: Song et al. (2024), "The Vizier Gaussian Process Bandit Algorithm", arXiv:2408.11527, section 4.1:
//! values worse than the median are replaced by what their rank would be in a normal distribution, so that how bad a bad design is does not
//! bend the model where it matters.
//! Departs from it: in place of a second, logarithmic warping of all values, positive losses are logarithms from the start.

use std::f64::consts::SQRT_2;

/// Targets, and what they stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// Of mean 0 and variance 1, in the same order as the losses; all 0 if all are equal. Shape `[n]`.
    pub values: Vec<f64>,
    scale: Scale,
}

/// How losses became targets, but for their tail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    is_log: bool,
    mean: f64,
    std: f64,
}

impl Targets {
    /// How losses became these targets.
    pub fn scale(&self) -> Scale {
        self.scale
    }
}

impl Scale {
    /// The loss that a target stands for; less than it, in the tail.
    pub fn loss(self, target: f64) -> f64 {
        let value = self.mean + self.std * target;
        if self.is_log { value.exp() } else { value }
    }
}

/// The losses, shape `[n]`, as targets.
///
/// `accepted`: those of acceptable designs. The tail begins at their median where that is worse than the median of all: what counts
/// is to tell acceptable designs apart, however good others are.
pub fn targets(losses: &[f64], accepted: &[f64]) -> Targets {
    let is_log = losses.iter().all(|&loss| loss > 0.0);
    let scaled = |losses: &[f64]| -> Vec<f64> {
        losses.iter().map(|&loss| if is_log { loss.ln() } else { loss }).collect()
    };
    let mut values = scaled(losses);
    let median = |values: &[f64]| -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NEG_INFINITY)
    };
    let middle = f64::max(median(&values), median(&scaled(accepted)));
    shorten_tail(&mut values, middle);
    let (mean, std) = standardise(&mut values);
    Targets { values, scale: Scale { is_log, mean, std } }
}

/// Values worse than the middle: as far above it as their rank among them in a half-normal distribution, scaled to the better part's
/// spread.
fn shorten_tail(values: &mut [f64], middle: f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let better = sorted.iter().take_while(|&&value| value < middle);
    let (n_better, squares) =
        better.fold((0.0, 0.0), |(n, squares), value| (n + 1.0, squares + (value - middle).powi(2)));
    if n_better == 0.0 {
        return;
    }
    let spread = f64::sqrt(squares / n_better);
    let worse = sorted.split_off(sorted.partition_point(|&value| value <= middle));
    let n = worse.len() as f64;
    for value in values.iter_mut().filter(|value| **value > middle) {
        let (below, up_to) =
            (worse.partition_point(|other| other < value), worse.partition_point(|other| other <= value));
        let rank = 0.5 * (below + up_to) as f64 / n; // in (0, 1): equal values share their mean rank
        *value = middle + spread * quantile(0.5 + 0.5 * rank);
    }
}

/// Subtracts the mean and divides by the deviation, both of which it returns.
fn standardise(values: &mut [f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    // Rounding leaves about epsilon times the mean.
    let is_constant = variance.sqrt() <= mean.abs() * f64::EPSILON * n;
    let scale = if is_constant { 0.0 } else { 1.0 / variance.sqrt() };
    for value in values {
        *value = (*value - mean) * scale;
    }
    (mean, if is_constant { 0.0 } else { variance.sqrt() })
}

/// Where the standard normal distribution reaches `probability`, by bisection of its distribution function.
pub fn quantile(probability: f64) -> f64 {
    let (mut low, mut high) = (-9.0, 9.0); // beyond which doubles hold no probability
    for _ in 0..f64::MANTISSA_DIGITS {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(-middle / SQRT_2) < probability { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Authority: the 97.5 % point of the standard normal distribution, 1.959964 (any table).
    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        assert!((quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!(quantile(0.5).abs() < 1e-12);
    }

    /// Laws: order is kept, the scale of positive losses does not matter, and the worst does not stretch the rest.
    #[test]
    fn targets_keep_the_order_and_forget_the_scale() {
        let losses = [3.0, 1.0, 2.0, 100.0, 1e6, 4.0];
        let scaled: Vec<f64> = losses.iter().map(|loss| loss * 1e-9).collect();
        let values = |losses: &[f64]| targets(losses, &[]).values;
        let (a, b) = (values(&losses), values(&scaled));
        for i in 0..losses.len() {
            assert!((a[i] - b[i]).abs() < 1e-9);
            for j in 0..losses.len() {
                assert_eq!(losses[i] < losses[j], a[i] < a[j]);
            }
        }
        let worse = values(&[3.0, 1.0, 2.0, 100.0, 1e60, 4.0]);
        assert_eq!(a, worse);
        assert_eq!(values(&[7.0, 7.0, 7.0]), [0.0; 3]);
        assert_eq!(values(&[0.0, 0.0]), [0.0; 2]);
    }

    /// Law: up to the median, targets stand for the losses that they were made of, whether by logarithm or not; in the tail for less.
    #[test]
    fn losses_up_to_the_median_come_back() {
        for losses in [[1e-6, 2e-6, 5e-5, 1e-3, 7.0], [-3.0, 0.0, 1.0, 50.0, 900.0]] {
            let learned = targets(&losses, &[]);
            let back: Vec<f64> = learned.values.iter().map(|&value| learned.scale().loss(value)).collect();
            for (back, loss) in back.iter().zip(losses).take(3) {
                assert!((back - loss).abs() <= 1e-12 * loss.abs().max(1e-6), "{back} {loss}");
            }
            assert!(back[4] < losses[4], "{back:?}");
        }
    }
}
