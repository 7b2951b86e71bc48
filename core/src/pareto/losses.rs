//! Loss vectors, checked and laid out as one matrix, so that what follows reads contiguous memory.

use std::cmp::Ordering;

use super::ParetoError;

/// Finite losses of `n` points, shape `[n][m]`, row after row. Negative zero is stored as zero, so
/// that `total_cmp`, which tells the two apart, agrees with `<` here.
pub(super) struct Losses {
    n_objectives: usize,
    flat: Vec<f64>,
}

impl Losses {
    /// Copies `points`, each of which must have `n_objectives` finite losses.
    pub(super) fn checked<P: AsRef<[f64]>>(points: &[P], n_objectives: usize) -> Result<Self, ParetoError> {
        let mut flat = Vec::with_capacity(points.len() * n_objectives);
        for (point, losses) in points.iter().enumerate() {
            let losses = losses.as_ref();
            check_point(point, losses, n_objectives)?;
            flat.extend(losses.iter().map(|loss| loss + 0.0));
        }
        Ok(Self { n_objectives, flat })
    }

    /// Copies `points` that have been judged already.
    ///
    /// # Panics
    /// If they differ in length or a loss is not finite.
    pub(super) fn judged<P: AsRef<[f64]>>(points: &[P]) -> Self {
        let n_objectives = points.first().map_or(0, |losses| losses.as_ref().len());
        Self::checked(points, n_objectives)
            .unwrap_or_else(|error| panic!("judged losses are finite and of one length: {error}"))
    }

    pub(super) fn n_objectives(&self) -> usize {
        self.n_objectives
    }

    /// Losses of one point, shape `[m]`.
    pub(super) fn row(&self, point: usize) -> &[f64] {
        &self.flat[point * self.n_objectives..(point + 1) * self.n_objectives]
    }

    /// Indices of the `n` points in lexicographic order of their losses; equal points in input order.
    pub(super) fn lexicographic_order(&self, n: usize) -> Vec<usize> {
        // The first loss decides nearly always, so it is kept beside the index.
        let mut keyed: Vec<(f64, usize)> =
            (0..n).map(|point| (self.row(point).first().copied().unwrap_or(0.0), point)).collect();
        keyed.sort_unstable_by(|a, b| {
            a.0.total_cmp(&b.0).then_with(|| lexicographic(self.row(a.1), self.row(b.1))).then(a.1.cmp(&b.1))
        });
        keyed.into_iter().map(|(_, point)| point).collect()
    }
}

/// Fails unless `losses` are `n_objectives` finite numbers.
pub(super) fn check_point(point: usize, losses: &[f64], n_objectives: usize) -> Result<(), ParetoError> {
    if losses.len() != n_objectives {
        return Err(ParetoError::Dimensions { point, got: losses.len(), expected: n_objectives });
    }
    match losses.iter().position(|loss| !loss.is_finite()) {
        Some(objective) => Err(ParetoError::NotFinite { point, objective, value: losses[objective] }),
        None => Ok(()),
    }
}

/// Order of two rows by their first loss, then their second, and so on.
pub(super) fn lexicographic(a: &[f64], b: &[f64]) -> Ordering {
    let differing = a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne());
    differing.unwrap_or(Ordering::Equal)
}
