//! A kernel of the family: how a matrix product is cut up and carried out.

use std::str::FromStr;

use tapeout_core::UnknownName;

use super::gemm::Gemm;
use super::operands::{ElementType, NarrowSide, Operands};
use crate::names::value_of;

/// Rows, columns and depth of the tensor-core instruction `mma.sync.m16n8k16`.
/// Source: PTX ISA, section "Matrix Fragments for mma.m16n8k16 with floating point type".
pub const MMA: [u32; 3] = [16, 8, 16];

/// Threads of a warp (CUDA C++ Programming Guide, section "SIMT Architecture").
pub const WARP_THREADS: u32 = 32;

/// Where a row of the tile lies in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Swizzle {
    /// Rows one after another.
    None,
    /// 16-byte chunks of a row permuted by an exclusive or with the row's number.
    Xor,
    /// 16 bytes of padding after each row.
    Pad16,
}

impl Swizzle {
    /// Every kind, by name.
    pub const ALL: [(&'static str, Self); 3] =
        [("none", Self::None), ("xor", Self::Xor), ("pad16", Self::Pad16)];

    /// Bytes added to each row.
    pub const fn padding_byte(self) -> u32 {
        match self {
            Self::None | Self::Xor => 0,
            Self::Pad16 => 16,
        }
    }
}

/// How narrow elements become wide ones, register by register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conversion {
    /// One conversion instruction for each element.
    Naive,
    /// The fast recipe before its arithmetic was packed in pairs: one half at a time, then packed. A step of the
    /// published ablation.
    Unpacked,
    /// Bytes are permuted into the mantissa of a constant, and the constant is subtracted.
    Fast,
    /// Another way to the same bits, with the load on other pipes.
    Alternative,
}

impl Conversion {
    /// Every kind, by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("naive", Self::Naive),
        ("unpacked", Self::Unpacked),
        ("fast", Self::Fast),
        ("alternative", Self::Alternative),
    ];
}

/// How the narrow operand comes to lie in the registers where the instruction wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `ldmatrix`, then an exchange between the lanes of a warp before converting.
    Shuffle,
    /// Loads of two elements each, straight to the right lane.
    NarrowLoads,
    /// Weights permuted along `k` in advance, then plain `ldmatrix`.
    Prepermuted,
    /// The wide operand is loaded in the order in which `ldmatrix` delivers the narrow one.
    KPermuted,
}

impl Layout {
    /// Every kind, by name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("shuffle", Self::Shuffle),
        ("narrow-loads", Self::NarrowLoads),
        ("prepermuted", Self::Prepermuted),
        ("k-permuted", Self::KPermuted),
    ];
}

macro_rules! by_name {
    ($($kind:ty: $what:literal),*) => {$(
        impl FromStr for $kind {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, UnknownName> {
                value_of($what, name, Self::ALL)
            }
        }
    )*};
}

by_name!(Swizzle: "swizzle", Conversion: "conversion", Layout: "layout");

/// A kernel of the family. Any numbers can be written here; [`StaticRule`](super::StaticRule) says which make a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows of the product that one block computes.
    pub block_m: u32,
    /// Columns of the product that one block computes.
    pub block_n: u32,
    /// Depth of one step of the main loop.
    pub block_k: u32,
    /// Rows that one warp computes.
    pub warp_m: u32,
    /// Columns that one warp computes.
    pub warp_n: u32,
    /// Steps whose operands are in shared memory at once, loads under way included; at least 2.
    pub stages: u32,
    /// Where rows lie in shared memory.
    pub swizzle: Swizzle,
    /// Bytes that one `cp.async` of one thread copies.
    pub copy_byte: u32,
    /// How the narrow operand is converted; of no effect in the baselines.
    pub conversion: Conversion,
    /// How the narrow operand is laid out in registers; of no effect in the baselines.
    pub layout: Layout,
    /// Blocks per multiprocessor that the compiler must leave registers for.
    pub min_blocks: u32,
    /// Rows of tiles that are walked through together, for reuse in the second-level cache.
    pub raster_group: u32,
    /// Slices that the depth is cut into, each computed by its own block and added up.
    pub split_k: u32,
}

impl Default for Tile {
    /// The first of the tiles that CUTLASS lists for this instruction: 128x128x64, 2x2 warps, 3 stages.
    fn default() -> Self {
        Self {
            block_m: 128,
            block_n: 128,
            block_k: 64,
            warp_m: 64,
            warp_n: 64,
            stages: 3,
            swizzle: Swizzle::Xor,
            copy_byte: 16,
            conversion: Conversion::Fast,
            layout: Layout::Shuffle,
            min_blocks: 1,
            raster_group: 8,
            split_k: 1,
        }
    }
}

impl Tile {
    /// Warps along the rows of the block.
    pub const fn warps_m(&self) -> u32 {
        self.block_m / self.warp_m
    }

    /// Warps along the columns of the block.
    pub const fn warps_n(&self) -> u32 {
        self.block_n / self.warp_n
    }

    /// Warps of the block.
    pub const fn warps(&self) -> u32 {
        self.warps_m() * self.warps_n()
    }

    /// Threads of the block.
    pub const fn threads(&self) -> u32 {
        self.warps() * WARP_THREADS
    }

    /// Registers of one thread that hold its part of the product.
    pub const fn accumulators(&self) -> u32 {
        self.warp_m * self.warp_n / WARP_THREADS
    }

    /// Bytes of one row of an operand in shared memory, padding included.
    pub const fn row_pitch_byte(&self, element: ElementType) -> u32 {
        element.bytes(self.block_k as u64) as u32 + self.swizzle.padding_byte()
    }

    /// Bytes of shared memory that one block takes.
    pub const fn shared_byte(&self, operands: Operands) -> u32 {
        let a = self.block_m * self.row_pitch_byte(operands.a());
        let b = self.block_n * self.row_pitch_byte(operands.b());
        self.stages * (a + b)
    }

    /// Rows and columns of tiles that cover one product of `gemm`.
    pub const fn grid(&self, gemm: &Gemm) -> [u32; 2] {
        [gemm.m.div_ceil(self.block_m), gemm.n.div_ceil(self.block_n)]
    }

    /// Steps that cover the depth of `gemm`, over all slices of it.
    pub const fn steps(&self, gemm: &Gemm) -> u32 {
        gemm.k.div_ceil(self.block_k)
    }

    /// Steps of the longest slice of the depth of `gemm`.
    pub const fn slice_steps(&self, gemm: &Gemm) -> u32 {
        self.steps(gemm).div_ceil(self.split_k)
    }

    /// Bytes of the two operands that one step of the main loop copies, padding not included: first `a`, then `b`.
    pub const fn step_byte(&self, operands: Operands) -> [u32; 2] {
        let a = operands.a().bytes((self.block_m * self.block_k) as u64) as u32;
        let b = operands.b().bytes((self.block_n * self.block_k) as u64) as u32;
        [a, b]
    }

    /// Registers, counted over all lanes, that hold the narrow operand of one step; each warp holds its own copy.
    pub const fn narrow_registers(&self, operands: Operands) -> u32 {
        const REGISTER_BITS: u32 = 32;
        match operands.narrow_side() {
            Some(NarrowSide::A) => {
                self.block_m * self.block_k * self.warps_n() * operands.a().bits() / REGISTER_BITS
            }
            Some(NarrowSide::B) => {
                self.block_n * self.block_k * self.warps_m() * operands.b().bits() / REGISTER_BITS
            }
            None => 0,
        }
    }

    /// Estimated registers of a thread for `gemm`: accumulators, one `k16` slice of both fragments with its scales and zero
    /// points, and `overhead` for the rest.
    ///
    /// What the compiler makes of it shows only on compiling.
    pub const fn registers(&self, gemm: &Gemm, overhead: u32) -> u32 {
        // Four registers hold a 16x16 fragment of A, two an 8x16 fragment of B (PTX ISA, as above).
        let fragments = self.warp_m / MMA[0] * 4 + self.warp_n / MMA[1] * 2;
        self.accumulators() + fragments + self.scale_registers(gemm) + overhead
    }

    /// Registers of a thread that hold scales and zero points: one of each for every eight rows, as in `gpu/src/kernel/fragment.cu`.
    const fn scale_registers(&self, gemm: &Gemm) -> u32 {
        const ROWS: u32 = 8;
        match (gemm.scaling, gemm.operands.narrow_side()) {
            (Some(scaling), Some(NarrowSide::A)) => self.warp_m / ROWS * scaling.numbers(),
            (Some(scaling), Some(NarrowSide::B)) => self.warp_n / ROWS * scaling.numbers(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu_gemm::Scaling;

    /// 128x128x64, 64x64 to a warp, F16 x U8: 4 warps; per stage 128*64*2 + 128*64 = 24 KiB; 64*64/32 accumulators.
    #[test]
    fn the_default_tile_by_hand() {
        let tile = Tile::default();
        assert_eq!((tile.warps(), tile.threads(), tile.accumulators()), (4, 128, 128));
        assert_eq!(tile.shared_byte(Operands::F16_U8), 3 * 24 * 1024);
        assert_eq!(tile.step_byte(Operands::F16_U8), [16384, 8192]);
        // 128*64 weights, four to a register, held by each of two rows of warps.
        assert_eq!(tile.narrow_registers(Operands::F16_U8), 4096);
        // 128 accumulators, 4 fragments of A in 4 registers each, 8 of B in 2 each.
        let gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);
        assert_eq!(tile.registers(&gemm, 0), 128 + 16 + 16);
        // Scales and zero points of 64 columns, one of each for every eight.
        let scaling = Some(Scaling { group: 128, zero_points: true });
        assert_eq!(tile.registers(&Gemm { scaling, ..gemm }, 0), 128 + 16 + 16 + 2 * 8);
    }

    #[test]
    fn padding_adds_sixteen_bytes_to_each_row_of_each_stage() {
        let padded = Tile { swizzle: Swizzle::Pad16, ..Tile::default() };
        let plain = Tile::default().shared_byte(Operands::F16_U8);
        assert_eq!(padded.shared_byte(Operands::F16_U8), plain + 3 * (128 + 128) * 16);
    }
}
