//! The matrix product to be computed.

use std::str::FromStr;

use tapeout_core::UnknownName;

use super::operands::{ElementType, NarrowSide, Operands};
use crate::names::value_of;

/// What a kernel makes of a narrow operand besides another type: each element less its zero point, times its scale, each
/// rounded to the wide type. A scale, and a zero point, belong to consecutive elements along `k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scaling {
    /// Elements along `k` that share a scale: a multiple of 32; of `k` or more, each row has one.
    pub group: u32,
    /// Whether there are zero points; of integers alone.
    pub zero_points: bool,
}

impl Scaling {
    /// What two settings stand for: none if neither asks for any. Whether a kernel computes it [`Gemm::check`] says.
    pub fn of(group: u32, zero_points: bool) -> Option<Self> {
        (group > 0 || zero_points).then_some(Self { group, zero_points })
    }

    /// Numbers that a group of a row has: a scale, and a zero point if there are any.
    pub const fn numbers(self) -> u32 {
        1 + self.zero_points as u32
    }
}

/// `C[m][n] = sum over k of A[m][k] * B[k][n]`, as often as `batch` says, each time with operands of its own; `k` contiguous
/// in both operands, sums in single precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gemm {
    /// Rows of the product.
    pub m: u32,
    /// Columns of the product.
    pub n: u32,
    /// Depth: products added up for each element.
    pub k: u32,
    /// Products of these extents, one after another in memory.
    pub batch: u32,
    /// Types of the operands.
    pub operands: Operands,
    /// What the address of each row of a wide operand is a multiple of: 4, 8 or 16. Rows of narrow operands are stored
    /// for the kernel, padded with zeros to 16 byte.
    pub alignment_byte: u32,
    /// How the narrow operand is scaled; none if its elements are taken as they are.
    pub scaling: Option<Scaling>,
    /// The type of the product's elements.
    pub output: Output,
}

/// The type of the product's elements: sums are rounded to it when they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// bfloat16.
    Bf16,
}

impl Output {
    /// Every type, by name.
    pub const ALL: [(&'static str, Self); 3] = [("f32", Self::F32), ("f16", Self::F16), ("bf16", Self::Bf16)];

    /// Bytes of one element.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Its name in settings and tables.
    pub fn name(self) -> &'static str {
        let row = Self::ALL.into_iter().find(|&(_, output)| output == self);
        row.expect("invariant: the table has every type").0
    }
}

impl FromStr for Output {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        value_of("output type", name, Self::ALL)
    }
}

/// Most of `m`, `n` and `k`: 2^20, so that a row's bytes are counted in 32 bits with room to spare.
const MAX_EXTENT: u32 = 1 << 20;
/// Most blocks along the third side of a grid, which are the products of a batch
/// (CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability").
const MAX_BATCH: u32 = 65_535;
/// Most blocks along the first side of a grid, same table.
const MAX_GRID: u64 = (1 << 31) - 1;
/// Rows and columns of the smallest block that a design space offers.
const LEAST_BLOCK: [u32; 2] = [16, 8];
/// Bytes that rows of a narrow operand are padded to: what `ldmatrix` reads of one.
const NARROW_ALIGNMENT_BYTE: u32 = 16;
/// Least group of a scale: the depth of a slice of four-bit numbers, which lies in one group.
const LEAST_GROUP: u32 = 32;
/// Bytes of a scale and of a zero point, in the wide type.
const SCALE_BYTE: u64 = 2;

/// A number that makes a product which no kernel computes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {got}; expected {expected}")]
pub struct ExtentError {
    /// Which: `m`, `n`, `k`, `batch`, `alignment_byte`, `group` or `zero_points` (1 if there are any).
    pub extent: &'static str,
    /// What it is.
    pub got: u32,
    /// What it may be.
    pub expected: String,
}

impl Gemm {
    /// One product of these extents in single precision, rows at multiples of 16 byte, nothing scaled.
    pub const fn new(m: u32, n: u32, k: u32, operands: Operands) -> Self {
        Self { m, n, k, batch: 1, operands, alignment_byte: 16, scaling: None, output: Output::F32 }
    }

    /// Whether kernels can compute it.
    ///
    /// # Errors
    /// [`ExtentError`] with the first number that stands in the way.
    pub fn check(&self) -> Result<(), ExtentError> {
        for (extent, got, most) in [
            ("m", self.m, MAX_EXTENT),
            ("n", self.n, MAX_EXTENT),
            ("k", self.k, MAX_EXTENT),
            ("batch", self.batch, MAX_BATCH),
        ] {
            if got == 0 || got > most {
                return Err(ExtentError { extent, got, expected: format!("1 to {most}") });
            }
        }
        if ![4, 8, 16].contains(&self.alignment_byte) {
            let expected = "4, 8 or 16".to_owned();
            return Err(ExtentError { extent: "alignment_byte", got: self.alignment_byte, expected });
        }
        self.check_scaling()?;
        let [rows, columns] =
            [self.m.div_ceil(LEAST_BLOCK[0]), self.n.div_ceil(LEAST_BLOCK[1])].map(u64::from);
        if rows * columns > MAX_GRID {
            let (extent, got, other) = if self.m >= self.n { ("m", self.m, "n") } else { ("n", self.n, "m") };
            let expected = format!("at most {MAX_GRID} blocks of 16x8, of which `{other}` takes its share");
            return Err(ExtentError { extent, got, expected });
        }
        Ok(())
    }

    fn check_scaling(&self) -> Result<(), ExtentError> {
        let Some(Scaling { group, zero_points }) = self.scaling else { return Ok(()) };
        let refused = |extent, got, expected: String| Err(ExtentError { extent, got, expected });
        if zero_points && group == 0 {
            return refused("zero_points", 1, "none without a `group` of elements that share one".to_owned());
        }
        let Some((narrow, _)) = self.operands.conversion() else {
            return refused("group", group, format!("0: {} has no narrow operand to scale", self.operands));
        };
        if group == 0 || !group.is_multiple_of(LEAST_GROUP) || group > MAX_EXTENT {
            return refused("group", group, format!("a multiple of {LEAST_GROUP} up to {MAX_EXTENT}, or 0"));
        }
        if zero_points && !narrow.is_integer() {
            return refused("zero_points", 1, format!("none of {}, which is floating point", self.operands));
        }
        Ok(())
    }

    /// Rows of the narrow operand of one product; 0 if there is none.
    const fn narrow_rows(&self) -> u32 {
        match self.operands.narrow_side() {
            Some(NarrowSide::A) => self.m,
            Some(NarrowSide::B) => self.n,
            None => 0,
        }
    }

    /// Bytes of all scales and zero points of the whole batch.
    pub const fn scale_byte(&self) -> u64 {
        let Some(scaling) = self.scaling else { return 0 };
        let count = self.narrow_rows() as u64 * self.k.div_ceil(scaling.group) as u64 * self.batch as u64;
        count * SCALE_BYTE * scaling.numbers() as u64
    }

    /// Floating-point operations: a multiplication and an addition for each product.
    pub fn flop(&self) -> f64 {
        2.0 * f64::from(self.m) * f64::from(self.n) * f64::from(self.k) * f64::from(self.batch)
    }

    /// Bytes of the first operand, the second, and the product, of the whole batch, scales included and padding not.
    pub fn matrix_byte(&self) -> [f64; 3] {
        let [m, n, k] = [self.m, self.n, self.k].map(f64::from);
        let [a, b] = [self.operands.a(), self.operands.b()].map(|element| f64::from(element.bits()) / 8.0);
        let scales = self.scale_byte() as f64;
        let [of_a, of_b] = match self.operands.narrow_side() {
            Some(NarrowSide::A) => [scales, 0.0],
            _ => [0.0, scales],
        };
        let batch = f64::from(self.batch);
        [m * k * a * batch + of_a, n * k * b * batch + of_b, m * n * f64::from(self.output.bytes()) * batch]
    }

    /// Bytes from a row of an operand of `element`s to the next, in global memory.
    pub const fn row_pitch_byte(&self, element: ElementType) -> u32 {
        let alignment = if element.bits() < 16 { NARROW_ALIGNMENT_BYTE } else { self.alignment_byte };
        (self.k * element.bits()).div_ceil(8).next_multiple_of(alignment)
    }

    /// Bytes that the first and the second operand take in global memory, of the whole batch, padding included; the scales of a
    /// narrow one stand behind it.
    pub const fn stored_byte(&self) -> [u64; 2] {
        let a = self.m as u64 * self.row_pitch_byte(self.operands.a()) as u64;
        let b = self.n as u64 * self.row_pitch_byte(self.operands.b()) as u64;
        let scales = self.scale_byte();
        let [of_a, of_b] = match self.operands.narrow_side() {
            Some(NarrowSide::A) => [scales, 0],
            _ => [0, scales],
        };
        [a * self.batch as u64 + of_a, b * self.batch as u64 + of_b]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 33 halves are 66 byte, to the next multiple of 4, 8, 16: 68, 72, 80. 33 numbers of four bits are 17 byte, 32 stored.
    #[test]
    fn rows_are_padded_by_hand() {
        let gemm = Gemm::new(3, 5, 33, Operands::F16_U4);
        let pitch = |alignment_byte| Gemm { alignment_byte, ..gemm }.row_pitch_byte(ElementType::F16);
        assert_eq!([4, 8, 16].map(pitch), [68, 72, 80]);
        assert_eq!(gemm.row_pitch_byte(ElementType::U4), 32);
        assert_eq!(Gemm { batch: 2, ..gemm }.stored_byte(), [2 * 3 * 80, 2 * 5 * 32]);
        // 33 numbers are two groups of 32 in each of five rows, with a scale and a zero point of two bytes.
        let scaling = Some(Scaling { group: 32, zero_points: true });
        assert_eq!(Gemm { scaling, ..gemm }.stored_byte(), [3 * 80, 5 * 32 + 5 * 2 * 2 * 2]);
    }

    #[test]
    fn a_product_that_no_kernel_computes_is_refused_by_the_extent_at_fault() {
        let gemm = Gemm::new(1, 1, 1, Operands::F16_U8);
        assert_eq!(gemm.check(), Ok(()));
        let scaled = |group, zero_points| Gemm { scaling: Some(Scaling { group, zero_points }), ..gemm };
        assert_eq!(scaled(32, true).check(), Ok(()));
        let most = Gemm { m: 1 << 20, n: 1 << 20, ..gemm };
        assert_eq!(Gemm { n: (1 << 18) - 8, ..most }.check(), Ok(()));
        for (broken, extent) in [
            (Gemm { m: 0, ..gemm }, "m"),
            (Gemm { n: (1 << 20) + 1, ..gemm }, "n"),
            (Gemm { k: 0, ..gemm }, "k"),
            (Gemm { batch: 65_536, ..gemm }, "batch"),
            (Gemm { alignment_byte: 2, ..gemm }, "alignment_byte"),
            (most, "m"),
            // 2^16 rows and 2^15 columns of blocks of 16x8 are one more than a grid has.
            (Gemm { n: 1 << 18, ..most }, "m"),
            (scaled(48, false), "group"),
            (scaled(0, true), "zero_points"),
            (Gemm { operands: Operands::F16_F16, ..scaled(32, false) }, "group"),
            (Gemm { operands: Operands::F16_E4M3, ..scaled(32, true) }, "zero_points"),
        ] {
            assert_eq!(broken.check().unwrap_err().extent, extent);
        }
    }
}
