//! The normal distribution of ordered levels: sampling, adaptation, and the margin.
//!
//! Positions are shares of a parameter's range, so level l of n stands at l / (n - 1).

use std::f64::consts::TAU;

use rand::RngExt;
use tapeout_core::encoding::unit;
use tapeout_core::{Design, DesignSpace, Stream};

use super::eigen::decompose;
use crate::parts::acquisition::Normal;
use crate::parts::targets::quantile;

/// Nomura et al. (2021), "Warm starting CMA-ES for hyperparameter optimization", doi:10.1609/aaai.v35i10.17109: the
/// prior's standard deviation, alpha = 0.1 of the range.
const WARM_DEVIATION: f64 = 0.1;

/// What follows from the dimension and the size of a generation. Hansen (2016), table 1.
pub(super) struct Strategy {
    /// Of the better half, best first; they add up to 1.
    pub(super) weights: Vec<f64>,
    mu_eff: f64,
    c_sigma: f64,
    d_sigma: f64,
    c_c: f64,
    c_1: f64,
    pub(super) c_mu: f64,
}

impl Strategy {
    pub(super) fn new(dimension: usize, lambda: usize) -> Self {
        let n = dimension.max(1) as f64;
        let raw = (1..=lambda / 2).map(|i| ((lambda as f64 + 1.0) / 2.0).ln() - (i as f64).ln()); // eq. 49
        let raw: Vec<f64> = raw.collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|weight| weight / sum).collect();
        let mu_eff = 1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>();
        let c_sigma = (mu_eff + 2.0) / (n + mu_eff + 5.0); // eq. 55
        let d_sigma = 1.0 + 2.0 * (((mu_eff - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let c_c = (4.0 + mu_eff / n) / (n + 4.0 + 2.0 * mu_eff / n); // eq. 56
        let c_1 = 2.0 / ((n + 1.3).powi(2) + mu_eff); // eq. 57
        let rank_mu = 2.0 * (0.25 + mu_eff + 1.0 / mu_eff - 2.0) / ((n + 2.0).powi(2) + mu_eff); // eq. 58
        Self { weights, mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu: rank_mu.min(1.0 - c_1) }
    }
}

/// One ordered parameter with a choice.
struct Axis {
    parameter: usize,
    n_levels: u32,
}

impl Axis {
    fn level(&self, position: f64) -> u32 {
        let last = f64::from(self.n_levels - 1);
        (position * last).round().clamp(0.0, last) as u32
    }

    /// Where the levels just below and above that of `position` begin; none at the ends.
    fn thresholds(&self, position: f64) -> (Option<f64>, Option<f64>) {
        let (level, last) = (self.level(position), self.n_levels - 1);
        let edge = |half_levels: f64| half_levels / f64::from(last);
        let low = (level > 0).then(|| edge(f64::from(level) - 0.5));
        (low, (level < last).then(|| edge(f64::from(level) + 0.5)))
    }
}

/// m, sigma, C, the evolution paths, and the margin's scale A.
pub(super) struct Gaussian {
    axes: Vec<Axis>,
    margin: f64,
    mean: Vec<f64>,
    sigma: f64,
    covariance: Vec<f64>,
    /// B, shape `[n][n]`, and D, shape `[n]`, of C = B D^2 B'.
    basis: Vec<f64>,
    deviations: Vec<f64>,
    path_sigma: Vec<f64>,
    path_c: Vec<f64>,
    scale: Vec<f64>,
    n_updates: i32,
}

impl Gaussian {
    /// In the middle of the space, as wide as `sigma` along each axis.
    pub(super) fn new(space: &DesignSpace, sigma: f64, margin: f64) -> Self {
        let parameters = space.parameters().iter().enumerate();
        let axes: Vec<Axis> = parameters
            .filter(|(_, parameter)| !parameter.is_categorical() && parameter.n_levels() > 1)
            .map(|(index, parameter)| Axis { parameter: index, n_levels: parameter.n_levels() })
            .collect();
        let n = axes.len();
        let identity: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
        Self {
            axes,
            margin,
            mean: vec![0.5; n],
            sigma,
            covariance: identity.clone(),
            basis: identity,
            deviations: vec![1.0; n],
            path_sigma: vec![0.0; n],
            path_c: vec![0.0; n],
            scale: vec![1.0; n],
            n_updates: 0,
        }
    }

    pub(super) fn dimension(&self) -> usize {
        self.axes.len()
    }

    /// y = B D z with z standard normal. Eq. 38 and 39.
    pub(super) fn draw(&self, rng: &mut Stream) -> Vec<f64> {
        let n = self.dimension();
        let z: Vec<f64> = self.deviations.iter().map(|deviation| deviation * standard_normal(rng)).collect();
        (0..n).map(|i| dot(&self.basis[i * n..(i + 1) * n], &z)).collect()
    }

    /// Writes the levels at m + sigma A y.
    pub(super) fn write_levels(&self, step: &[f64], levels: &mut [u32]) {
        for (i, axis) in self.axes.iter().enumerate() {
            levels[axis.parameter] = axis.level(self.mean[i] + self.sigma * self.scale[i] * step[i]);
        }
    }

    /// The y of a design that was not drawn, no longer than such a y may be. Hansen (2011): c_y = sqrt(n) + 2 n / (n
    /// + 2).
    pub(super) fn injected(&self, design: &Design) -> Vec<f64> {
        let n = self.dimension() as f64;
        let position = |axis: &Axis| unit(design.levels()[axis.parameter], axis.n_levels);
        let steps = self.axes.iter().zip(&self.mean).zip(&self.scale);
        let step: Vec<f64> = steps.map(|((axis, m), a)| (position(axis) - m) / (self.sigma * a)).collect();
        let length = norm(&self.whitened(&step));
        let longest = n.sqrt() + 2.0 * n / (n + 2.0);
        // A design from elsewhere may lie anywhere. Unbounded, one of them would drag the covariance towards itself at once.
        let factor = if length > longest { longest / length } else { 1.0 };
        step.iter().map(|y| y * factor).collect()
    }

    /// C^(-1/2) y = B D^-1 B' y.
    fn whitened(&self, step: &[f64]) -> Vec<f64> {
        let n = self.dimension();
        let column =
            |k: usize| (0..n).map(|i| self.basis[i * n + k] * step[i]).sum::<f64>() / self.deviations[k];
        let rotated: Vec<f64> = (0..n).map(column).collect();
        (0..n).map(|i| dot(&self.basis[i * n..(i + 1) * n], &rotated)).collect()
    }

    /// Moves the mean, the step size and the covariance by the steps y of a generation, best first; shape
    /// `[lambda][n]`.
    pub(super) fn update(&mut self, strategy: &Strategy, steps: &[&[f64]]) {
        let n = self.dimension();
        if n == 0 {
            return;
        }
        let Strategy { weights, mu_eff, c_sigma, d_sigma, c_c, c_1, c_mu } = strategy;
        let weighted = |i: usize| weights.iter().zip(steps).map(|(weight, step)| weight * step[i]).sum();
        let y_w: Vec<f64> = (0..n).map(weighted).collect(); // eq. 41
        let whitened = self.whitened(&y_w);
        self.n_updates += 1;
        for i in 0..n {
            // Held in the unit cube: beyond it all steps lead to the same end level, and nothing would call the mean back.
            self.mean[i] = (self.mean[i] + self.sigma * y_w[i]).clamp(0.0, 1.0); // eq. 42
            self.path_sigma[i] = (1.0 - c_sigma) * self.path_sigma[i]
                + (c_sigma * (2.0 - c_sigma) * mu_eff).sqrt() * whitened[i]; // eq. 43
        }
        let dimension = n as f64;
        // The expected length of a standard normal vector, below eq. 44.
        let expected =
            dimension.sqrt() * (1.0 - 1.0 / (4.0 * dimension) + 1.0 / (21.0 * dimension * dimension));
        let length = norm(&self.path_sigma);
        // No wider than the range, where samples are uniform for all that levels can tell.
        self.sigma = (self.sigma * ((c_sigma / d_sigma) * (length / expected - 1.0)).exp()).min(1.0); // eq. 44
        // The path starts at 0, so its length is compared with what it can be by now.
        let settled = (1.0 - (1.0 - c_sigma).powi(2 * (self.n_updates + 1))).sqrt();
        let is_short = length / settled < (1.4 + 2.0 / (dimension + 1.0)) * expected;
        let h_sigma = f64::from(u8::from(is_short));
        for (path, y) in self.path_c.iter_mut().zip(&y_w) {
            *path = (1.0 - c_c) * *path + h_sigma * (c_c * (2.0 - c_c) * mu_eff).sqrt() * y; // eq. 45
        }
        // Where the rank-one path is held back, what it would have brought is left to the old covariance, or C would shrink.
        let kept = 1.0 - c_1 - c_mu + (1.0 - h_sigma) * c_1 * c_c * (2.0 - c_c);
        for i in 0..n {
            for j in 0..n {
                let rank_mu: f64 =
                    weights.iter().zip(steps).map(|(weight, step)| weight * step[i] * step[j]).sum();
                self.covariance[i * n + j] = kept * self.covariance[i * n + j]
                    + c_1 * self.path_c[i] * self.path_c[j]
                    + c_mu * rank_mu; // eq. 47
            }
        }
        self.decompose();
        self.keep_margin();
    }

    fn decompose(&mut self) {
        let (values, vectors) = decompose(&self.covariance, self.dimension());
        // Rounding may leave an eigenvalue at or below 0, where C^(-1/2) would not be finite.
        self.deviations = values.iter().map(|value| value.max(f64::EPSILON).sqrt()).collect();
        self.basis = vectors;
    }

    /// Moves the mean and the scale of each axis until the levels next to the mean's are likely enough. Hamano et al.
    /// (2022), section 4: at an end the mean alone, elsewhere both.
    fn keep_margin(&mut self) {
        let n = self.dimension();
        for i in 0..n {
            let deviation = self.sigma * self.covariance[i * n + i].sqrt();
            let normal = Normal { mean: self.mean[i], std: deviation * self.scale[i] };
            match self.axes[i].thresholds(self.mean[i]) {
                (Some(low), Some(high)) => {
                    let below = normal.below(low);
                    let above = 1.0 - normal.below(high);
                    let (below, above) = with_margin(below, above, self.margin);
                    // The distances of the mean from both thresholds, in standard deviations.
                    let (to_low, to_high) = (-quantile(below), -quantile(above));
                    self.scale[i] = (high - low) / ((to_low + to_high) * deviation);
                    self.mean[i] = (low * to_high + high * to_low) / (to_low + to_high);
                }
                (low, high) => {
                    let Some(threshold) = low.or(high) else { continue };
                    let farthest = -quantile(self.margin) * normal.std;
                    self.mean[i] = self.mean[i].clamp(threshold - farthest, threshold + farthest);
                }
            }
        }
    }

    /// The mean and the covariance of `designs`, and a prior of which more is left the wider apart they are.
    pub(super) fn fit(&mut self, designs: &[&Design]) {
        let n = self.dimension();
        if n == 0 || designs.is_empty() {
            return;
        }
        let count = designs.len() as f64;
        let position =
            |design: &Design, i: usize| unit(design.levels()[self.axes[i].parameter], self.axes[i].n_levels);
        let mean: Vec<f64> =
            (0..n).map(|i| designs.iter().map(|design| position(design, i)).sum::<f64>() / count).collect();
        let entry = |i: usize, j: usize| {
            let product =
                |design: &&Design| (position(design, i) - mean[i]) * (position(design, j) - mean[j]);
            let prior = if i == j { WARM_DEVIATION.powi(2) } else { 0.0 };
            prior + designs.iter().map(product).sum::<f64>() / count
        };
        let covariance: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        self.covariance = covariance;
        self.mean = mean;
        self.decompose();
        // sigma is the geometric mean of the deviations, so that what is left has determinant 1.
        let mean_log = self.deviations.iter().map(|deviation| deviation.ln()).sum::<f64>() / n as f64;
        self.sigma = mean_log.exp();
        self.covariance.iter_mut().for_each(|entry| *entry /= self.sigma * self.sigma);
        self.decompose();
        self.keep_margin();
    }
}

/// Probabilities beside a level, each at least half the margin, and the level's own at least as much. Hamano et al.
/// (2022), eq. 15 to 18.
fn with_margin(below: f64, above: f64, margin: f64) -> (f64, f64) {
    let half = margin / 2.0;
    let within = (1.0 - below - above).max(half);
    let (below, above) = (below.max(half), above.max(half));
    let total = below + within + above;
    let reduced =
        |probability: f64| probability + (1.0 - total) * (probability - half) / (total - 3.0 * half);
    // The mean lies within the level, so neither side may reach 1/2.
    let most = 0.5 - f64::EPSILON.sqrt();
    (reduced(below).clamp(half.min(most), most), reduced(above).clamp(half.min(most), most))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// Source: Box & Muller (1958), doi:10.1214/aoms/1177706645.
fn standard_normal(rng: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_core::check::toy::Toy;
    use tapeout_core::{Env, Seed};

    /// lambda = 6: raw weights ln 3.5 - ln 1, 2, 3 = 1.2528, 0.5596, 0.1542, sum 1.9665; mu_eff = 1 / (0.4058 +
    /// 0.0810 + 0.0061) = 2.0286.
    #[test]
    fn the_weights_by_hand() {
        let strategy = Strategy::new(5, 6);
        for (weight, expected) in strategy.weights.iter().zip([0.6370, 0.2846, 0.0784]) {
            assert!((weight - expected).abs() < 1e-4, "{:?}", strategy.weights);
        }
        assert!((strategy.mu_eff - 2.0286).abs() < 1e-3, "{}", strategy.mu_eff);
    }

    /// Law: whatever happens to the distribution, the levels beside the mean's keep the probability of the margin; in a
    /// distribution that has shrunk to nothing as well.
    #[test]
    fn the_levels_beside_the_mean_stay_within_reach() {
        let toy = Toy::bowl();
        for mean in [0.0, 0.03, 0.31, 0.5, 0.99] {
            let mut gaussian = Gaussian::new(toy.space(), 1e-6, 0.02);
            gaussian.mean.fill(mean);
            gaussian.keep_margin();
            for (i, axis) in gaussian.axes.iter().enumerate() {
                let normal = Normal { mean: gaussian.mean[i], std: gaussian.sigma * gaussian.scale[i] };
                let (low, high) = axis.thresholds(gaussian.mean[i]);
                let least = if low.is_some() && high.is_some() { 0.01 } else { 0.02 };
                assert!(low.is_none_or(|low| normal.below(low) > least * 0.999), "{mean}");
                assert!(high.is_none_or(|high| 1.0 - normal.below(high) > least * 0.999), "{mean}");
            }
        }
    }

    /// On a sphere the mean comes to the best position and the step size shrinks.
    #[test]
    fn the_mean_goes_to_the_best_position_of_a_sphere() {
        let toy = Toy::bowl();
        let mut gaussian = Gaussian::new(toy.space(), 0.3, 1e-6);
        let strategy = Strategy::new(5, 8);
        let mut rng = Seed::new(0).stream("test");
        for _ in 0..60 {
            let mut steps: Vec<Vec<f64>> = (0..8).map(|_| gaussian.draw(&mut rng)).collect();
            let loss = |step: &Vec<f64>| -> f64 {
                (0..5)
                    .map(|i| (gaussian.mean[i] + gaussian.sigma * gaussian.scale[i] * step[i] - 0.7).powi(2))
                    .sum()
            };
            steps.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
            gaussian.update(&strategy, &steps.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        // 0.7 of 15 is 10.5, between levels 10 and 11.
        assert!(gaussian.mean.iter().all(|mean| (mean - 0.7).abs() < 0.04), "{:?}", gaussian.mean);
        assert!(gaussian.sigma < 0.05, "{}", gaussian.sigma);
    }

    /// The position of a design is where its levels stand, as long as that is not far off.
    #[test]
    fn an_injected_design_is_drawn_again_by_its_own_step() {
        let toy = Toy::bowl();
        let gaussian = Gaussian::new(toy.space(), 0.3, 0.01);
        let near = toy.space().repair(&[7, 8, 6, 9, 7, 1]);
        let mut levels = vec![0; 6];
        gaussian.write_levels(&gaussian.injected(&near), &mut levels);
        assert_eq!(levels[..5], near.levels()[..5]);
    }
}
