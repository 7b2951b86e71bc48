//! The inverse W = L⁻¹ of the Cholesky factor of a covariance matrix K = L Lᵀ, which grows row by row.
//!
//! Source: Golub & Van Loan (2013), "Matrix Computations", section 4.2, and the inverse of a bordered triangle. All sums
//! are in a fixed order and without fused multiplication, so results are the same on every machine.
//!
//! Why W and not L: a proposal asks for the variance at thousands of points. With L each is a triangular solve, in which every
//! entry waits for those before; with W it is a product, which runs in as many lanes as a register has. What that costs in
//! accuracy is bounded by the noise, which keeps K well away from singular.

/// Points predicted together: as many doubles as two rows of sums leave room for in registers.
pub const LANES: usize = 8;

/// One number for each of the points predicted together.
pub type Lanes = [f64; LANES];

/// Rows of W, packed: row `i` has `i + 1` entries.
#[derive(Debug, Clone, Default)]
pub struct InverseFactor {
    entries: Vec<f64>,
    n: usize,
}

/// a · b, in eight interleaved sums: one sum would wait for each addition before the next, and the compiler may not reorder what
/// is rounded.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// Adds `scale * source` to `target`.
pub fn add_scaled(target: &mut [f64], scale: f64, source: &[f64]) {
    for (target, &source) in target.iter_mut().zip(source) {
        *target += scale * source;
    }
}

impl InverseFactor {
    /// The inverse factor of the empty matrix.
    pub fn new() -> Self {
        Self::default()
    }

    /// Row `i`, shape `[i + 1]`.
    pub fn row(&self, i: usize) -> &[f64] {
        let start = i * (i + 1) / 2;
        &self.entries[start..=start + i]
    }

    /// Borders K by a row and column: `covariances` with the rows before, shape `[n]`, and the new `diagonal`.
    ///
    /// `least_pivot`: what the diagonal has beyond a covariance, at least. A pivot cannot be less but by rounding.
    pub fn push(&mut self, covariances: &[f64], diagonal: f64, least_pivot: f64) {
        let n = self.n;
        let l: Vec<f64> = (0..n).map(|i| dot(self.row(i), &covariances[..=i])).collect(); // L's new row is W k
        // A point close to others leaves a small difference of two large numbers, which rounding may take below 0. Exactly it is
        // at least the noise, so the noise is what is put in its place.
        let pivot = (diagonal - dot(&l, &l)).max(least_pivot).sqrt();
        // [L 0; lᵀ p]⁻¹ = [W 0; -lᵀ W / p  1/p]: the new row is a sum of the rows that are there.
        let mut row = vec![0.0; n + 1];
        for (i, &scale) in l.iter().enumerate() {
            add_scaled(&mut row[..=i], -scale / pivot, self.row(i));
        }
        row[n] = 1.0 / pivot;
        self.entries.extend_from_slice(&row);
        self.n += 1;
    }

    /// K⁻¹ y = Wᵀ W y, shape `[n]`.
    pub fn solve(&self, y: &[f64]) -> Vec<f64> {
        let mut solution = vec![0.0; self.n];
        for i in 0..self.n {
            let row = self.row(i);
            // (W y)_i times row i, added as soon as it is known: W is read once, row after row.
            add_scaled(&mut solution[..=i], dot(row, &y[..=i]), row);
        }
        solution
    }

    /// ln det K = -2 Σ ln W_ii.
    pub fn log_determinant(&self) -> f64 {
        -2.0 * (0..self.n).map(|i| self.row(i)[i].ln()).sum::<f64>()
    }

    /// The lower triangle of K⁻¹ = Wᵀ W, packed as W is.
    pub fn inverse(&self) -> Vec<f64> {
        let mut inverse = vec![0.0; self.entries.len()];
        // Wᵀ W as a sum of outer products of rows: each is a triangle at the top left, so what is zero is never touched.
        for k in 0..self.n {
            let row = self.row(k);
            let mut start = 0;
            for i in 0..=k {
                add_scaled(&mut inverse[start..=start + i], row[i], &row[..=i]);
                start += i + 1;
            }
        }
        inverse
    }

    /// W times a matrix of shape `[n][LANES]`. Two rows at a time, so that what is loaded is used twice.
    pub fn multiply(&self, lanes: &[Lanes]) -> Vec<Lanes> {
        let mut product = Vec::with_capacity(self.n);
        let mut i = 0;
        while i + 1 < self.n {
            let (upper, lower) = (self.row(i), self.row(i + 1));
            let (mut upper_sums, mut lower_sums) = ([0.0; LANES], [0.0; LANES]);
            for ((&a, &b), entries) in upper.iter().zip(lower).zip(lanes) {
                for lane in 0..LANES {
                    upper_sums[lane] += a * entries[lane];
                    lower_sums[lane] += b * entries[lane];
                }
            }
            for lane in 0..LANES {
                lower_sums[lane] += lower[i + 1] * lanes[i + 1][lane];
            }
            product.push(upper_sums);
            product.push(lower_sums);
            i += 2;
        }
        if i < self.n {
            let mut sums = [0.0; LANES];
            for (&a, entries) in self.row(i).iter().zip(lanes) {
                for lane in 0..LANES {
                    sums[lane] += a * entries[lane];
                }
            }
            product.push(sums);
        }
        product
    }
}
