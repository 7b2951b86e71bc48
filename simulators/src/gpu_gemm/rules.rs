//! What is known of a tile before it is compiled: which numbers make a kernel for a device and a problem.

use std::borrow::Cow;

use super::device::Device;
use super::gemm::{Gemm, Output};
use super::tile::{Tile, WARP_THREADS};
use super::timer::{Stage, TileFault};

/// Most threads of a block (CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability").
const MAX_THREADS: u32 = 1024;

/// Bytes of a row in global or shared memory must be a multiple of this: `ldmatrix` and 16-byte copies are aligned.
/// Source: PTX ISA, section "ldmatrix" (each row address is 16-byte aligned).
const ROW_ALIGN_BYTE: u32 = 16;

/// Accumulators of a thread stay below this, so that 16 of the 255 registers are left for everything else.
const MAX_ACCUMULATORS: u32 = 239;

/// A number of a tile that rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileField {
    /// [`Tile::block_m`].
    BlockM,
    /// [`Tile::block_n`].
    BlockN,
    /// [`Tile::block_k`].
    BlockK,
    /// [`Tile::warp_m`].
    WarpM,
    /// [`Tile::warp_n`].
    WarpN,
    /// [`Tile::stages`].
    Stages,
    /// [`Tile::swizzle`].
    Swizzle,
    /// [`Tile::copy_byte`].
    CopyByte,
    /// [`Tile::min_blocks`].
    MinBlocks,
    /// [`Tile::split_k`].
    SplitK,
}

/// A condition that shows from a tile's numbers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaticRule {
    /// The block's rows are a whole number of warps.
    WholeWarpsM,
    /// The block's columns are a whole number of warps.
    WholeWarpsN,
    /// Rows of the wide operands are aligned to what one copy moves.
    CopyAlignment,
    /// Each slice of the depth has a step at least; of a product that is not in single precision there is one slice.
    Slices,
    /// Rows of both operands are aligned.
    RowPitch,
    /// A thread's accumulators fit its registers.
    Accumulators,
    /// A block is not too large.
    BlockThreads,
    /// Every thread copies the same number of chunks of the first operand.
    WholeCopiesA,
    /// Every thread copies the same number of chunks of the second operand.
    WholeCopiesB,
    /// A block's shared memory fits.
    SharedPerBlock,
    /// The shared memory of the least number of blocks fits.
    SharedPerSm,
    /// The threads of the least number of blocks fit.
    ThreadsPerSm,
}

impl StaticRule {
    /// Every rule, those about fewer numbers first.
    pub const ALL: [Self; 12] = [
        Self::WholeWarpsM,
        Self::WholeWarpsN,
        Self::CopyAlignment,
        Self::Slices,
        Self::RowPitch,
        Self::Accumulators,
        Self::BlockThreads,
        Self::WholeCopiesA,
        Self::WholeCopiesB,
        Self::SharedPerBlock,
        Self::SharedPerSm,
        Self::ThreadsPerSm,
    ];

    /// Short stable name of the rule.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WholeWarpsM => "whole_warps_m",
            Self::WholeWarpsN => "whole_warps_n",
            Self::CopyAlignment => "copy_alignment",
            Self::Slices => "slices",
            Self::RowPitch => "row_pitch",
            Self::Accumulators => "accumulators",
            Self::BlockThreads => "block_threads",
            Self::WholeCopiesA => "whole_copies_a",
            Self::WholeCopiesB => "whole_copies_b",
            Self::SharedPerBlock => "shared_per_block",
            Self::SharedPerSm => "shared_per_sm",
            Self::ThreadsPerSm => "threads_per_sm",
        }
    }

    /// The rule as people read it, with the limits of `device` and the extents of `gemm` filled in.
    pub fn text(self, gemm: &Gemm, device: &Device) -> String {
        match self {
            Self::WholeWarpsM => "block_m % warp_m == 0".to_owned(),
            Self::WholeWarpsN => "block_n % warp_n == 0".to_owned(),
            Self::CopyAlignment => format!("copy_byte <= {} byte", gemm.alignment_byte),
            Self::Slices if gemm.output == Output::F32 => format!("split_k <= ceil({} / block_k)", gemm.k),
            Self::Slices => "split_k <= 1, as slices are added up in single precision".to_owned(),
            Self::RowPitch => {
                format!("bytes of block_k elements of either operand % {ROW_ALIGN_BYTE} == 0")
            }
            Self::Accumulators => {
                format!("warp_m * warp_n / {WARP_THREADS} <= {MAX_ACCUMULATORS} registers")
            }
            Self::BlockThreads => format!("threads <= {MAX_THREADS}"),
            Self::WholeCopiesA => {
                "bytes of block_m * block_k elements % (threads * copy_byte) == 0".to_owned()
            }
            Self::WholeCopiesB => {
                "bytes of block_n * block_k elements % (threads * copy_byte) == 0".to_owned()
            }
            Self::SharedPerBlock => {
                format!("stages * bytes of both padded tiles <= {} byte", device.shared_per_block_byte)
            }
            Self::SharedPerSm => format!(
                "min_blocks * (shared bytes of a block + {}) <= {} byte",
                device.shared_reserved_byte, device.shared_per_sm_byte
            ),
            Self::ThreadsPerSm => format!("min_blocks * threads <= {}", device.threads_per_sm()),
        }
    }

    /// The numbers of a tile that the rule looks at, and no others.
    pub const fn reads(self) -> &'static [TileField] {
        use TileField::{BlockK, BlockM, BlockN, CopyByte, MinBlocks, SplitK, Stages, Swizzle, WarpM, WarpN};
        match self {
            Self::WholeWarpsM => &[BlockM, WarpM],
            Self::WholeWarpsN => &[BlockN, WarpN],
            Self::CopyAlignment => &[CopyByte],
            Self::Slices => &[BlockK, SplitK],
            Self::RowPitch => &[BlockK],
            Self::Accumulators => &[WarpM, WarpN],
            Self::BlockThreads => &[BlockM, WarpM, BlockN, WarpN],
            Self::WholeCopiesA | Self::WholeCopiesB => &[BlockM, WarpM, BlockN, WarpN, BlockK, CopyByte],
            Self::SharedPerBlock => &[BlockM, BlockN, BlockK, Stages, Swizzle],
            Self::SharedPerSm => &[BlockM, BlockN, BlockK, Stages, Swizzle, MinBlocks],
            Self::ThreadsPerSm => &[BlockM, WarpM, BlockN, WarpN, MinBlocks],
        }
    }

    /// By how much `tile` breaks the rule, in the rule's own measure (a remainder, or what is above the limit); 0 if
    /// it does not.
    pub fn excess(self, tile: &Tile, gemm: &Gemm, device: &Device) -> f64 {
        // A block smaller than its warp has no threads; the rules on whole warps say so, and here it counts as one.
        let threads = || tile.threads().max(WARP_THREADS);
        let remainder = |whole: u32, part: u32| f64::from(whole % part);
        let above = |amount: u32, limit: u32| f64::from(amount.saturating_sub(limit));
        let copied =
            |operand: usize| remainder(tile.step_byte(gemm.operands)[operand], threads() * tile.copy_byte);
        let shared = || tile.shared_byte(gemm.operands);
        match self {
            Self::WholeWarpsM => remainder(tile.block_m, tile.warp_m),
            Self::WholeWarpsN => remainder(tile.block_n, tile.warp_n),
            Self::CopyAlignment => above(tile.copy_byte, gemm.alignment_byte),
            Self::Slices if gemm.output == Output::F32 => above(tile.split_k, tile.steps(gemm)),
            Self::Slices => above(tile.split_k, 1),
            Self::RowPitch => {
                let rows = [gemm.operands.a(), gemm.operands.b()].map(|element| tile.row_pitch_byte(element));
                rows.into_iter().map(|row| remainder(row, ROW_ALIGN_BYTE)).fold(0.0, f64::max)
            }
            Self::Accumulators => above(tile.accumulators(), MAX_ACCUMULATORS),
            Self::BlockThreads => above(threads(), MAX_THREADS),
            Self::WholeCopiesA => copied(0),
            Self::WholeCopiesB => copied(1),
            Self::SharedPerBlock => above(shared(), device.shared_per_block_byte),
            Self::SharedPerSm => {
                above(tile.min_blocks * (shared() + device.shared_reserved_byte), device.shared_per_sm_byte)
            }
            Self::ThreadsPerSm => above(tile.min_blocks * threads(), device.threads_per_sm()),
        }
    }
}

/// The first rule that `tile` breaks, if any.
pub fn static_fault(tile: &Tile, gemm: &Gemm, device: &Device) -> Option<TileFault> {
    StaticRule::ALL.into_iter().find_map(|rule| {
        let excess = rule.excess(tile, gemm, device);
        (excess > 0.0).then(|| TileFault { stage: Stage::Static, rule: Cow::Borrowed(rule.name()), excess })
    })
}
