//! The matrix product of the network.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

/// A matrix in a slice, as it lies or transposed.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    entries: &'a [f32],
    n_rows: usize,
    n_columns: usize,
    is_transposed: bool,
}

impl<'a> Matrix<'a> {
    /// The matrix of shape `[n_rows][n_columns]` in `entries`.
    ///
    /// # Panics
    /// If there are more or fewer entries than that.
    pub fn new(entries: &'a [f32], n_rows: usize, n_columns: usize) -> Self {
        assert_eq!(entries.len(), n_rows * n_columns, "a matrix has an entry for each row and column");
        Self { entries, n_rows, n_columns, is_transposed: false }
    }

    /// The same entries with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        let (n_rows, n_columns) = (self.n_columns, self.n_rows);
        Self { n_rows, n_columns, is_transposed: !self.is_transposed, ..self }
    }

    fn view(self) -> ArrayView2<'a, f32> {
        let (n_rows, n_columns) = (self.n_rows, self.n_columns);
        let shape = (n_rows, n_columns);
        let shape =
            if self.is_transposed { shape.strides((1, n_rows)) } else { shape.strides((n_columns, 1)) };
        ArrayView2::from_shape(shape, self.entries).expect("a matrix has an entry for each row and column")
    }
}

/// Adds the product of `a` and `b` to `sum`, shape `[rows of a][columns of b]`.
///
/// Each entry is summed along the inner dimension in an order that depends on that dimension alone.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_product(a: Matrix<'_>, b: Matrix<'_>, sum: &mut [f32]) {
    assert_eq!(a.n_columns, b.n_rows, "the inner dimensions of a product agree");
    if sum.is_empty() {
        return; // ndarray refuses the strides of a matrix without rows
    }
    let mut sum = ArrayViewMut2::from_shape((a.n_rows, b.n_columns), sum)
        .expect("a product has the rows of one factor and the columns of the other");
    general_mat_mul(1.0, &a.view(), &b.view(), 1.0, &mut sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (1 2 3; 4 5 6) by (1 0; 0 1; 2 2) is (7 8; 16 17), and each of the factors may lie transposed.
    #[test]
    fn products_by_hand() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let a_transposed = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
        let b = [1.0, 0.0, 0.0, 1.0, 2.0, 2.0];
        let b_transposed = [1.0, 0.0, 2.0, 0.0, 1.0, 2.0];
        for a in [Matrix::new(&a, 2, 3), Matrix::new(&a_transposed, 3, 2).transposed()] {
            for b in [Matrix::new(&b, 3, 2), Matrix::new(&b_transposed, 2, 3).transposed()] {
                let mut sum = [100.0, 0.0, 0.0, 0.0];
                add_product(a, b, &mut sum);
                assert_eq!(sum, [107.0, 8.0, 16.0, 17.0]);
            }
        }
    }

    #[test]
    fn no_rows_have_no_product() {
        add_product(Matrix::new(&[], 0, 2), Matrix::new(&[1.0, 2.0], 2, 1), &mut []);
    }

    #[test]
    #[should_panic(expected = "inner dimensions")]
    fn shapes_that_do_not_fit_are_a_bug() {
        add_product(Matrix::new(&[1.0, 2.0], 1, 2), Matrix::new(&[1.0], 1, 1), &mut [0.0]);
    }
}
