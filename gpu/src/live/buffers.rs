//! Operands and products on the device, several sets of them that take turns.

use std::sync::Arc;

use cudarc::driver::{CudaSlice, CudaStream, DevicePtrMut, DriverError, result};
use half::{bf16, f16};
use tapeout_simulators::gpu_gemm::{Gemm, Output};

use super::device::OpenDevice;
use super::operands::Operand;
use crate::weights::NarrowOrder;

/// Sets take together this many times the second-level cache, so that a set's turn comes when nothing of it is left there.
/// Ours: with two, a cache that replaces the oldest lines has replaced them all.
const CACHES: usize = 2;

/// Most sets. Ours: filling more takes longer than what is timed, and of a product so small that these do not fill the caches
/// the launch takes longer than its bytes do, wherever they are.
const MAX_SETS: usize = 4096;

/// Sets of `set_byte` each for a second-level cache of `l2_byte`: as many as fill it [`CACHES`] times besides the one in use, at
/// least two and at most [`MAX_SETS`].
const fn n_sets(l2_byte: usize, set_byte: usize) -> usize {
    let n_sets = 1 + (CACHES * l2_byte).div_ceil(set_byte);
    if n_sets < 2 {
        2
    } else if n_sets > MAX_SETS {
        MAX_SETS
    } else {
        n_sets
    }
}

/// Both operands and the product.
pub(super) struct BufferSet {
    pub(super) a: CudaSlice<u8>,
    pub(super) b: CudaSlice<u8>,
    pub(super) c: CudaSlice<u8>,
    output: Output,
}

/// The sets.
pub(super) struct Buffers {
    /// At least two, at most [`MAX_SETS`].
    pub(super) sets: Vec<BufferSet>,
    /// The order in which the narrow operand was uploaded last; none before the first upload.
    uploaded: Option<Option<NarrowOrder>>,
}

impl Buffers {
    /// Memory for `gemm`, its contents not set.
    pub(super) fn new(device: &OpenDevice, gemm: &Gemm) -> Result<Self, DriverError> {
        let [a_byte, b_byte] = gemm.stored_byte().map(|bytes| bytes as usize);
        let c_byte = gemm.matrix_byte()[2] as usize;
        let n_sets = n_sets(device.l2_byte, a_byte + b_byte + c_byte);
        let set = |_| -> Result<BufferSet, DriverError> {
            Ok(BufferSet {
                a: device.stream.alloc_zeros(a_byte)?,
                b: device.stream.alloc_zeros(b_byte)?,
                c: device.stream.alloc_zeros(c_byte)?,
                output: gemm.output,
            })
        };
        let sets = (0..n_sets).map(set).collect::<Result<_, _>>()?;
        Ok(Self { sets, uploaded: None })
    }

    /// Brings both operands to all sets, the narrow one in `order`; what is there already is left.
    pub(super) fn upload(
        &mut self,
        stream: &Arc<CudaStream>,
        operands: &[Operand; 2],
        order: Option<&NarrowOrder>,
    ) -> Result<(), DriverError> {
        if self.uploaded.as_ref().is_some_and(|uploaded| uploaded.as_ref() == order) {
            return Ok(());
        }
        let is_first = self.uploaded.is_none();
        for (side, operand) in operands.iter().enumerate() {
            if !is_first && !operand.is_narrow() {
                continue;
            }
            let bytes = operand.bytes(order);
            for set in &mut self.sets {
                let target = if side == 0 { &mut set.a } else { &mut set.b };
                stream.memcpy_htod(&bytes, target)?;
            }
        }
        stream.synchronize()?;
        self.uploaded = Some(order.cloned());
        Ok(())
    }
}

impl BufferSet {
    /// Fills the product with what is no number, so that an element that nobody writes shows.
    pub(super) fn poison(&mut self, stream: &Arc<CudaStream>) -> Result<(), DriverError> {
        /// A number whose bytes are all this, of any type here, is not one (IEEE 754, section 6.2).
        const POISON: u8 = 0xff;
        let n_byte = self.c.num_bytes();
        let (pointer, _guard) = self.c.device_ptr_mut(stream);
        // SAFETY: the pointer is to `n_byte` bytes that this set owns, allocated on this stream; any bytes are valid.
        unsafe { result::memset_d8_async(pointer, POISON, n_byte, stream.cu_stream()) }
    }

    /// The product, once everything that was queued is done.
    pub(super) fn product(&self, stream: &Arc<CudaStream>) -> Result<Vec<f32>, DriverError> {
        // First, so that an error of the kernel is returned: one that comes up in the copy's own wait is not.
        stream.synchronize()?;
        let bytes = stream.clone_dtoh(&self.c)?;
        let of_two = |decode: fn(u16) -> f32| {
            bytes.chunks_exact(2).map(|pair| decode(u16::from_le_bytes([pair[0], pair[1]]))).collect()
        };
        Ok(match self.output {
            Output::F16 => of_two(|bits| f16::from_bits(bits).to_f32()),
            Output::Bf16 => of_two(|bits| bf16::from_bits(bits).to_f32()),
            Output::F32 => {
                let single = |word: &[u8]| f32::from_le_bytes([word[0], word[1], word[2], word[3]]);
                bytes.chunks_exact(4).map(single).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: of a third of 50 MB six and the one in use fill 100 MB; of a product of 36 bytes there would be millions.
    #[test]
    fn sets_fill_the_caches_within_bounds() {
        let of = |set_byte| n_sets(50_000_000, set_byte);
        assert_eq!([16_700_000, 36, 1 << 40].map(of), [7, MAX_SETS, 2]);
    }
}
