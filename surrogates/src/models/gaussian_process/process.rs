//! A Gaussian process conditioned on observations, and what it expects at other points.

use super::embedding::Points;
use super::factor::{InverseFactor, LANES, Lanes, dot};
use super::kernel::Kernel;

/// A Gaussian process conditioned on observations, whose mean prior to them is 0.
#[derive(Debug, Clone)]
pub struct GaussianProcess {
    kernel: Kernel,
    points: Points,
    pub(super) factor: InverseFactor,
    /// K⁻¹ y, shape `[n]`.
    weights: Vec<f64>,
}

impl GaussianProcess {
    /// The process conditioned on `targets` observed at `points`, shape `[n]`.
    ///
    /// # Panics
    /// If there are not as many targets as points.
    pub fn new(kernel: Kernel, points: &Points, targets: &[f64]) -> Self {
        let mut process = Self {
            points: Points::new(points.embedding().clone()),
            kernel,
            factor: InverseFactor::new(),
            weights: Vec::new(),
        };
        for index in 0..points.len() {
            process.push(&points.point(index));
        }
        process.retarget(targets);
        process
    }

    /// Its kernel and noise.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// How many observations it has, `n`.
    pub fn n_points(&self) -> usize {
        self.points.len()
    }

    /// Takes in one more observed point, shape `[d]`; [`GaussianProcess::retarget`] is to follow. O(n²).
    pub fn push(&mut self, point: &[f64]) {
        let mut covariances = vec![0.0; self.points.len()];
        self.kernel.covariances(&self.points, point, &mut covariances);
        self.factor.push(&covariances, self.kernel.amplitude + self.kernel.noise, self.kernel.noise);
        self.points.push(point);
    }

    /// Sets what was observed at its points, shape `[n]`. O(n²).
    ///
    /// # Panics
    /// If there are not as many targets as points.
    pub fn retarget(&mut self, targets: &[f64]) {
        assert_eq!(targets.len(), self.points.len(), "one target for each point");
        self.weights = self.factor.solve(targets);
    }

    /// What can be said of `points`, shape `[c]`, without solving for their variances. O(n d) each.
    pub fn bounds(&self, points: &[Vec<f64>]) -> PosteriorBounds {
        let mut bounds =
            PosteriorBounds { mean: Vec::new(), most_variance: Vec::new(), covariances: Vec::new() };
        for point in points {
            let mut covariances = vec![0.0; self.points.len()];
            self.kernel.covariances(&self.points, point, &mut covariances);
            bounds.mean.push(dot(&covariances, &self.weights));
            // What one observation explains, all of them explain: k(x, x) - k(x, x_i)² / (k(x_i, x_i) + noise) is never too little.
            let largest = covariances.iter().fold(0.0, |largest: f64, &covariance| largest.max(covariance));
            let explained = largest * largest / (self.kernel.amplitude + self.kernel.noise);
            bounds.most_variance.push((self.kernel.amplitude - explained).max(self.floor()));
            bounds.covariances.push(covariances);
        }
        bounds
    }

    /// The variances of those points of `bounds`, made by this process, that are `chosen`, without the noise of an observation. O(n²)
    /// each.
    pub fn variances(&self, bounds: &PosteriorBounds, chosen: &[usize]) -> Vec<f64> {
        self.whitened(bounds, chosen).flat_map(|(_, variances)| variances).collect()
    }

    /// W k for some of the points at a time, and what is left of their variances.
    fn whitened<'a>(
        &'a self,
        bounds: &'a PosteriorBounds,
        chosen: &'a [usize],
    ) -> impl Iterator<Item = (Vec<Lanes>, Vec<f64>)> + 'a {
        chosen.chunks(LANES).map(|block| {
            let mut lanes: Vec<Lanes> = vec![[0.0; LANES]; self.points.len()];
            for (lane, &index) in block.iter().enumerate() {
                for (row, &covariance) in lanes.iter_mut().zip(&bounds.covariances[index]) {
                    row[lane] = covariance;
                }
            }
            let whitened = self.factor.multiply(&lanes);
            // k(x, x) - kᵀ K⁻¹ k = k(x, x) - |W k|²: what the data explain is a sum of squares, so a variance never exceeds the prior.
            let left = |lane: usize| {
                let explained: f64 = whitened.iter().map(|row| row[lane] * row[lane]).sum();
                (self.kernel.amplitude - explained).max(self.floor())
            };
            let variances = (0..block.len()).map(left).collect();
            (whitened, variances)
        })
    }

    /// The process at `points`, shape `[c]`, without the noise of an observation.
    pub fn posterior(&self, points: &[Vec<f64>]) -> Posterior {
        let bounds = self.bounds(points);
        let all: Vec<usize> = (0..points.len()).collect();
        let (mut variance, mut blocks) = (Vec::with_capacity(points.len()), Vec::new());
        for (block, variances) in self.whitened(&bounds, &all) {
            variance.extend(variances);
            blocks.push(block);
        }
        Posterior { mean: bounds.mean, variance, blocks }
    }

    /// Below this a variance is rounding: a share of the amplitude near the precision of a product of `n` terms.
    fn floor(&self) -> f64 {
        self.kernel.amplitude * f64::EPSILON * (1 + self.points.len()) as f64
    }

    /// Lowers the variances of `posterior`, made by this process at `points`, as if the point at `index` had been observed
    /// to have its mean: the "kriging believer" of Ginsbourger, Le Riche & Carraro (2010),
    /// doi:10.1007/978-3-642-10701-6_6. Such an observation moves no mean. O(n c).
    pub fn believe(&self, posterior: &mut Posterior, points: &[Vec<f64>], index: usize) {
        let rows = posterior.blocks[index / LANES].len();
        let believed: Vec<f64> =
            (0..rows).map(|row| posterior.blocks[index / LANES][row][index % LANES]).collect();
        // The bordered factor's new row, applied to all points: their covariance with the believed one given the data, over its
        // deviation. Squared it is what that observation would explain.
        let scale = (posterior.variance[index] + self.kernel.noise).sqrt();
        for (block_index, block) in posterior.blocks.iter_mut().enumerate() {
            let mut explained = [0.0; LANES];
            for (row, &weight) in block.iter().zip(&believed) {
                for (sum, &entry) in explained.iter_mut().zip(row) {
                    *sum += weight * entry;
                }
            }
            let mut next = [0.0; LANES];
            let first = block_index * LANES;
            for (lane, next) in next.iter_mut().enumerate().take(points.len() - first) {
                let prior =
                    self.kernel.covariance(self.points.embedding(), &points[first + lane], &points[index]);
                *next = (prior - explained[lane]) / scale;
                let variance = &mut posterior.variance[first + lane];
                *variance = (*variance - *next * *next).max(self.floor());
            }
            block.push(next);
        }
    }
}

/// What can be said of `c` points at little cost.
#[derive(Debug, Clone)]
pub struct PosteriorBounds {
    /// Shape `[c]`.
    pub mean: Vec<f64>,
    /// No variance is larger, shape `[c]`, positive.
    pub most_variance: Vec<f64>,
    /// Shape `[c][n]`.
    covariances: Vec<Vec<f64>>,
}

/// What a process expects at `c` points.
#[derive(Debug, Clone)]
pub struct Posterior {
    /// Shape `[c]`.
    pub mean: Vec<f64>,
    /// Shape `[c]`, positive.
    pub variance: Vec<f64>,
    /// W k for each point: blocks of some points, each of shape `[n][LANES]`.
    blocks: Vec<Vec<Lanes>>,
}
