//! Which products have room where they are measured.

use tapeout_simulators::gpu_gemm::{ExtentError, Gemm};

/// Most bytes of both operands and the product, each element as a single, in which products are compared, or as it is stored if that
/// is more: 8 GiB, so that two sets are on a device of 24 GB, and what is drawn and compared in the memory beside it. Ours.
const MAX_BYTE: u64 = 1 << 33;

/// Whether there is room for the operands and the product of `gemm`, which kernels can compute.
///
/// # Errors
/// [`ExtentError`] with the largest of its extents.
pub fn check_memory(gemm: &Gemm) -> Result<(), ExtentError> {
    const SINGLE_BYTE: u64 = 4;
    let [m, n, k, batch] = [gemm.m, gemm.n, gemm.k, gemm.batch].map(u64::from);
    let [a_byte, b_byte] = gemm.stored_byte();
    let singles = |rows, columns| batch * rows * columns * SINGLE_BYTE;
    let byte = a_byte.max(singles(m, k)) + b_byte.max(singles(n, k)) + singles(m, n);
    if byte <= MAX_BYTE {
        return Ok(());
    }
    let extents = [("m", gemm.m), ("n", gemm.n), ("k", gemm.k), ("batch", gemm.batch)];
    let (extent, got) = extents.into_iter().max_by_key(|&(_, got)| got).expect("invariant: there are four");
    let expected =
        format!("operands and product of at most {MAX_BYTE} byte in single precision; these take {byte}");
    Err(ExtentError { extent, got, expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_simulators::gpu_gemm::Operands;

    /// By hand: 2^15 x 2^14 singles are 2 GiB, 2^15 x 2^15 are 4: two operands and a product are 8 GiB. With a row more they are not.
    #[test]
    fn room_ends_at_eight_gibibytes() {
        let gemm = Gemm::new(1 << 15, 1 << 15, 1 << 14, Operands::F16_U4);
        assert_eq!(check_memory(&gemm), Ok(()));
        let more = Gemm { m: (1 << 15) + 1, ..gemm };
        assert_eq!(check_memory(&more).unwrap_err().extent, "m");
    }
}
