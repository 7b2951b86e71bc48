//! Cycles of a matrix product on a systolic array that never waits for memory.
//!
//! Source: Samajdar et al. (2020), SCALE-Sim, doi:10.1109/ISPASS48437.2020.00016, section III (runtime of the three
//! dataflows); one less than the paper's sum, as the simulator counts cycles from 0. [`super::Evaluator`] gives the
//! same figures for arrays of more than one unit with `delivery = "systolic"`, single-buffered instances that keep what
//! is stationary alone, the reduced or streamed dimension innermost, and bandwidth that never limits; a test holds the
//! two against each other.

use super::report::Illegal;

/// What stays in the array while the rest moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stationary {
    /// Partial sums: rows of the array hold rows of the result, columns its columns.
    Output,
    /// Weights: rows hold the reduced dimension, columns the columns of the result.
    Weight,
    /// Inputs: rows hold the reduced dimension, columns the rows of the result.
    Input,
}

/// A matrix product `[m][k] x [k][n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystolicGemm {
    /// Rows of the result.
    pub m: u64,
    /// Columns of the result.
    pub n: u64,
    /// The reduced dimension.
    pub k: u64,
}

/// Cycles of `gemm` on an array of `rows` by `columns`, filling, draining and loading included.
///
/// ```
/// # use tapeout_simulators::loop_nest::systolic::{SystolicGemm, Stationary, cycles};
/// let gemm = SystolicGemm { m: 64, n: 64, k: 64 };
/// assert_eq!(cycles(gemm, 16, 16, Stationary::Weight)?, 1_759);
/// # Ok::<(), tapeout_simulators::loop_nest::Illegal>(())
/// ```
///
/// # Errors
/// [`Illegal::Overflow`] past 64 bits, [`Illegal::Unsupported`] for an empty product or array.
pub fn cycles(gemm: SystolicGemm, rows: u64, columns: u64, stationary: Stationary) -> Result<u64, Illegal> {
    let SystolicGemm { m, n, k } = gemm;
    if [m, n, k, rows, columns].contains(&0) {
        return Err(Illegal::Unsupported { what: "an empty matrix product or array" });
    }
    // `loads` is how often the length of a column passes: once to drain, once more to load what stays.
    let (on_rows, on_columns, streamed, loads) = match stationary {
        Stationary::Output => (m, n, k, 1),
        Stationary::Weight => (k, n, m, 2),
        Stationary::Input => (k, m, n, 2),
    };
    let folds = on_rows.div_ceil(rows).checked_mul(on_columns.div_ceil(columns));
    let fold = rows.checked_mul(loads).and_then(|fill| fill.checked_add(streamed)?.checked_add(columns - 1));
    let total = folds.zip(fold).and_then(|(folds, fold)| folds.checked_mul(fold - 1));
    total.map(|total| total - 1).ok_or(Illegal::Overflow { what: "cycles" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fold_is_streaming_plus_fill_and_drain() {
        // 4 x 4 outputs on a 4 x 4 array, 8 deep: 8 + 4 + 4 - 2 cycles, counted from 0.
        let gemm = SystolicGemm { m: 4, n: 4, k: 8 };
        assert_eq!(cycles(gemm, 4, 4, Stationary::Output), Ok(13));
        // Weights take two folds of 4 rows: 2 (4 + 8 + 4 - 2) - 1.
        assert_eq!(cycles(gemm, 4, 4, Stationary::Weight), Ok(27));
        assert_eq!(cycles(gemm, 4, 4, Stationary::Input), Ok(27));
    }

    #[test]
    fn a_column_vector_still_crosses_the_whole_array() {
        // K = 1, one output: 1 + 16 + 16 - 2 cycles, counted from 0.
        assert_eq!(cycles(SystolicGemm { m: 1, n: 1, k: 1 }, 16, 16, Stationary::Output), Ok(30));
    }

    #[test]
    fn a_count_beyond_64_bits_is_an_error() {
        let gemm = SystolicGemm { m: u64::MAX, n: u64::MAX, k: 2 };
        assert_eq!(cycles(gemm, 2, 2, Stationary::Output), Err(Illegal::Overflow { what: "cycles" }));
    }
}
