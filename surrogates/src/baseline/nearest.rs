//! Means over the nearest of some rows.

use serde::{Deserialize, Serialize};
use smartcore::algorithm::neighbour::KNNAlgorithmName;
use smartcore::error::Failed;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::metrics::distance::euclidian::Euclidian;
use smartcore::neighbors::KNNWeightFunction;
use smartcore::neighbors::knn_regressor::{KNNRegressor, KNNRegressorParameters};

/// What near rows count for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighting {
    /// The same, however near.
    Uniform,
    /// One over the distance; a row at no distance decides alone.
    ByDistance,
}

/// Rows with a number each, and its mean over the nearest ones.
#[derive(Serialize, Deserialize)]
pub(crate) struct Nearest {
    regressor: KNNRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>, Euclidian<f64>>,
}

impl Nearest {
    /// The mean of `values`, shape `[n]`, over the `k` of `rows`, shape `[n][d]`, that are nearest; over all if there are fewer.
    ///
    /// # Errors
    /// [`Failed`] if there is no row.
    pub fn new(rows: &[Vec<f64>], values: &[f64], k: usize, weighting: Weighting) -> Result<Self, Failed> {
        let weight = match weighting {
            Weighting::Uniform => KNNWeightFunction::Uniform,
            Weighting::ByDistance => KNNWeightFunction::Distance,
        };
        // Rows of a few dozen columns are searched one by one: a cover tree prunes hardly any of them.
        let parameters = KNNRegressorParameters::default()
            .with_k(k.min(rows.len()))
            .with_algorithm(KNNAlgorithmName::LinearSearch)
            .with_weight(weight);
        Ok(Self { regressor: KNNRegressor::fit(&matrix(rows)?, &values.to_vec(), parameters)? })
    }

    /// The mean at a row, shape `[d]`.
    pub fn mean(&self, row: &[f64]) -> f64 {
        let row = matrix(&[row.to_vec()]).expect("a row has columns");
        self.regressor.predict(&row).expect("there are rows to be near to")[0]
    }
}

/// Rows as smartcore wants them.
///
/// # Errors
/// [`Failed`] if there is no row, or no column.
pub(crate) fn matrix(rows: &[Vec<f64>]) -> Result<DenseMatrix<f64>, Failed> {
    DenseMatrix::from_2d_vec(&rows.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At 1 the two nearest of 0, 2, 10 are 0 and 2, both at distance 1: (4 + 8) / 2. At 0.5 they are at 0.5 and 1.5, so by distance
    /// the first counts for three times as much: (3 * 4 + 8) / 4. At 2 its own value is all.
    #[test]
    fn means_over_the_nearest_by_hand() {
        let rows = [[0.0], [2.0], [10.0]].map(|row| row.to_vec());
        let mean =
            |weighting, x: f64| Nearest::new(&rows, &[4.0, 8.0, 100.0], 2, weighting).unwrap().mean(&[x]);
        assert_eq!(mean(Weighting::Uniform, 0.5), 6.0);
        assert!((mean(Weighting::ByDistance, 1.0) - 6.0).abs() < 1e-12);
        assert!((mean(Weighting::ByDistance, 0.5) - 5.0).abs() < 1e-12);
        assert_eq!(mean(Weighting::ByDistance, 2.0), 8.0);
        let of_all = Nearest::new(&rows, &[1.0, 2.0, 3.0], 9, Weighting::Uniform).unwrap().mean(&[0.0]);
        assert!((of_all - 2.0).abs() < 1e-12);
        assert!(Nearest::new(&[], &[], 1, Weighting::Uniform).is_err());
    }
}
