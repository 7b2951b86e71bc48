//! The matrix product to be computed.

use super::operands::Operands;

/// `C[m][n] = sum over k of A[m][k] * B[k][n]`, `k` contiguous in both operands, `C` in single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gemm {
    /// Rows of the product.
    pub m: u32,
    /// Columns of the product.
    pub n: u32,
    /// Depth: products added up for each element.
    pub k: u32,
    /// Types of the operands.
    pub operands: Operands,
}

impl Gemm {
    /// Floating-point operations: a multiplication and an addition for each product.
    pub fn flop(&self) -> f64 {
        2.0 * f64::from(self.m) * f64::from(self.n) * f64::from(self.k)
    }

    /// Bytes of the first operand, the second, and the product.
    pub fn matrix_byte(&self) -> [f64; 3] {
        let [m, n, k] = [self.m, self.n, self.k].map(f64::from);
        let [a, b] = [self.operands.a(), self.operands.b()].map(|element| f64::from(element.bits()) / 8.0);
        [m * k * a, n * k * b, m * n * OUTPUT_BYTE]
    }
}

/// Bytes of one element of the product, in single precision.
pub(super) const OUTPUT_BYTE: f64 = 4.0;
