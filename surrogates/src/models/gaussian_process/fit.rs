//! Hyperparameters by their posterior mode: marginal likelihood times priors.
//!
//! Source: Rasmussen & Williams (2006), eq. 5.8 and 5.9, for the likelihood and its gradient; Hvarfner, Hellsten & Nardi
//! (2024), "Vanilla Bayesian Optimization Performs Great in High Dimensions", arXiv:2402.02229, section 4, for the prior of
//! length scales in the unit cube, which grow with the root of the dimension; BoTorch 0.12, `get_gaussian_likelihood_with_
//! lognormal_prior`, for that of the noise.
//! Departs from them: the amplitude is free, under a prior around the variance of standardised targets, 1.

use super::descent::{DescentLimits, Evaluation, minimize};
use super::embedding::Points;
use super::factor::{InverseFactor, add_scaled, dot};
use super::kernel::{Kernel, matern, matern_slope};

/// A log-normal prior: the logarithm has this mean and standard deviation.
#[derive(Debug, Clone, Copy)]
struct LogNormal {
    mean: f64,
    std: f64,
}

// BoTorch 0.12: LogNormalPrior(loc=-4, scale=1) for the variance of the noise.
const NOISE: LogNormal = LogNormal { mean: -4.0, std: 1.0 };
/// Own choice: two thirds of the mass within a factor e of the variance of the targets.
const AMPLITUDE: LogNormal = LogNormal { mean: 0.0, std: 1.0 };

impl LogNormal {
    /// Hvarfner et al. (2024), section 4: loc = √2 + ln(d)/2, scale = √3.
    fn of_length(dimension: usize) -> Self {
        Self { mean: 2f64.sqrt() + 0.5 * (dimension as f64).ln(), std: 3f64.sqrt() }
    }

    /// Minus the logarithm of the density at exp(`log`), but for a constant, and its derivative by `log`.
    fn penalty(self, log: f64) -> (f64, f64) {
        let z = (log - self.mean) / self.std;
        (0.5 * z * z + log, z / self.std + 1.0)
    }

    fn log_of_mode(self) -> f64 {
        self.mean - self.std * self.std
    }
}

/// How much work a fit may do.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Steps of the optimizer, each one or a few factorisations of an n x n matrix.
    pub steps: usize,
}

/// The kernel whose hyperparameters are a mode of their posterior given `targets`, standardised, at `points`, shape `[n]`.
///
/// Looks from `start`, the kernel of an earlier fit, or else from the mode of the priors. O(n³) a step.
pub fn fit(points: &Points, targets: &[f64], start: Option<&Kernel>, effort: Effort) -> Kernel {
    let dimension = points.embedding().dimension();
    let start = match start {
        Some(kernel) => logs(kernel),
        None => {
            let mut logs = vec![AMPLITUDE.log_of_mode(), NOISE.log_of_mode()];
            logs.resize(2 + dimension, LogNormal::of_length(dimension).log_of_mode());
            logs
        }
    };
    // A step of 2 multiplies a hyperparameter by e² at most; a gain of 1e-3 is a thousandth of a unit of log-likelihood.
    let limits = DescentLimits { steps: effort.steps, step_length: 2.0, gain: 1e-3 };
    kernel_of(&minimize(start, limits, |logs| loss(points, targets, logs)))
}

/// ln σ², ln noise, ln ℓ for each coordinate; shape `[2 + d]`. By their logarithms hyperparameters are positive without a bound, and
/// one step changes all of them by a factor, whatever their scale.
fn logs(kernel: &Kernel) -> Vec<f64> {
    let lengths = kernel.inverse_squared_lengths.iter().map(|inverse| -0.5 * inverse.ln());
    [kernel.amplitude.ln(), kernel.noise.ln()].into_iter().chain(lengths).collect()
}

fn kernel_of(logs: &[f64]) -> Kernel {
    Kernel {
        amplitude: logs[0].exp(),
        noise: logs[1].exp(),
        inverse_squared_lengths: logs[2..].iter().map(|log| (-2.0 * log).exp()).collect(),
    }
}

/// Minus the log-posterior of the hyperparameters, but for a constant, and its gradient, shape `[2 + d]`.
fn loss(points: &Points, targets: &[f64], logs: &[f64]) -> Evaluation {
    let n = points.len();
    let kernel = kernel_of(logs);
    let mut squared_distances = Vec::with_capacity(n * (n + 1) / 2); // the lower triangle, packed
    let mut factor = InverseFactor::new();
    let mut covariances = vec![0.0; n];
    for i in 0..n {
        let row = squared_distances.len();
        squared_distances.resize(row + i + 1, 0.0);
        let row = &mut squared_distances[row..];
        points.add_squared_distances(&points.point(i), &kernel.inverse_squared_lengths, row);
        for (covariance, &squared) in covariances.iter_mut().zip(&row[..i]) {
            *covariance = kernel.amplitude * matern(squared);
        }
        factor.push(&covariances[..i], kernel.amplitude + kernel.noise, kernel.noise);
    }
    let weights = factor.solve(targets);
    // Half of yᵀ K⁻¹ y, which rewards an explanation of the data, and half of ln det K, which charges for a kernel that could have
    // explained anything. The constant n/2 ln 2π moves no optimum.
    let mut value = 0.5 * dot(targets, &weights) + 0.5 * factor.log_determinant(); // eq. 5.8
    let mut gradient = likelihood_gradient(points, &kernel, &factor, &weights, &squared_distances);
    let priors = [AMPLITUDE, NOISE].into_iter();
    let priors = priors.chain(std::iter::repeat(LogNormal::of_length(logs.len() - 2)));
    for ((&log, prior), slope) in logs.iter().zip(priors).zip(&mut gradient) {
        let (penalty, derivative) = prior.penalty(log);
        value += penalty;
        *slope += derivative;
    }
    // The descent steps back from where exp overflowed or a pivot was lost, so it is told and not given a number.
    let is_finite = value.is_finite() && gradient.iter().all(|slope| slope.is_finite());
    is_finite.then_some((value, gradient))
}

/// eq. 5.9 with its sign turned: ½ tr((K⁻¹ - α αᵀ) dK/dθ), from the lower triangle.
fn likelihood_gradient(
    points: &Points,
    kernel: &Kernel,
    factor: &InverseFactor,
    weights: &[f64],
    squared_distances: &[f64],
) -> Vec<f64> {
    let n = points.len();
    let mut gradient = vec![0.0; 2 + kernel.inverse_squared_lengths.len()];
    let mut residual = factor.inverse();
    let mut along = vec![0.0; n];
    let mut start = 0;
    for i in 0..n {
        let row = &mut residual[start..=start + i];
        let squared = &squared_distances[start..=start + i];
        start += i + 1;
        add_scaled(row, -weights[i], &weights[..=i]); // K⁻¹ - α αᵀ, in the place of K⁻¹
        gradient[0] += 0.5 * row[i] * kernel.amplitude;
        gradient[1] += 0.5 * row[i] * kernel.noise;
        for (entry, &squared) in row[..i].iter_mut().zip(squared) {
            gradient[0] += *entry * kernel.amplitude * matern(squared); // ½ twice: the triangle above is the same
            *entry *= kernel.amplitude * matern_slope(squared);
        }
        let point = points.point(i);
        for (index, &weight) in kernel.inverse_squared_lengths.iter().enumerate() {
            let along = &mut along[..i];
            along.fill(0.0);
            points.add_squared_distances_along(index, point[index], weight, along);
            gradient[2 + index] += dot(&row[..i], along);
        }
    }
    gradient
}

#[cfg(test)]
mod tests {
    use super::super::embedding::Embedding;
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    fn data(n: usize) -> (Points, Vec<f64>) {
        let toy = Toy::bowl();
        let embedding = Embedding::new(toy.space());
        let mut points = Points::new(embedding.clone());
        let mut rng = Seed::new(0).stream("test");
        let mut targets = Vec::new();
        for _ in 0..n {
            let design = toy.space().sample(&mut rng);
            points.push(&embedding.embed(&design));
            let levels = design.levels();
            targets.push(f64::from(levels[0]) / 8.0 - 1.0 + f64::from(u8::from(levels[5] == 2)));
        }
        (points, targets)
    }

    /// Law: the gradient is the limit of central differences. Their error is of the order of h² times the third derivative.
    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let (points, targets) = data(12);
        let logs = [0.3, -2.0, -0.5, 0.1, 0.7, 1.0, 0.0, 0.4, 0.2, 0.6, -0.1, 0.5, 0.3];
        let (_, gradient) = loss(&points, &targets, &logs).unwrap();
        let h = 1e-5;
        for index in 0..logs.len() {
            let at = |delta: f64| {
                let mut logs = logs;
                logs[index] += delta;
                loss(&points, &targets, &logs).unwrap().0
            };
            let difference = (at(h) - at(-h)) / (2.0 * h);
            assert!((difference - gradient[index]).abs() < 1e-6, "{index}: {difference} {}", gradient[index]);
        }
    }

    /// The targets depend on the first and the last of the parameters, coordinates 0 and 10; the lengths of those between grow.
    #[test]
    fn coordinates_that_do_not_matter_get_long_lengths() {
        let (points, targets) = data(60);
        let kernel = fit(&points, &targets, None, Effort { steps: 50 });
        let inverse = &kernel.inverse_squared_lengths;
        let of_idle = inverse[2..10].iter().fold(0.0, |largest: f64, &inverse| largest.max(inverse));
        assert!(inverse[0] > 10.0 * of_idle && inverse[10] > 10.0 * of_idle, "{inverse:?}");
    }
}
