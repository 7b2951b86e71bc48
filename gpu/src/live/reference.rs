//! What the product should be, in double precision, for some of its rows and columns.

use half::{bf16, f16};
use rand::RngExt;
use tapeout_core::Seed;
use tapeout_simulators::gpu_gemm::{Gemm, Output};

use super::operands::Operand;

/// Rows, and as many columns, that are computed over all products of a batch: one of each strip, so that a product of 4096 has one in every 128, the
/// extent of a common block, and a wrong block does not hide between them.
const LINES: usize = 32;

/// Unit of truncation to single precision; tensor cores truncate where they add.
/// Source: Fasi, Higham, Mikaitis & Pranesh (2021), doi:10.7717/peerj-cs.330, section on rounding.
const UNIT: f64 = 1.0 / 8_388_608.0; // 2^-23

/// Some rows and columns of the product.
pub(super) struct Reference {
    n: usize,
    k: usize,
    rounding: Rounding,
    entries: Vec<Entry>,
}

/// One element.
struct Entry {
    /// Its place in the product, row after row.
    index: usize,
    value: f64,
    /// The sum of the absolute values of what is added up.
    magnitude: f64,
}

/// A product that is not right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Wrong {
    /// An element that was not written, or is not a number.
    #[error(
        "{count} of {total} elements are not numbers or were never written, the first in row {row}, column {column}"
    )]
    NotWritten {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
        /// Where.
        row: usize,
        /// Where.
        column: usize,
    },
    /// An element that is too far off.
    #[error("row {row}, column {column}: {got}, expected {expected} within {bound:.3e}")]
    Far {
        /// Where.
        row: usize,
        /// Where.
        column: usize,
        /// What the kernel says.
        got: f32,
        /// What is right.
        expected: f64,
        /// How far off it may be.
        bound: f64,
    },
}

impl Reference {
    /// Rows and columns of each product of `operands`, chosen by `seed`.
    pub(super) fn of(gemm: &Gemm, operands: &[Operand; 2], seed: Seed) -> Self {
        let [m, n, k] = [gemm.m, gemm.n, gemm.k].map(|extent| extent as usize);
        let [a, b] = operands;
        let n_lines = (LINES / gemm.batch as usize).max(1);
        let mut entries = Vec::with_capacity(gemm.batch as usize * n_lines * (m + n));
        for index in 0..gemm.batch as usize {
            let seed = seed.child("product", index as u64);
            let column_rows: Vec<Vec<f32>> = (0..n).map(|column| b.row(index * n + column)).collect();
            let rows = lines(m, n_lines, seed, "rows").into_iter().map(|row| (row, (0..n).collect()));
            let columns = lines(n, n_lines, seed, "columns");
            let all = rows.chain((0..m).map(|row| (row, columns.clone())));
            for (row, columns) in all {
                let left = a.row(index * m + row);
                let entry =
                    |column: usize| Entry::of((index * m + row) * n + column, &left, &column_rows[column]);
                entries.extend(columns.into_iter().map(entry));
            }
        }
        Self { n, k, rounding: Rounding::to(gemm.output), entries }
    }

    /// The largest error of `product` as a share of its bound, which is at most 1.
    ///
    /// Products of operands are exact in single precision whatever the types (11 and 8 bits of mantissa make 22 at most), so
    /// the bound is that of adding `k` of them up with truncation: `k` units of the sum of absolute values.
    /// Rounding to a shorter type comes on top: a share of the element, or half of the least number where that is more. An element
    /// whose bound reaches beyond the largest number may be infinite in a shorter type, and an infinity that is not one of these
    /// elements is not judged; in single precision none is right.
    /// Source: Higham (2002), "Accuracy and Stability of Numerical Algorithms", section 3.1, eq. 3.5.
    ///
    /// # Errors
    /// [`Wrong`] if an element anywhere was not written, or one of these is not within its bound.
    pub(super) fn compare(&self, product: &[f32]) -> Result<f64, Wrong> {
        let (count, first) = product
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_nan() || (value.is_infinite() && !self.rounding.may_overflow))
            .fold((0, None), |(count, first), (index, _)| (count + 1, first.or(Some(index))));
        if let Some(index) = first {
            let (row, column) = (index / self.n, index % self.n);
            return Err(Wrong::NotWritten { count, total: product.len(), row, column });
        }
        let mut worst = 0.0_f64;
        for entry in &self.entries {
            let got = product[entry.index];
            // Where all terms are 0 the sum is exact.
            let of_sum = self.k as f64 * UNIT * entry.magnitude;
            let bound = self.rounding.bound(entry.value.abs(), of_sum);
            if got.is_infinite() && self.rounding.is_infinite(entry.value, bound, got) {
                continue;
            }
            let share = (f64::from(got) - entry.value).abs() / bound;
            if share > 1.0 {
                let (row, column) = (entry.index / self.n, entry.index % self.n);
                return Err(Wrong::Far { row, column, got, expected: entry.value, bound });
            }
            worst = worst.max(share);
        }
        Ok(worst)
    }
}

/// What rounding to the type of the product does to an element.
#[derive(Debug, Clone, Copy)]
struct Rounding {
    /// The largest error of a normal number, as a share of it: half a unit in the last place.
    share: f64,
    /// The largest error of a smaller one: half of the least.
    least: f64,
    /// The largest number.
    most: f64,
    /// Whether sums in single precision may be beyond the largest number.
    may_overflow: bool,
}

impl Rounding {
    /// Source: IEEE 754, table 3.5, for 10 bits of mantissa and 5 of exponent; 7 and 8 of bfloat16 likewise.
    fn to(output: Output) -> Self {
        match output {
            Output::F32 => Self { share: 0.0, least: 0.0, most: f64::from(f32::MAX), may_overflow: false },
            Output::F16 => Self {
                share: 1.0 / 2048.0,
                least: f16::MIN_POSITIVE_SUBNORMAL.to_f64() / 2.0,
                most: f16::MAX.to_f64(),
                may_overflow: true,
            },
            Output::Bf16 => Self {
                share: 1.0 / 256.0,
                least: bf16::MIN_POSITIVE_SUBNORMAL.to_f64() / 2.0,
                most: bf16::MAX.to_f64(),
                may_overflow: true,
            },
        }
    }

    /// How far off an element of this magnitude may be whose sum may be `of_sum` off.
    fn bound(&self, magnitude: f64, of_sum: f64) -> f64 {
        (of_sum + self.share * (magnitude + of_sum) + self.least).max(f64::MIN_POSITIVE)
    }

    /// Whether the infinity `got` is what may become of `value`, which may be `bound` off.
    fn is_infinite(&self, value: f64, bound: f64, got: f32) -> bool {
        let is_beyond = value.abs() + bound > self.most;
        self.may_overflow && is_beyond && value.is_sign_negative() == got.is_sign_negative()
    }
}

impl Entry {
    fn of(index: usize, left: &[f32], right: &[f32]) -> Self {
        let (mut value, mut magnitude) = (0.0, 0.0);
        for (&left, &right) in left.iter().zip(right) {
            let term = f64::from(left) * f64::from(right);
            value += term;
            magnitude += term.abs();
        }
        Self { index, value, magnitude }
    }
}

/// One line of each of up to `count` strips.
fn lines(extent: usize, count: usize, seed: Seed, purpose: &str) -> Vec<usize> {
    let mut rng = seed.stream(purpose);
    let strips = count.min(extent);
    let strip = |index: usize| index * extent / strips..(index + 1) * extent / strips;
    (0..strips).map(|index| rng.random_range(strip(index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_simulators::gpu_gemm::Operands;

    fn problem(operands: Operands) -> (Gemm, [Operand; 2], Reference) {
        let gemm = Gemm::new(48, 40, 64, operands);
        let pair = Operand::pair(&gemm, Seed::new(3));
        let reference = Reference::of(&gemm, &pair, Seed::new(3));
        (gemm, pair, reference)
    }

    /// The product as a kernel computes it: in single precision, one term after another.
    fn product(gemm: &Gemm, [a, b]: &[Operand; 2]) -> Vec<f32> {
        let (rows, columns) = (0..gemm.m as usize, 0..gemm.n as usize);
        let element = |row, column| a.row(row).iter().zip(b.row(column)).map(|(a, b)| a * b).sum::<f32>();
        rows.flat_map(|row| columns.clone().map(move |column| (row, column)))
            .map(|(row, column)| element(row, column))
            .collect()
    }

    /// Claim: sums in single precision are within the bound, for every type.
    #[test]
    fn right_products_are_accepted() {
        for operands in Operands::ALL {
            let (gemm, pair, reference) = problem(operands);
            let share = reference.compare(&product(&gemm, &pair)).unwrap();
            assert!(share < 0.5, "{operands}: {share}");
        }
    }

    /// Claim: one missing term of one element in a sampled line is noticed, and so is an element anywhere that was never
    /// written.
    #[test]
    fn wrong_products_are_noticed() {
        let (gemm, pair, reference) = problem(Operands::F16_S8);
        let right = product(&gemm, &pair);
        let index = reference.entries[7].index;
        let mut wrong = right.clone();
        let (row, column) = (index / 40, index % 40);
        wrong[index] -= pair[0].row(row)[5] * pair[1].row(column)[5];
        assert!(matches!(reference.compare(&wrong), Err(Wrong::Far { .. })));
        let mut poisoned = right;
        poisoned[1111] = f32::from_bits(u32::MAX);
        let expected = Wrong::NotWritten { count: 1, total: 48 * 40, row: 27, column: 31 };
        assert_eq!(reference.compare(&poisoned), Err(expected));
    }

    /// Claim: in half precision what is beyond its largest number is infinite and right, with its sign; what is not is wrong. By hand:
    /// 400 products of 255 and 1 are 102,000; of 1 they are 400.
    #[test]
    fn infinities_of_a_short_product_are_right_where_the_sum_is_beyond_it() {
        let reference = |number: f32| Reference {
            n: 1,
            k: 400,
            rounding: Rounding::to(Output::F16),
            entries: vec![Entry::of(0, &[number; 400], &[1.0; 400])],
        };
        assert!(reference(255.0).compare(&[f32::INFINITY]).is_ok());
        assert!(reference(-255.0).compare(&[f32::NEG_INFINITY]).is_ok());
        assert!(matches!(reference(255.0).compare(&[f32::NEG_INFINITY]), Err(Wrong::Far { .. })));
        assert!(matches!(reference(255.0).compare(&[65_504.0]), Err(Wrong::Far { .. })));
        assert!(matches!(reference(1.0).compare(&[f32::INFINITY]), Err(Wrong::Far { .. })));
        assert!(matches!(reference(255.0).compare(&[f32::NAN]), Err(Wrong::NotWritten { .. })));
        let single = Reference { rounding: Rounding::to(Output::F32), ..reference(255.0) };
        assert!(matches!(single.compare(&[f32::INFINITY]), Err(Wrong::NotWritten { .. })));
    }

    /// Claim: a small product is right if it is rounded to the nearest number, whose distance is 2^-24 where numbers are smallest; a
    /// number further it is wrong. By hand: 2^-24 + 2^-26.
    #[test]
    fn the_smallest_products_are_rounded_to_their_neighbours() {
        let unit = 2_f32.powi(-24);
        let reference = Reference {
            n: 1,
            k: 1,
            rounding: Rounding::to(Output::F16),
            entries: vec![Entry::of(0, &[1.25 * unit], &[1.0])],
        };
        assert!(reference.compare(&[unit]).is_ok());
        assert!(matches!(reference.compare(&[2.0 * unit]), Err(Wrong::Far { .. })));
    }

    #[test]
    fn lines_are_spread_over_all_strips() {
        let lines = lines(4096, LINES, Seed::new(0), "rows");
        assert_eq!(lines.len(), LINES);
        assert!(lines.iter().enumerate().all(|(strip, line)| line / 128 == strip), "{lines:?}");
    }
}
