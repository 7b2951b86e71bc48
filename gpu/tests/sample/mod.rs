//! Random kernels of the family.

use rand::RngExt;
use tapeout_core::{Seed, Stream};
use tapeout_gpu::Nvrtc;
use tapeout_simulators::gpu_gemm::{
    Conversion, Device, Gemm, Layout, Operands, StaticRule, Swizzle, Tile, device,
};

/// The compiler, or a message that there is none and what is not tested therefore.
pub fn nvrtc() -> Option<Nvrtc> {
    let found = Nvrtc::load();
    if let Err(missing) = &found {
        println!("skipped: {missing}; see `GPU kernels` in README.md");
    }
    found.ok()
}

/// As many statically feasible tiles for `gemm` on `device`, each as likely as any other.
pub fn tiles(device_id: &str, gemm: &Gemm, count: usize) -> (Device, Vec<Tile>) {
    let device = device(device_id).unwrap();
    let mut rng = Seed::new(0).stream(&format!("{device_id} {}", gemm.operands));
    let is_feasible =
        |tile: &Tile| StaticRule::ALL.iter().all(|rule| rule.excess(tile, gemm, &device) <= 0.0);
    let is_mixed = gemm.operands.narrow_side().is_some();
    let drawn = std::iter::repeat_with(|| tile(&mut rng, is_mixed));
    let tiles = drawn.filter(is_feasible).take(count).collect();
    (device, tiles)
}

/// A tile of numbers around those that CUTLASS lists for `mma.sync.m16n8k16`, feasible or not.
fn tile(rng: &mut Stream, is_mixed: bool) -> Tile {
    let mut of = |levels: &[u32]| levels[rng.random_range(0..levels.len())];
    let mut tile = Tile {
        block_m: of(&[16, 32, 64, 96, 128, 192, 256]),
        block_n: of(&[16, 32, 64, 96, 128, 192, 256]),
        block_k: of(&[16, 32, 64, 128]),
        warp_m: of(&[16, 32, 48, 64, 96, 128]),
        warp_n: of(&[8, 16, 24, 32, 48, 64, 96, 128]),
        stages: of(&[2, 3, 4, 5, 6, 8]),
        copy_byte: of(&[4, 8, 16]),
        min_blocks: of(&[1, 2, 3, 4]),
        raster_group: of(&[1, 2, 4, 8, 16]),
        split_k: of(&[1, 2, 4, 8]),
        ..Tile::default()
    };
    tile.swizzle = Swizzle::ALL[rng.random_range(0..Swizzle::ALL.len())].1;
    if is_mixed {
        tile.conversion = Conversion::ALL[rng.random_range(0..Conversion::ALL.len())].1;
        tile.layout = Layout::ALL[rng.random_range(0..Layout::ALL.len())].1;
    }
    tile
}

/// The product of the published ablation.
pub const fn published(operands: Operands) -> Gemm {
    Gemm::new(3456, 4096, 2048, operands)
}
