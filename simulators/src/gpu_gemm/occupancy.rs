//! How many blocks a multiprocessor holds, and how many waves of them a product takes.

use super::device::Device;
use super::gemm::Gemm;
use super::tile::{Tile, WARP_THREADS};

// Source of the four figures below: CUDA Occupancy Calculator, sheet "GPU Data", compute capability 8.0 to 9.0.

/// Registers are given to a warp in units of this many.
const REGISTER_UNIT: u32 = 256;
/// Registers of each of the four parts of a multiprocessor.
const REGISTERS_PER_PART: u32 = 16_384;
/// Parts of a multiprocessor, each with its own scheduler.
pub(super) const PARTS: u32 = 4;
/// Shared memory is given to a block in units of this many bytes.
const SHARED_UNIT_BYTE: u32 = 128;

/// Most registers of a thread (CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability").
const MAX_REGISTERS: u32 = 255;
/// The compiler rounds a limit that follows from `__launch_bounds__` down to a multiple of this; by observation.
const REGISTER_STEP: u32 = 8;

/// Blocks on a multiprocessor, and what limits them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupancy {
    /// Registers of a thread after the compiler's limit.
    pub registers: u32,
    /// Registers of a thread that the limit leaves no room for.
    pub spilled: u32,
    /// Blocks resident at once.
    pub blocks: u32,
    /// Warps resident at once.
    pub warps: u32,
}

impl Occupancy {
    /// What `device` holds of blocks of `tile` with this many `registers` wanted by each thread.
    ///
    /// Blocks are none if one does not fit.
    pub fn of(tile: &Tile, gemm: &Gemm, device: &Device, registers: u32) -> Self {
        let warps = tile.warps();
        let warps_at_least = (tile.min_blocks * warps).div_ceil(PARTS);
        let cap = REGISTERS_PER_PART / WARP_THREADS / warps_at_least / REGISTER_STEP * REGISTER_STEP;
        let kept = registers.min(cap).min(MAX_REGISTERS);
        let by_registers = warps_by_registers(kept) / warps;
        let shared = tile.shared_byte(gemm.operands) + device.shared_reserved_byte;
        let by_shared = device.shared_per_sm_byte / (shared.div_ceil(SHARED_UNIT_BYTE) * SHARED_UNIT_BYTE);
        let by_warps = device.warps_per_sm / warps;
        let blocks = by_registers.min(by_shared).min(by_warps).min(device.blocks_per_sm);
        Self { registers: kept, spilled: registers - kept, blocks, warps: blocks * warps }
    }
}

/// Warps whose threads have this many registers that fit on a multiprocessor.
fn warps_by_registers(registers: u32) -> u32 {
    let per_warp = (registers * WARP_THREADS).div_ceil(REGISTER_UNIT) * REGISTER_UNIT;
    PARTS * (REGISTERS_PER_PART / per_warp)
}

/// How the blocks of a product fall on the multiprocessors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waves {
    /// Blocks in all, over all slices of the depth and all products of the batch.
    pub blocks: u64,
    /// Waves in which every multiprocessor is full.
    pub full: u64,
    /// Blocks that the busiest multiprocessor computes in the last, partial wave; 0 if there is none.
    pub tail: u32,
}

impl Waves {
    /// Blocks of `tile` over `gemm`, with `resident` of them at a time on each multiprocessor of `device`.
    pub fn of(tile: &Tile, gemm: &Gemm, device: &Device, resident: u32) -> Self {
        let [rows, columns] = tile.grid(gemm).map(u64::from);
        let blocks = rows * columns * u64::from(tile.split_k) * u64::from(gemm.batch);
        let busiest = blocks.div_ceil(u64::from(device.n_sms));
        let resident = u64::from(resident);
        Self { blocks, full: busiest / resident, tail: (busiest % resident) as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu_gemm::{Operands, device};

    const GEMM: Gemm = Gemm::new(3456, 4096, 2048, Operands::F16_U8);

    /// 210 registers: 210*32 = 6720, rounded up to 6912 per warp; 16384/6912 = 2 warps a part, 8 in all, 2 blocks of 4.
    /// 128 registers: 4096 per warp, 4 a part, 16 in all. 255: 8192 per warp, 2 a part.
    #[test]
    fn registers_limit_warps_by_hand() {
        assert_eq!([210, 128, 255, 32].map(warps_by_registers), [8, 16, 8, 64]);
    }

    /// Three stages of 24 KiB and 1 KiB of reserve: 73 KiB, twice in 164 KiB; four stages: 97 KiB, once. On an sm_89
    /// with 100 KiB three stages fit once.
    #[test]
    fn shared_memory_limits_blocks_by_hand() {
        let (a100, ada) = (device("a100").unwrap(), device("rtx-4090").unwrap());
        let three = Tile::default();
        let four = Tile { stages: 4, ..three };
        let blocks = |tile: &Tile, device: &Device| Occupancy::of(tile, &GEMM, device, 128).blocks;
        assert_eq!((blocks(&three, &a100), blocks(&four, &a100), blocks(&three, &ada)), (2, 1, 1));
    }

    /// Four blocks of four warps: four warps a part, 16384/32/4 = 128 registers each; 82 of 210 do not fit.
    #[test]
    fn asking_for_more_blocks_takes_registers_away() {
        let tile = Tile { block_k: 32, stages: 2, min_blocks: 4, ..Tile::default() };
        let occupancy = Occupancy::of(&tile, &GEMM, &device("a100").unwrap(), 210);
        assert_eq!((occupancy.registers, occupancy.spilled, occupancy.blocks), (128, 82, 4));
    }

    /// 27 x 32 tiles of 128x128 are 864, exactly 8 for each of 108 multiprocessors; 33 x 32 are 8 for each of 132.
    #[test]
    fn the_published_shape_is_exactly_eight_waves() {
        let a100 = Waves::of(&Tile::default(), &GEMM, &device("a100").unwrap(), 1);
        assert_eq!(a100, Waves { blocks: 864, full: 8, tail: 0 });
        let h200 = Waves::of(&Tile::default(), &Gemm { m: 4224, ..GEMM }, &device("h200").unwrap(), 1);
        assert_eq!(h200, Waves { blocks: 1056, full: 8, tail: 0 });
    }

    /// One block more than eight waves: with two at a time, four full waves and one block left for some.
    #[test]
    fn one_block_too_many_costs_a_wave() {
        let device = device("a100").unwrap();
        let gemm = Gemm { m: 128, n: 128 * 865, ..GEMM };
        assert_eq!(Waves::of(&Tile::default(), &gemm, &device, 2), Waves { blocks: 865, full: 4, tail: 1 });
    }
}
