//! Gaussian process regression over designs of ordered and categorical parameters.
//!
//! Source: Rasmussen & Williams (2006), "Gaussian Processes for Machine Learning", chapters 2 and 5. The kernel, and the
//! priors under which its hyperparameters are fitted, are in `kernel.rs` and `fit.rs` with their own sources.
//! Departs from it: the model keeps the inverse W = L⁻¹ of the Cholesky factor of K = L Lᵀ in place of L. It grows by a row
//! for each observation (O(n²)), and predictions for many designs at once are plain products with it.
//!
//! | module | holds |
//! |---|---|
//! | `process` | the process conditioned on observations, and its posterior |
//! | [`embedding`] | designs as coordinates |
//! | [`kernel`] | covariances between them |
//! | [`fit`] | hyperparameters from data |
//! | `factor` | the inverse Cholesky factor, row by row |
//! | `descent` | the optimizer the fit uses |

mod descent;
pub mod embedding;
mod factor;
pub mod fit;
pub mod kernel;
mod process;
#[cfg(test)]
mod tests;

pub use process::{GaussianProcess, Posterior, PosteriorBounds};
