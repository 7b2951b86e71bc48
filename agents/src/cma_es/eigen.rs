//! Eigenvalues and eigenvectors of a small symmetric matrix.
//!
//! Source: Golub & Van Loan (2013), "Matrix Computations", 4th ed., section 8.5: the cyclic Jacobi method, algorithms
//! 8.5.1 and 8.5.3.

/// Sweeps after which the method has long converged: it does so quadratically, in about ten (section 8.5.4).
const MAX_SWEEPS: usize = 32;

/// Eigenvalues `[n]`, and eigenvectors `[n][n]` as columns, row after row, of a symmetric matrix `[n][n]`, row after
/// row.
pub(super) fn decompose(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    let scale: f64 = a.iter().map(|entry| entry * entry).sum();
    for _ in 0..MAX_SWEEPS {
        let off: f64 =
            (0..n).flat_map(|p| (0..p).map(move |q| (p, q))).map(|(p, q)| a[p * n + q].powi(2)).sum();
        if off <= f64::EPSILON.powi(2) * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, n, p, q);
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), vectors)
}

/// Makes entry (p, q) zero.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    if a[p * n + q] == 0.0 {
        return;
    }
    let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
    let t = if tau >= 0.0 { 1.0 / (tau + tau.hypot(1.0)) } else { 1.0 / (tau - tau.hypot(1.0)) };
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    let turn = |x: f64, y: f64| (c * x - s * y, s * x + c * y);
    for k in 0..n {
        (a[k * n + p], a[k * n + q]) = turn(a[k * n + p], a[k * n + q]);
    }
    for k in 0..n {
        (a[p * n + k], a[q * n + k]) = turn(a[p * n + k], a[q * n + k]);
        (vectors[k * n + p], vectors[k * n + q]) = turn(vectors[k * n + p], vectors[k * n + q]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (2 1; 1 2) has the eigenvalues 1 and 3, along (1, -1) and (1, 1).
    #[test]
    fn two_by_two_by_hand() {
        let (values, vectors) = decompose(&[2.0, 1.0, 1.0, 2.0], 2);
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        assert!((sorted[0] - 1.0).abs() < 1e-14 && (sorted[1] - 3.0).abs() < 1e-14, "{values:?}");
        let at = if values[0] < values[1] { 0 } else { 1 };
        assert!((vectors[at] + vectors[2 + at]).abs() < 1e-14, "{vectors:?}");
    }

    /// Law: V diag(values) V' is the matrix, and V V' the identity.
    #[test]
    fn the_parts_multiply_to_the_matrix() {
        let n = 7;
        let entry =
            |i: usize, j: usize| 1.0 / (1.0 + i as f64 + j as f64) + f64::from(u8::from(i == j)) * i as f64;
        let matrix: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let (values, vectors) = decompose(&matrix, n);
        for i in 0..n {
            for j in 0..n {
                let product: f64 = (0..n).map(|k| vectors[i * n + k] * values[k] * vectors[j * n + k]).sum();
                assert!((product - matrix[i * n + j]).abs() < 1e-12);
                let identity: f64 = (0..n).map(|k| vectors[i * n + k] * vectors[j * n + k]).sum();
                assert!((identity - f64::from(u8::from(i == j))).abs() < 1e-13);
            }
        }
    }
}
