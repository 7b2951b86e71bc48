//! What a kernel is launched with.

use tapeout_simulators::gpu_gemm::{Gemm, Tile};

/// Blocks, threads and shared memory of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaunchGeometry {
    /// Blocks: tiles of the product, slices of the depth, products of the batch.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub block: [u32; 3],
    /// Dynamic shared memory of a block. Above 48 KiB the kernel must be allowed it first
    /// (`CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`; CUDA C++ Programming Guide, section "Shared Memory").
    pub shared_byte: u32,
    /// Whether blocks add to the product, which must be cleared before each launch, in the time that counts.
    pub adds_to_product: bool,
}

impl LaunchGeometry {
    /// The launch of `tile` for `gemm`.
    pub const fn of(tile: &Tile, gemm: &Gemm) -> Self {
        let [rows, columns] = tile.grid(gemm);
        Self {
            grid: [rows * columns, tile.split_k, gemm.batch],
            block: [tile.threads(), 1, 1],
            shared_byte: tile.shared_byte(gemm.operands),
            adds_to_product: tile.split_k > 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapeout_simulators::gpu_gemm::Operands;

    /// 27 by 32 tiles of 128x128, in two slices; four warps; three stages of 24 KiB.
    #[test]
    fn the_published_shape_by_hand() {
        let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
        let launch = LaunchGeometry::of(&Tile { split_k: 2, ..Tile::default() }, &gemm);
        assert_eq!((launch.grid, launch.block), ([864, 2, 1], [128, 1, 1]));
        assert_eq!((launch.shared_byte, launch.adds_to_product), (73_728, true));
    }
}
