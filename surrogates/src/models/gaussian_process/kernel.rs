//! The covariance of two designs: Matérn 5/2 over a distance with a length scale for each parameter.
//!
//! Source: Rasmussen & Williams (2006), eq. 4.17; one distance over ordered and categorical parameters, in which two
//! categories are 1 apart if they differ, is that of Song et al. (2024), "The Vizier Gaussian Process Bandit
//! Algorithm", arXiv:2408.11527, section 3. It is a kernel: the distance is Euclidean between one-hot vectors over √2.

use serde::{Deserialize, Serialize};

use super::embedding::{CoordinateKind, Embedding, Points};

/// A kernel and the noise of observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// The variance of the process, σ².
    pub amplitude: f64,
    /// The variance of an observation around it.
    pub noise: f64,
    /// 1/ℓ² for each coordinate, shape `[d]`.
    pub inverse_squared_lengths: Vec<f64>,
}

/// (1 + s + s²/3) exp(-s) with s = √(5 r²).
pub(super) fn matern(squared_distance: f64) -> f64 {
    // Twice differentiable and no smoother: costs of hardware bend where a size just fits, and a Gaussian kernel, whose samples
    // have all derivatives, would swing beyond the data on both sides of such a bend.
    let s = (5.0 * squared_distance).sqrt();
    (1.0 + s + s * s / 3.0) * (-s).exp()
}

/// The derivative of [`matern`] by the logarithm of a length, over the share of r² that is along it:
/// with dM/d(r²) = -5/6 (1 + s) exp(-s) and d(r²)/d(ln ℓ) = -2 times the share. By the squared distance, since the derivative by r
/// divides by r, which is 0 on the diagonal.
pub(super) fn matern_slope(squared_distance: f64) -> f64 {
    let s = (5.0 * squared_distance).sqrt();
    5.0 / 3.0 * (1.0 + s) * (-s).exp()
}

impl Kernel {
    /// The covariances of the process between `point` and the first points of `points`, as many as `out` has room for.
    pub fn covariances(&self, points: &Points, point: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        points.add_squared_distances(point, &self.inverse_squared_lengths, out);
        for entry in out {
            *entry = self.amplitude * matern(*entry);
        }
    }

    /// The covariance of the process between two points, shape `[d]` each.
    pub fn covariance(&self, embedding: &Embedding, a: &[f64], b: &[f64]) -> f64 {
        let mut squared_distance = 0.0;
        for (index, kind) in embedding.kinds().iter().enumerate() {
            squared_distance += self.inverse_squared_lengths[index]
                * match kind {
                    CoordinateKind::Ordered => (a[index] - b[index]).powi(2),
                    CoordinateKind::Categorical => f64::from(u8::from(a[index] != b[index])),
                };
        }
        self.amplitude * matern(squared_distance)
    }
}
